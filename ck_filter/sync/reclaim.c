/* sync/reclaim.c - grace periods by liburcu's "bulletproof" flavour.
 *
 * It registers threads behind their backs, costs a store and a compiler barrier on entry where the
 * kernel has membarrier(2), and survives fork with the hooks below.
 * See Desnoyers et al., "User-Level Implementations of Read-Copy Update", IEEE TPDS 2012.
 *
 * ThreadSanitizer cannot see into the shared library, so the two edges that it provides are told
 * to it: section end -> wait for readers, and retire -> callback.
 */
#include "sync/reclaim.h"

#include <pthread.h>
#include <stddef.h>
#include <urcu/urcu-bp.h>

/* The bodies of the two calls that readers make, which liburcu offers for inlining whatever the
 * caller's licence, and this thread's entry without a call. */
#include <urcu/static/urcu-bp.h>
extern _Thread_local struct urcu_bp_reader *urcu_bp_reader
    __attribute__((tls_model("initial-exec")));

#include "base/backoff.h"
#include "base/clock.h"
#include "sync/parking.h"

_Static_assert(sizeof(struct rcu_head) == sizeof(((struct ckf_retired *)0)->link),
               "ckf_retired has room for liburcu's head");

#ifdef CKF_INSTRUMENTED
#include <sanitizer/tsan_interface.h>
static char section_edge, retire_edge;
#define EDGE_RELEASE(edge) __tsan_release(&(edge))
#define EDGE_ACQUIRE(edge) __tsan_acquire(&(edge))
#else
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

static void run_callback(struct rcu_head *head)
{
    EDGE_ACQUIRE(retire_edge);
    EDGE_ACQUIRE(section_edge);
    struct ckf_retired *retired = (struct ckf_retired *)(void *)head;
    retired->reclaim(retired);
}

void ckf_retire(struct ckf_retired *retired, void (*reclaim)(struct ckf_retired *))
{
    retired->reclaim = reclaim;
    EDGE_RELEASE(retire_edge);
    urcu_bp_call_rcu((struct rcu_head *)(void *)retired->link, run_callback);
}

void ckf_wait_for_readers(void)
{
    urcu_bp_synchronize_rcu();
    EDGE_ACQUIRE(section_edge);
}

struct milestone {
    struct ckf_retired retired;
    struct ckf_parker passed;
};

static void pass_milestone(struct ckf_retired *retired)
{
    ckf_unpark(&((struct milestone *)(void *)retired)->passed);
}

/* Callbacks run on one thread in the order of their retirement, so it is enough to see one's own.
 * (rcu_barrier does the same with memory that ThreadSanitizer sees only half of.) */
void ckf_wait_for_reclaim(void)
{
    struct milestone milestone;
    ckf_parker_init(&milestone.passed);
    ckf_retire(&milestone.retired, pass_milestone);
    ckf_park(&milestone.passed, CKF_FOREVER, NULL);
}

void ckf_reclaim_start(void)
{
    urcu_bp_get_default_call_rcu_data();
}

static void before_fork(void)
{
    urcu_bp_call_rcu_before_fork();
    urcu_bp_before_fork();
}

static void after_fork_in_parent(void)
{
    urcu_bp_after_fork_parent();
    urcu_bp_call_rcu_after_fork_parent();
}

static void after_fork_in_child(void)
{
    urcu_bp_after_fork_child();
    urcu_bp_call_rcu_after_fork_child();
}

__attribute__((constructor)) static void survive_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}
