/* sync/reclaim.c - grace periods by liburcu's "bulletproof" flavour, and what waits for them.
 *
 * liburcu registers threads behind their backs, costs a store and a compiler barrier on entry where the
 * kernel has membarrier(2), and survives fork with the hooks below.
 * See Desnoyers et al., "User-Level Implementations of Read-Copy Update", IEEE TPDS 2012.
 *
 * Roles:      whoever retires pushes onto a stack. Who holds `reclaiming` takes the whole stack as a batch,
 *             waits for the readers, and calls back: the reclaimer, a thread that sleeps while the stack is empty,
 *             or somebody who wants all of it done now.
 * Invariants: no section waits for a holder of `reclaiming`: who retires takes no lock. So a fork, which
 *             takes it, is not waited for by a section that the batch waits for. (liburcu's own call_rcu
 *             takes a lock, when it is new, which its fork hook holds until the batch has ended.)
 *             Who pushes looks afterwards whether the reclaimer sleeps, and the reclaimer says that it
 *             will sleep before it looks at the stack: one of the two sees the other.
 * Fork:       falls between two batches. The child has the stack, and no reclaimer before it retires something:
 *             most children only exec.
 *
 * ThreadSanitizer cannot see into liburcu, so the edge that it provides is told to it: section end ->
 * wait for readers.
 */
#include "sync/reclaim.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include "base/atomics.h"
#include "base/backoff.h"
#include "base/caller.h"
#include "base/clock.h"
#include "base/futex.h"
#include "sync/reclaim_urcu.h"

#ifdef CKF_INSTRUMENTED
#include <sanitizer/tsan_interface.h>
static char section_edge;
#define EDGE_RELEASE(edge) __tsan_release(&(edge))
#define EDGE_ACQUIRE(edge) __tsan_acquire(&(edge))
/* "dup thread with used id": its runtime takes a new thread on a stack that the fork left behind for the old
 * one. So there only who waits for callbacks runs them. */
enum { CHILD_CAN_HAVE_THREADS = 0 };
#else
enum { CHILD_CAN_HAVE_THREADS = 1 };
#define EDGE_RELEASE(edge) ((void)0)
#define EDGE_ACQUIRE(edge) ((void)0)
#endif

/* liburcu keeps its readers less aligned than their type says. That is its own affair on the machines we
 * know, but where alignment is checked the checker must not see it. */
#ifdef __SANITIZE_ADDRESS__
#define READ_LOCK   urcu_bp_read_lock
#define READ_UNLOCK urcu_bp_read_unlock
#else
#define READ_LOCK   _urcu_bp_read_lock
#define READ_UNLOCK _urcu_bp_read_unlock
#endif

void ckf_read_begin(void)
{
    READ_LOCK();
}

void ckf_read_end(void)
{
    EDGE_RELEASE(section_edge);
    READ_UNLOCK();
}

void ckf_wait_for_readers(void)
{
    urcu_bp_synchronize_rcu();
    EDGE_ACQUIRE(section_edge);
}

/* --- retired objects --- */

static pthread_mutex_t reclaiming = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct ckf_retired *) newest; /* a stack of what is in no batch */
static _Atomic(uint32_t) reclaimer_sleeps;   /* or is about to */
static _Atomic(bool) has_reclaimer;
static _Atomic(size_t) backlog; /* retired, and not called back */
static bool batch_has_first;    /* guarded by `reclaiming` */

static struct ckf_retired *oldest_first(struct ckf_retired *retired)
{
    struct ckf_retired *turned = NULL;
    while (retired != NULL) {
        struct ckf_retired *next = retired->next;
        retired->next = turned;
        turned = retired;
        retired = next;
    }
    return turned;
}

/* `reclaiming` is held. */
static void reclaim_batch(void)
{
    /* edge object-retired: acquire; pairs with the CAS in ckf_retire(). */
    struct ckf_retired *retired = oldest_first(exchange_acquire(&newest, NULL));
    if (retired == NULL)
        return;
    ckf_wait_for_readers();
    batch_has_first = false;
    size_t count = 0;
    for (; retired != NULL; count++) {
        struct ckf_retired *next = retired->next;
        retired->reclaim(retired);
        retired = next;
    }
    fetch_sub_relaxed(&backlog, count); /* relaxed: a measure */
}

bool ckf_reclaim_is_first(void)
{
    bool is_first = !batch_has_first;
    batch_has_first = true;
    return is_first;
}

void ckf_wait_for_reclaim(void)
{
    struct ckf_caller caller = ckf_caller_save(); /* liburcu naps by poll(2) */
    pthread_mutex_lock(&reclaiming);
    reclaim_batch();
    pthread_mutex_unlock(&reclaiming);
    ckf_caller_restore(caller);
}

enum {
    LARGE_BACKLOG = 16384
}; /* some megabytes, or what comes within some hundredths of a second */

void ckf_reclaim_keep_up(void)
{
    if (load_relaxed(&backlog) > LARGE_BACKLOG) /* relaxed: a measure */
        ckf_wait_for_reclaim();
}

/* --- the reclaimer --- */

enum { GATHERING_NS = 10000000 }; /* what comes together goes together: a grace period is dear */

static void sleep_until_retired(void)
{
    for (;;) {
        /* seq_cst, both: as the push and the look in ckf_retire() */
        store_seq_cst(&reclaimer_sleeps, true);
        if (load_seq_cst(&newest) != NULL)
            break;
        ckf_futex_wait(&reclaimer_sleeps, true, CKF_FOREVER);
    }
    store_relaxed(&reclaimer_sleeps, false); /* relaxed: at worst it is woken for nothing */
}

static void gather(void)
{
    static _Atomic(uint32_t) nobody_changes_this;
    ckf_futex_wait(&nobody_changes_this, 0, ckf_deadline_after_ns(GATHERING_NS));
}

static void *reclaim_for_ever(void *unused)
{
    (void)unused;
    for (;;) {
        sleep_until_retired();
        gather();
        pthread_mutex_lock(&reclaiming);
        reclaim_batch();
        pthread_mutex_unlock(&reclaiming);
    }
    return NULL;
}

/* The program's signals are for its own threads. */
static bool start_reclaimer(void)
{
    pthread_t thread;
    sigset_t all, previous;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous);
    bool started = pthread_create(&thread, NULL, reclaim_for_ever, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    if (started)
        pthread_detach(thread);
    return started;
}

void ckf_reclaim_start(void)
{
    /* relaxed, all: who starts it decides nothing but that */
    if (load_relaxed(&has_reclaimer) || exchange_relaxed(&has_reclaimer, true))
        return;
    if (!start_reclaimer())
        store_relaxed(&has_reclaimer, false);
}

static void wake_reclaimer(void)
{
    /* relaxed: it looks at the stack again */
    if (exchange_relaxed(&reclaimer_sleeps, false))
        ckf_futex_wake(&reclaimer_sleeps, 1);
}

void ckf_retire(struct ckf_retired *retired, void (*reclaim)(struct ckf_retired *))
{
    retired->reclaim = reclaim;
    fetch_add_relaxed(&backlog, 1);        /* relaxed: a measure */
    retired->next = load_relaxed(&newest); /* relaxed: only handed on */
    /* edge object-retired: release, by the seq_cst CAS; pairs with the acquire in reclaim_batch(). seq_cst,
     * with the look that follows: sleep_until_retired() says that it sleeps, and looks here. */
    while (!cas_seq_cst(&newest, &retired->next, retired))
        ;
    if (load_seq_cst(&reclaimer_sleeps))
        wake_reclaimer();
    ckf_reclaim_start();
}

/* --- forks --- */

static void before_fork(void)
{
    pthread_mutex_lock(&reclaiming);
    urcu_bp_before_fork();
}

static void after_fork_in_parent(void)
{
    urcu_bp_after_fork_parent();
    pthread_mutex_unlock(&reclaiming);
}

static void after_fork_in_child(void)
{
    urcu_bp_after_fork_child();
    /* relaxed: the child has one thread */
    store_relaxed(&has_reclaimer, !CHILD_CAN_HAVE_THREADS);
    store_relaxed(&reclaimer_sleeps, false);
    pthread_mutex_unlock(&reclaiming);
}

__attribute__((constructor)) static void survive_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}
