/* tests/test_explore_corpus_programs.c - classic concurrent structures in a right and in a wrong version, compiled
 * as everything that is explored. What is wrong with the wrong ones is the mistake people make.
 *
 * Treiber 1986; Michael and Scott, PODC 1996; Peterson 1981; Dekker (Dijkstra 1965); Chase and Lev,
 * SPAA 2005, with the orders of Le, Pop, Cohen, Zappa Nardelli, PPoPP 2013; Boehm, "Can seqlocks get
 * along with programming language memory models?", MSPC 2012; Michael, "Hazard pointers", TPDS 2004.
 */
#include "explore_corpus.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/futex.h"
#include "sync/parking.h"
#include "sync/per_thread.h"
#include "sync/reclaim.h"

enum {
    rlx = memory_order_relaxed,
    acq = memory_order_acquire,
    rel = memory_order_release,
    acq_rel = memory_order_acq_rel,
    sc = memory_order_seq_cst
};
#define LOAD(variable, order) atomic_load_explicit(&(variable), (memory_order)(order))
#define STORE(variable, value, order)                                                              \
    atomic_store_explicit(&(variable), value, (memory_order)(order))
#define ADD(variable, value, order)                                                                \
    atomic_fetch_add_explicit(&(variable), value, (memory_order)(order))
#define CAS(variable, expected, desired, order)                                                    \
    atomic_compare_exchange_strong_explicit(&(variable), expected, desired, (memory_order)(order), \
                                            memory_order_relaxed)
#define FENCE(order) atomic_thread_fence((memory_order)(order))

static void check(bool holds, const char *invariant)
{
    if (!holds)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "breaks the invariant: %s", invariant);
}

static void together(void (*first)(void *), void (*second)(void *), void (*third)(void *))
{
    unsigned a = ckf_explore_spawn(first, NULL, "T1");
    unsigned b = ckf_explore_spawn(second, NULL, "T2");
    unsigned c = third != NULL ? ckf_explore_spawn(third, NULL, "T3") : 0;
    ckf_explore_join(a);
    ckf_explore_join(b);
    if (third != NULL)
        ckf_explore_join(c);
}

/* PROGRAM(name, threads...) defines the body that runs two or three threads. */
#define PROGRAM(name, first, second, third, before, ...)                                           \
    static void name(void *unused)                                                                 \
    {                                                                                              \
        (void)unused;                                                                              \
        before;                                                                                    \
        together(first, second, third);                                                            \
        __VA_ARGS__;                                                                               \
    }

/* Treiber's stack on a pool of numbered nodes. The top is a node, and a version that grows in the
 * right one: without it, a node that was popped and pushed again goes unnoticed (ABA). */

enum { STACK_NODES = 3, VERSION = 16 };
static _Atomic(uint32_t) stack_top;
static _Atomic(uint32_t) stack_next[STACK_NODES + 1];
static _Atomic(int) stack_taken[STACK_NODES + 1];
static uint32_t stack_version;

static void stack_push(uint32_t node)
{
    uint32_t top = LOAD(stack_top, rlx);
    do {
        STORE(stack_next[node], top % VERSION, rlx);
    } while (!CAS(stack_top, &top, (top - top % VERSION + stack_version) | node, rel));
}

static uint32_t stack_pop(void)
{
    uint32_t top = LOAD(stack_top, acq);
    uint32_t next;
    do {
        if (top % VERSION == 0)
            return 0;
        next = LOAD(stack_next[top % VERSION], rlx);
    } while (!atomic_compare_exchange_strong_explicit(&stack_top, &top,
                                                      (top - top % VERSION + stack_version) | next,
                                                      memory_order_acq_rel, memory_order_acquire));
    return top % VERSION;
}

static void stack_fill(uint32_t version)
{
    stack_version = version;
    for (uint32_t node = STACK_NODES; node > 0; node--)
        stack_push(node);
}

static void take_one(uint32_t node)
{
    if (node != 0)
        check(ADD(stack_taken[node], 1, rlx) == 0, "nobody else holds the node");
}

static void stack_popper(void *unused)
{
    (void)unused;
    take_one(stack_pop());
    take_one(stack_pop());
}

static void stack_returner(void *unused)
{
    (void)unused;
    uint32_t first = stack_pop();
    take_one(first);
    take_one(stack_pop());
    if (first != 0) {
        ADD(stack_taken[first], -1, rlx);
        stack_push(first);
    }
}

PROGRAM(treiber_aba, stack_popper, stack_returner, NULL, stack_fill(0), )
PROGRAM(treiber_versions, stack_popper, stack_returner, NULL, stack_fill(VERSION), )

/* Michael and Scott's queue; nodes are never used again. The wrong one links a node by a store. */

struct queue_node {
    _Atomic(struct queue_node *) next;
    int value;
};
static _Atomic(struct queue_node *) queue_head, queue_tail;
static struct queue_node *queue_first;

static void queue_begin(void)
{
    struct queue_node *dummy = queue_first = calloc(1, sizeof *dummy);
    queue_head = dummy;
    queue_tail = dummy;
}

static void queue_put(int value)
{
    struct queue_node *node = calloc(1, sizeof *node);
    node->value = value;
    for (;;) {
        struct queue_node *tail = LOAD(queue_tail, acq);
        struct queue_node *next = LOAD(tail->next, acq);
        if (next != NULL) {
            CAS(queue_tail, &tail, next, rel);
        } else if (CAS(tail->next, &next, node, rel)) {
            CAS(queue_tail, &tail, node, rel);
            return;
        }
    }
}

static void queue_put_wrong(int value)
{
    struct queue_node *node = calloc(1, sizeof *node);
    node->value = value;
    struct queue_node *tail = LOAD(queue_tail, acq);
    STORE(tail->next, node, rel);
    CAS(queue_tail, &tail, node, rel);
}

static int queue_take(void)
{
    for (;;) {
        struct queue_node *head = LOAD(queue_head, acq);
        struct queue_node *next = LOAD(head->next, acq);
        if (next == NULL)
            return 0;
        if (CAS(queue_head, &head, next, acq_rel))
            return next->value;
    }
}

static void put_1(void *unused)
{
    (void)unused;
    queue_put(1);
}
static void put_2(void *unused)
{
    (void)unused;
    queue_put(2);
    int got = queue_take();
    check(got == 1 || got == 2, "a queue that was filled is not empty");
}
static void put_wrong_1(void *unused)
{
    (void)unused;
    queue_put_wrong(1);
}
static void put_wrong_2(void *unused)
{
    (void)unused;
    queue_put_wrong(2);
}

/* Nodes stay linked to the one that was first of all. */
static void queue_end(void)
{
    for (struct queue_node *node = queue_first; node != NULL;) {
        struct queue_node *next = LOAD(node->next, rlx);
        free(node);
        node = next;
    }
}

PROGRAM(michael_scott, put_1, put_2, NULL, queue_begin(),
        check(queue_take() != 0 && queue_take() == 0, "two in, two out"), queue_end())
PROGRAM(michael_scott_store, put_wrong_1, put_wrong_2, NULL, queue_begin(),
        check(queue_take() != 0 && queue_take() != 0, "two in, two out"), queue_end())

/* Mutual exclusion: the critical section is a plain counter, so that a failure is a data race. */

static _Atomic(int) flag[2], turn;
static int guarded;

static void peterson(int me, int order)
{
    STORE(flag[me], 1, order == sc ? sc : rel);
    STORE(turn, 1 - me, order == sc ? sc : rel);
    while (LOAD(flag[1 - me], order == sc ? sc : acq) &&
           LOAD(turn, order == sc ? sc : acq) == 1 - me)
        ckf_cpu_relax();
    guarded++;
    STORE(flag[me], 0, rel);
}

static void peterson_sc_0(void *unused)
{
    (void)unused;
    peterson(0, sc);
}
static void peterson_sc_1(void *unused)
{
    (void)unused;
    peterson(1, sc);
}
static void peterson_ra_0(void *unused)
{
    (void)unused;
    peterson(0, acq_rel);
}
static void peterson_ra_1(void *unused)
{
    (void)unused;
    peterson(1, acq_rel);
}

PROGRAM(peterson_sc, peterson_sc_0, peterson_sc_1, NULL, , check(guarded == 2, "both were in"))
PROGRAM(peterson_ra, peterson_ra_0, peterson_ra_1, NULL, , )

static void dekker(int me, bool fence)
{
    STORE(flag[me], 1, rlx);
    if (fence)
        FENCE(sc);
    while (LOAD(flag[1 - me], acq)) {
        if (LOAD(turn, rlx) != me) {
            STORE(flag[me], 0, rel);
            while (LOAD(turn, rlx) != me)
                ckf_cpu_relax();
            STORE(flag[me], 1, rlx);
            if (fence)
                FENCE(sc);
        } else {
            ckf_cpu_relax();
        }
    }
    guarded++;
    STORE(turn, 1 - me, rlx);
    STORE(flag[me], 0, rel);
}

static void dekker_fence_0(void *unused)
{
    (void)unused;
    dekker(0, true);
}
static void dekker_fence_1(void *unused)
{
    (void)unused;
    dekker(1, true);
}
static void dekker_bare_0(void *unused)
{
    (void)unused;
    dekker(0, false);
}
static void dekker_bare_1(void *unused)
{
    (void)unused;
    dekker(1, false);
}

PROGRAM(dekker_with_fence, dekker_fence_0, dekker_fence_1, NULL, , )
PROGRAM(dekker_without, dekker_bare_0, dekker_bare_1, NULL, , )

static _Atomic(int) spinlock;

static void with_spinlock(int release_order)
{
    while (atomic_exchange_explicit(&spinlock, 1, memory_order_acquire))
        ckf_cpu_relax();
    guarded++;
    STORE(spinlock, 0, release_order);
}

static void spin_release(void *unused)
{
    (void)unused;
    with_spinlock(rel);
}
static void spin_relaxed(void *unused)
{
    (void)unused;
    with_spinlock(rlx);
}

PROGRAM(spinlock_release, spin_release, spin_release, spin_release, , check(guarded == 3, "3"))
PROGRAM(spinlock_relaxed, spin_relaxed, spin_relaxed, NULL, , )

/* A seqlock: two words that belong together. The wrong one re-reads its sequence without an acquire
 * fence, so that the words may be read after it. */

static _Atomic(unsigned) sequence;
static _Atomic(int) word_1, word_2;

static void seqlock_write(void *unused)
{
    (void)unused;
    STORE(sequence, 1, rlx);
    FENCE(rel);
    STORE(word_1, 1, rlx);
    STORE(word_2, 1, rlx);
    STORE(sequence, 2, rel);
}

static void seqlock_read(bool fence)
{
    for (;;) {
        unsigned before = LOAD(sequence, acq);
        int first = LOAD(word_1, rlx);
        int second = LOAD(word_2, rlx);
        if (fence)
            FENCE(acq);
        if (LOAD(sequence, rlx) == before && before % 2 == 0) {
            check(first == second, "the two words belong together");
            return;
        }
        ckf_cpu_relax();
    }
}

static void seqlock_read_right(void *unused)
{
    (void)unused;
    seqlock_read(true);
}
static void seqlock_read_wrong(void *unused)
{
    (void)unused;
    seqlock_read(false);
}

PROGRAM(seqlock, seqlock_write, seqlock_read_right, NULL, , )
PROGRAM(seqlock_without_fence, seqlock_write, seqlock_read_wrong, NULL, , )

/* Chase and Lev's deque with room enough. The wrong one lacks the fence in take. */

static _Atomic(int) deque_bottom, deque_top, deque_cells[4], deque_taken[4];

static void deque_put(int value)
{
    int bottom = LOAD(deque_bottom, rlx);
    STORE(deque_cells[bottom], value, rlx);
    FENCE(rel);
    STORE(deque_bottom, bottom + 1, rlx);
}

static int deque_take(bool fence)
{
    int bottom = LOAD(deque_bottom, rlx) - 1;
    STORE(deque_bottom, bottom, rlx);
    if (fence)
        FENCE(sc);
    int top = LOAD(deque_top, rlx);
    if (top > bottom) {
        STORE(deque_bottom, bottom + 1, rlx);
        return 0;
    }
    int value = LOAD(deque_cells[bottom], rlx);
    if (top == bottom) {
        if (!CAS(deque_top, &top, top + 1, sc))
            value = 0;
        STORE(deque_bottom, bottom + 1, rlx);
    }
    return value;
}

static int deque_steal(void)
{
    int top = LOAD(deque_top, acq);
    FENCE(sc);
    int bottom = LOAD(deque_bottom, acq);
    if (top >= bottom)
        return 0;
    int value = LOAD(deque_cells[top], rlx);
    return CAS(deque_top, &top, top + 1, sc) ? value : 0;
}

static void count_taken(int value)
{
    if (value != 0)
        check(ADD(deque_taken[value], 1, rlx) == 0, "each element is taken once");
}

static void deque_owner(bool fence)
{
    deque_put(1);
    deque_put(2);
    count_taken(deque_take(fence));
    count_taken(deque_take(fence));
}

static void deque_owner_right(void *unused)
{
    (void)unused;
    deque_owner(true);
}
static void deque_owner_wrong(void *unused)
{
    (void)unused;
    deque_owner(false);
}
static void deque_thief(void *unused)
{
    (void)unused;
    count_taken(deque_steal());
    count_taken(deque_steal());
}

PROGRAM(chase_lev, deque_owner_right, deque_thief, NULL, , )
PROGRAM(chase_lev_without_fence, deque_owner_wrong, deque_thief, NULL, , )

/* A ring for one producer and one consumer; its cells are plain. */

enum { RING = 2 };
static _Atomic(unsigned) ring_head, ring_tail;
static int ring_cells[RING];

static void ring_produce(int order)
{
    for (int value = 1; value <= 3; value++) {
        unsigned tail = LOAD(ring_tail, rlx);
        while (tail - LOAD(ring_head, acq) == RING)
            ckf_cpu_relax();
        ring_cells[tail % RING] = value;
        STORE(ring_tail, tail + 1, order);
    }
}

static void ring_consume(int order)
{
    for (int value = 1; value <= 3; value++) {
        unsigned head = LOAD(ring_head, rlx);
        while (LOAD(ring_tail, acq) == head)
            ckf_cpu_relax();
        check(ring_cells[head % RING] == value, "elements come in order");
        STORE(ring_head, head + 1, order);
    }
}

static void produce_rel(void *unused)
{
    (void)unused;
    ring_produce(rel);
}
static void produce_rlx(void *unused)
{
    (void)unused;
    ring_produce(rlx);
}
static void consume_rel(void *unused)
{
    (void)unused;
    ring_consume(rel);
}
static void consume_rlx(void *unused)
{
    (void)unused;
    ring_consume(rlx);
}

PROGRAM(ring, produce_rel, consume_rel, NULL, , )
PROGRAM(ring_relaxed_tail, produce_rlx, consume_rel, NULL, , )
PROGRAM(ring_relaxed_head, produce_rel, consume_rlx, NULL, , )

/* A condition variable. The wrong waiter looks before it locks. */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, other_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static bool ready;
static _Atomic(bool) ready_flag;

static void await_right(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    while (!ready)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
}
static void announce_right(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    ready = true;
    pthread_mutex_unlock(&mutex);
    pthread_cond_broadcast(&condition);
}
static void await_wrong(void *unused)
{
    (void)unused;
    if (!LOAD(ready_flag, acq)) {
        pthread_mutex_lock(&mutex);
        pthread_cond_wait(&condition, &mutex);
        pthread_mutex_unlock(&mutex);
    }
}
static void announce_wrong(void *unused)
{
    (void)unused;
    STORE(ready_flag, true, rel);
    pthread_cond_signal(&condition);
}
static void await_for_a_while(void *unused)
{
    (void)unused;
    struct timespec deadline = ckf_timespec(ckf_deadline_after_ns(1000000));
    pthread_mutex_lock(&mutex);
    int error = 0;
    while (!ready && error == 0)
        error = pthread_cond_timedwait(&condition, &mutex, &deadline);
    pthread_mutex_unlock(&mutex);
}

PROGRAM(condition_right, await_right, announce_right, await_right, , )
PROGRAM(condition_lost_signal, await_wrong, announce_wrong, NULL, , )
PROGRAM(condition_timed, await_for_a_while, announce_right, await_for_a_while, , )

static void lock_both(pthread_mutex_t *first, pthread_mutex_t *second)
{
    pthread_mutex_lock(first);
    pthread_mutex_lock(second);
    guarded++;
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
}
static void lock_12(void *unused)
{
    (void)unused;
    lock_both(&mutex, &other_mutex);
}
static void lock_21(void *unused)
{
    (void)unused;
    lock_both(&other_mutex, &mutex);
}

PROGRAM(locks_in_order, lock_12, lock_12, lock_12, , check(guarded == 3, "all were in"))
PROGRAM(locks_out_of_order, lock_12, lock_21, NULL, , )

/* Double-checked initialisation. */

static _Atomic(int *) lazy;

static int *get_lazy(int order)
{
    int *value = LOAD(lazy, order);
    if (value == NULL) {
        pthread_mutex_lock(&mutex);
        value = LOAD(lazy, rlx);
        if (value == NULL) {
            value = malloc(sizeof *value);
            *value = 42;
            STORE(lazy, value, order == acq ? rel : rlx);
        }
        pthread_mutex_unlock(&mutex);
    }
    return value;
}
static void lazy_right(void *unused)
{
    (void)unused;
    check(*get_lazy(acq) == 42, "what is published is initialised");
}
static void lazy_wrong(void *unused)
{
    (void)unused;
    check(*get_lazy(rlx) == 42, "what is published is initialised");
}

PROGRAM(double_checked, lazy_right, lazy_right, NULL, , free(LOAD(lazy, rlx)))
PROGRAM(double_checked_relaxed, lazy_wrong, lazy_wrong, NULL, , free(LOAD(lazy, rlx)))

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void initialise(void)
{
    guarded++;
}
static void use_once(void *unused)
{
    (void)unused;
    pthread_once(&once, initialise);
    check(guarded == 1, "once");
}
PROGRAM(once_only, use_once, use_once, use_once, , )

/* Reference counts. The wrong one frees without having acquired what others did. */

struct counted {
    _Atomic(int) references;
    int value;
};
static struct counted *shared;

static void share(int references)
{
    shared = malloc(sizeof *shared);
    atomic_init(&shared->references, references);
    shared->value = 1;
}

static void use_and_drop(int order)
{
    struct counted *mine = shared;
    check(mine->value == 1, "the object is alive");
    if (ADD(mine->references, -1, order) == 1)
        free(mine);
}
static void drop_right(void *unused)
{
    (void)unused;
    use_and_drop(acq_rel);
}
static void drop_relaxed(void *unused)
{
    (void)unused;
    use_and_drop(rlx);
}
static void drop_too_often(void *unused)
{
    (void)unused;
    free(shared);
}

PROGRAM(reference_count, drop_right, drop_right, drop_right, share(3), )
PROGRAM(reference_count_relaxed, drop_relaxed, drop_relaxed, NULL, share(2), )
PROGRAM(double_free, drop_too_often, drop_too_often, NULL, share(1), )

static char *volatile text; /* or else compilers do without the memory */
static void overrun(void *unused)
{
    (void)unused;
    text = malloc(16);
    char *mine_to_write = text;
    for (int i = 0; i <= 16; i++)
        mine_to_write[i] = 'x';
    check(text[16] == 'x', "memory holds what is written");
}

/* A hazard pointer, with and without the look that makes it count. */

static _Atomic(struct counted *) current, hazard;

static void hazard_begin(void)
{
    share(0);
    current = shared;
}
static void hazard_read(bool look_again)
{
    struct counted *mine;
    do {
        mine = LOAD(current, acq);
        STORE(hazard, mine, sc);
    } while (look_again && LOAD(current, sc) != mine);
    if (mine != NULL)
        check(mine->value == 1, "the object is alive");
    STORE(hazard, NULL, rel);
}
static void hazard_read_right(void *unused)
{
    (void)unused;
    hazard_read(true);
}
static void hazard_read_wrong(void *unused)
{
    (void)unused;
    hazard_read(false);
}
static void hazard_remove(void *unused)
{
    (void)unused;
    struct counted *old = atomic_exchange(&current, NULL);
    while (LOAD(hazard, sc) == old)
        ckf_cpu_relax();
    free(old);
}

PROGRAM(hazard_pointer, hazard_read_right, hazard_remove, NULL, hazard_begin(), )
PROGRAM(hazard_without_look, hazard_read_wrong, hazard_remove, NULL, hazard_begin(), )

/* Grace periods. */

struct snapshot {
    struct ckf_retired retired;
    int value;
};
static _Atomic(struct snapshot *) snapshot;

static struct snapshot *make_snapshot(int value)
{
    struct snapshot *made = malloc(sizeof *made);
    made->value = value;
    return made;
}
static void free_snapshot(struct ckf_retired *retired)
{
    free(retired);
}
static void publish(void *unused)
{
    (void)unused;
    struct snapshot *old =
        atomic_exchange_explicit(&snapshot, make_snapshot(2), memory_order_acq_rel);
    ckf_retire(&old->retired, free_snapshot);
}
static void publish_and_wait(void *unused)
{
    (void)unused;
    struct snapshot *old =
        atomic_exchange_explicit(&snapshot, make_snapshot(2), memory_order_acq_rel);
    ckf_wait_for_readers();
    free(old);
}
static void publish_and_free(void *unused)
{
    (void)unused;
    free(atomic_exchange_explicit(&snapshot, make_snapshot(2), memory_order_acq_rel));
}
static void read_inside(void *unused)
{
    (void)unused;
    ckf_read_begin();
    int value = LOAD(snapshot, acq)->value;
    check(value == 1 || value == 2, "a snapshot is whole");
    ckf_read_end();
}
static void read_outside(void *unused)
{
    (void)unused;
    ckf_read_begin();
    struct snapshot *mine = LOAD(snapshot, acq);
    ckf_read_end();
    check(mine->value != 0, "a snapshot is whole");
}
static void read_before(void *unused)
{
    (void)unused;
    struct snapshot *mine = LOAD(snapshot, acq);
    ckf_read_begin();
    check(mine->value != 0, "a snapshot is whole");
    ckf_read_end();
}
static void sleep_inside(void *unused)
{
    (void)unused;
    struct ckf_parker never;
    ckf_parker_init(&never);
    ckf_read_begin();
    ckf_park(&never, CKF_FOREVER, NULL);
    ckf_read_end();
}

#define RCU_PROGRAM(name, first, second, third)                                                    \
    PROGRAM(name, first, second, third, snapshot = make_snapshot(1), ckf_wait_for_reclaim(),       \
            free(LOAD(snapshot, rlx)))
RCU_PROGRAM(rcu_retire, publish, read_inside, read_inside)
RCU_PROGRAM(rcu_wait, publish_and_wait, read_inside, read_inside)
RCU_PROGRAM(rcu_free_at_once, publish_and_free, read_inside, NULL)
RCU_PROGRAM(rcu_used_after_section, publish, read_outside, NULL)
RCU_PROGRAM(rcu_loaded_before_section, publish, read_before, NULL)
RCU_PROGRAM(rcu_sleep_inside, publish, sleep_inside, NULL)

/* Sleeping: the library's parking, and a wait that does not let the kernel compare. */

static struct ckf_parker parker;
static _Atomic(uint32_t) naive;

static void park(void *unused)
{
    (void)unused;
    check(ckf_park(&parker, CKF_FOREVER, NULL), "without a deadline it is fired");
    check(guarded == 1, "what was written before is seen");
}
static void unpark(void *unused)
{
    (void)unused;
    guarded = 1;
    ckf_unpark(&parker);
}
static void park_for_a_while(void *unused)
{
    (void)unused;
    if (ckf_park(&parker, ckf_deadline_after_ns(1000000), NULL))
        check(guarded == 1, "what was written before is seen");
}
static void naive_wait(void *unused)
{
    (void)unused;
    if (LOAD(naive, acq) == 0)
        ckf_futex_wait(&naive, LOAD(naive, rlx), CKF_FOREVER);
}
static void naive_wake(void *unused)
{
    (void)unused;
    STORE(naive, 1, rel);
    ckf_futex_wake(&naive, 1);
}

PROGRAM(parking, park, unpark, NULL, ckf_parker_init(&parker), )
PROGRAM(parking_timed, park_for_a_while, unpark, NULL, ckf_parker_init(&parker), )
PROGRAM(naive_sleep, naive_wait, naive_wake, NULL, , )

/* Waiting for what never comes, with and without a hint that it spins. */

static void spin_for_ever(void *unused)
{
    (void)unused;
    while (!LOAD(ready_flag, acq))
        ckf_cpu_relax();
}
static void spin_bare(void *unused)
{
    (void)unused;
    while (!LOAD(ready_flag, acq))
        ;
}
static void set_ready(void *unused)
{
    (void)unused;
    STORE(ready_flag, true, rlx);
}
static void nothing(void *unused)
{
    (void)unused;
}

PROGRAM(spin_until_set, spin_for_ever, set_ready, spin_bare, , )
PROGRAM(spin_never_set, spin_for_ever, nothing, NULL, , )
PROGRAM(spin_bare_never_set, spin_bare, nothing, NULL, , )

/* Who looks several words over a second time does not spin, and may be the first to go on. */

static _Atomic(int) looked_over[3];

__attribute__((noinline)) static void look_over(void)
{
    for (int i = 0; i < 3; i++)
        (void)LOAD(looked_over[i], rlx);
}
static void look_twice(void *unused)
{
    (void)unused;
    look_over();
    look_over();
    STORE(ready_flag, true, rlx);
}
static void write_words(void *unused)
{
    (void)unused;
    bool was_ready = LOAD(ready_flag, rlx);
    for (int i = 0; i < 3; i++)
        STORE(looked_over[i], 1, rlx);
    check(!was_ready, "it is not ready before the words are written");
}

PROGRAM(looks_twice, look_twice, write_words, NULL, , )

/* Threads, keys and thread-local storage. */

static _Thread_local int mine = 5;
static pthread_key_t key;

static void end_of_thread(void *value)
{
    check(*(int *)value == mine, "thread-local storage is the thread's");
    guarded += mine;
}
static void *with_a_key(void *start)
{
    mine += *(int *)start;
    ckf_explore_pause();
    pthread_mutex_lock(&mutex);
    pthread_setspecific(key, &mine);
    pthread_mutex_unlock(&mutex);
    unsigned number = ckf_thread_number();
    check(number < 3, "numbers are dense");
    return &guarded;
}
static void threads_and_keys(void *unused)
{
    (void)unused;
    pthread_t first, second;
    int one = 1, ten = 10;
    void *result;
    check(pthread_key_create(&key, end_of_thread) == 0, "a key");
    pthread_create(&first, NULL, with_a_key, &one);
    pthread_join(first, &result);
    check(result == &guarded && guarded == 6, "the destructor has run");
    pthread_create(&second, NULL, with_a_key, &ten);
    pthread_join(second, NULL);
    check(guarded == 21 && mine == 5, "and runs for each");
}

/* The library's own numbering of threads, which cases do without: two threads take numbers, and a third may
 * inherit one. Who inherits a number is ordered after whoever had it. */
static int used_by_number[4];

static void *with_a_number(void *unused)
{
    (void)unused;
    unsigned number = ckf_thread_number();
    check(number < 3, "numbers are dense");
    check(ckf_thread_number_end() > number, "a number that is held is below the end");
    used_by_number[number]++;
    return NULL;
}
static void *with_a_number_later(void *unused)
{
    ckf_explore_pause();
    return with_a_number(unused);
}
static void numbers_of_threads(void *unused)
{
    (void)unused;
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, with_a_number, NULL);
    pthread_create(&threads[1], NULL, with_a_number, NULL);
    pthread_create(&threads[2], NULL, with_a_number_later, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    check(used_by_number[0] + used_by_number[1] + used_by_number[2] == 3, "each had a number");
}

/* What goes wrong only if a sleeper wakes without cause (as after a signal, EINTR), a weak compare-and-swap
 * fails without cause, or memory runs out. */
static _Atomic(uint32_t) signalled;

static void waiter_without_loop(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    if (!ready)
        pthread_cond_wait(&condition, &mutex);
    check(ready, "who was woken finds what it waited for");
    pthread_mutex_unlock(&mutex);
}
static void sleeper_without_loop(void *unused)
{
    (void)unused;
    ckf_futex_wait(&signalled, 0, CKF_FOREVER);
    /* A wake orders nothing; the newest value is what a read-modify-write finds. */
    check(ADD(signalled, 0, acq) == 1, "who was woken finds what it waited for");
}
static void signaller(void *unused)
{
    (void)unused;
    STORE(signalled, 1, rel);
    ckf_futex_wake(&signalled, 1);
}
static void weak_without_loop(void *unused)
{
    (void)unused;
    uint32_t zero = 0;
    atomic_compare_exchange_weak_explicit(&signalled, &zero, 1, memory_order_acq_rel,
                                          memory_order_relaxed);
    check(LOAD(signalled, rlx) != 0, "somebody has set it");
}
static void user_of_memory(void *unused)
{
    (void)unused;
    _Atomic(int) *counter = calloc(1, sizeof *counter);
    if (counter == NULL)
        abort();
    ADD(*counter, 1, rlx);
    free((void *)counter);
}
PROGRAM(condition_without_loop, waiter_without_loop, announce_right, NULL, , )
PROGRAM(futex_without_loop, sleeper_without_loop, signaller, NULL, , )
PROGRAM(weak_cas_without_loop, weak_without_loop, weak_without_loop, NULL, , )
PROGRAM(memory_or_abort, user_of_memory, user_of_memory, NULL, , )

/* What goes wrong only if a wake takes another sleeper than the first, or a deadline passes while others could
 * go on. */
static bool first_may, second_may;

static void pass_on(const bool *may, bool *next)
{
    pthread_mutex_lock(&mutex);
    while (!*may)
        pthread_cond_wait(&condition, &mutex);
    *next = true;
    pthread_cond_signal(&condition); /* whom? */
    pthread_mutex_unlock(&mutex);
}
static void first_in_turn(void *unused)
{
    (void)unused;
    pass_on(&first_may, &second_may);
}
static void second_in_turn(void *unused)
{
    bool nobody;
    (void)unused;
    pass_on(&second_may, &nobody);
}
static void begin_turns(void *unused)
{
    bool always = true;
    (void)unused;
    pass_on(&always, &first_may);
}
static int *request;

static void give_up_on_request(void *unused)
{
    struct timespec deadline = ckf_timespec(ckf_deadline_after_ns(1000000));
    (void)unused;
    pthread_mutex_lock(&mutex);
    while (!ready && pthread_cond_timedwait(&condition, &mutex, &deadline) == 0)
        ;
    free(request); /* whether it was answered or not */
    pthread_mutex_unlock(&mutex);
}
static void answer_request(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    *request = 1;
    ready = true;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
}
PROGRAM(turns_by_one_condition, first_in_turn, second_in_turn, begin_turns,
        first_may = second_may = false, )
PROGRAM(request_given_up, give_up_on_request, answer_request, NULL,
        request = calloc(1, sizeof *request), )

/* Memory that nobody frees, and memory that nobody writes. */
static _Atomic(int *) lazily;

static void make_lazily(bool (*publish_it)(int *made))
{
    if (LOAD(lazily, acq) != NULL)
        return;
    int *made = calloc(1, sizeof *made);
    if (!publish_it(made))
        free(made);
}
static bool publish_one(int *made)
{
    int *none = NULL;
    return CAS(lazily, &none, made, acq_rel);
}
static bool publish_over(int *made)
{
    STORE(lazily, made, rel);
    return true;
}
static void make_one(void *unused)
{
    (void)unused;
    make_lazily(publish_one);
}
static void make_over(void *unused)
{
    (void)unused;
    make_lazily(publish_over);
}
static int *volatile kept;

static void forget_memory(void *unused)
{
    (void)unused;
    kept = calloc(1, sizeof *kept);
}
PROGRAM(made_lazily_once, make_one, make_one, NULL, , free(LOAD(lazily, rlx)))
PROGRAM(made_lazily_twice, make_over, make_over, NULL, , free(LOAD(lazily, rlx)))
PROGRAM(memory_forgotten, forget_memory, nothing, NULL, , )

struct mail {
    _Atomic(int) stamps;
    char kind;
    int text;
};
static _Atomic(struct mail *) mail;

static struct mail *new_mail(void)
{
    struct mail *made = malloc(sizeof *made);
    made->kind = 'a';
    return made;
}
static void send_mail(void *unused)
{
    (void)unused;
    struct mail *made = new_mail(), *sent = malloc(sizeof *sent);
    atomic_init(&made->stamps, 0);
    made->text = 1;
    memcpy(sent, made, sizeof *made); /* with the padding that nobody has written */
    free(made);
    STORE(mail, sent, rel);
}
static void send_mail_without_text(void *unused)
{
    (void)unused;
    struct mail *made = new_mail();
    atomic_init(&made->stamps, 0);
    STORE(mail, made, rel);
}
static void send_mail_without_stamps(void *unused)
{
    (void)unused;
    struct mail *made = new_mail();
    made->text = 1;
    STORE(mail, made, rel);
}
static void send_zeroed_mail(void *unused)
{
    (void)unused;
    STORE(mail, calloc(1, sizeof(struct mail)), rel);
}
static void receive_mail(void *unused)
{
    (void)unused;
    struct mail *found = LOAD(mail, acq);
    if (found == NULL)
        return;
    ADD(found->stamps, 1, rlx);
    check(found->text == 1 || found->text == 0, "a mail is whole");
}
#define MAIL_PROGRAM(name, send) PROGRAM(name, send, receive_mail, NULL, , free(LOAD(mail, rlx)))
MAIL_PROGRAM(mail_whole, send_mail)
MAIL_PROGRAM(mail_zeroed, send_zeroed_mail)
MAIL_PROGRAM(mail_without_text, send_mail_without_text)
MAIL_PROGRAM(mail_without_stamps, send_mail_without_stamps)

/* A 16-byte cell that one side changes whole and the other by half. */

struct cell {
    _Alignas(16) _Atomic(uint64_t) sequence;
    uint64_t value;
};
static struct cell cell;

static bool cell_cas(uint64_t old_sequence, uint64_t value, uint64_t new_sequence,
                     uint64_t new_value)
{
    __extension__ typedef unsigned __int128 pair;
    pair expected = (pair)value << 64 | old_sequence;
    pair desired = (pair)new_value << 64 | new_sequence;
    return atomic_compare_exchange_strong_explicit((_Atomic(pair) *)(void *)&cell, &expected,
                                                   desired, memory_order_acq_rel,
                                                   memory_order_acquire);
}
static void cell_fill(void *unused)
{
    (void)unused;
    cell_cas(0, 0, 1, 77);
}
static void cell_poison(void *unused)
{
    (void)unused;
    uint64_t empty = 0;
    CAS(cell.sequence, &empty, 9, acq_rel);
}
static void cell_take(void *unused)
{
    (void)unused;
    uint64_t found = LOAD(cell.sequence, acq);
    if (found == 1)
        check(cell_cas(1, 77, 2, 0), "a full cell has its value");
}
PROGRAM(cell_of_two_words, cell_fill, cell_poison, cell_take, ,
        check(cell.sequence == 9 || cell.sequence == 1 || cell.sequence == 2, "one of them won"))

#define ALL CKF_EXPLORE_UNBOUNDED

const struct corpus_program corpus[] = {
    {"Treiber's stack, nodes used again", treiber_aba, CKF_VERDICT_MISUSE, 2, 0},
    {"Treiber's stack, with versions", treiber_versions, CKF_VERDICT_OK, 2, 0},
    {"Michael and Scott's queue", michael_scott, CKF_VERDICT_OK, ALL, 0},
    {"Michael and Scott's queue, linked by a store", michael_scott_store, CKF_VERDICT_MISUSE, 2, 0},
    {"Peterson, seq_cst", peterson_sc, CKF_VERDICT_OK, ALL, 0},
    {"Peterson, acquire and release", peterson_ra, CKF_VERDICT_RACE, ALL, 0},
    {"Dekker, with fences", dekker_with_fence, CKF_VERDICT_OK, 3, 0},
    {"Dekker, without", dekker_without, CKF_VERDICT_RACE, 3, 0},
    {"spinlock", spinlock_release, CKF_VERDICT_OK, ALL, 0},
    {"spinlock, released relaxed", spinlock_relaxed, CKF_VERDICT_RACE, ALL, 0},
    {"seqlock", seqlock, CKF_VERDICT_OK, ALL, 0},
    {"seqlock, read without a fence", seqlock_without_fence, CKF_VERDICT_MISUSE, ALL, 0},
    {"Chase and Lev's deque", chase_lev, CKF_VERDICT_OK, 2, 0},
    {"Chase and Lev's deque, taken without a fence", chase_lev_without_fence, CKF_VERDICT_MISUSE, 2,
     0},
    {"ring", ring, CKF_VERDICT_OK, ALL, 0},
    {"ring, tail stored relaxed", ring_relaxed_tail, CKF_VERDICT_RACE, ALL, 0},
    {"ring, head stored relaxed", ring_relaxed_head, CKF_VERDICT_RACE, ALL, 0},
    {"condition variable", condition_right, CKF_VERDICT_OK, ALL, 0},
    {"condition variable, lost signal", condition_lost_signal, CKF_VERDICT_HANG, ALL, 0},
    {"condition variable, with deadlines", condition_timed, CKF_VERDICT_OK, 2, 2},
    {"two locks in one order", locks_in_order, CKF_VERDICT_OK, ALL, 0},
    {"two locks in two orders", locks_out_of_order, CKF_VERDICT_HANG, ALL, 0},
    {"double-checked initialisation", double_checked, CKF_VERDICT_OK, ALL, 0},
    {"double-checked initialisation, relaxed", double_checked_relaxed, CKF_VERDICT_RACE, ALL, 0},
    {"pthread_once", once_only, CKF_VERDICT_OK, ALL, 0},
    {"reference count", reference_count, CKF_VERDICT_OK, ALL, 0},
    {"reference count, relaxed", reference_count_relaxed, CKF_VERDICT_USE_AFTER_FREE, ALL, 0},
    {"freed twice", double_free, CKF_VERDICT_DOUBLE_FREE, ALL, 0},
    {"written past its end", overrun, CKF_VERDICT_CRASH, ALL, 0},
    {"hazard pointer", hazard_pointer, CKF_VERDICT_OK, ALL, 0},
    {"hazard pointer without the second look", hazard_without_look, CKF_VERDICT_USE_AFTER_FREE, ALL,
     0},
    {"RCU, retired", rcu_retire, CKF_VERDICT_OK, ALL, 0},
    {"RCU, waited for", rcu_wait, CKF_VERDICT_OK, ALL, 0},
    {"RCU, freed at once", rcu_free_at_once, CKF_VERDICT_USE_AFTER_FREE, ALL, 0},
    {"RCU, used after its section", rcu_used_after_section, CKF_VERDICT_USE_AFTER_FREE, ALL, 0},
    {"RCU, loaded before its section", rcu_loaded_before_section, CKF_VERDICT_USE_AFTER_FREE, ALL,
     0},
    {"RCU, sleeps in its section", rcu_sleep_inside, CKF_VERDICT_MISUSE, ALL, 0},
    {"parking", parking, CKF_VERDICT_OK, ALL, 0},
    {"parking with a deadline", parking_timed, CKF_VERDICT_OK, 3, 1},
    {"sleep without a comparison", naive_sleep, CKF_VERDICT_HANG, ALL, 0},
    {"looks twice, then goes on", looks_twice, CKF_VERDICT_MISUSE, ALL, 0},
    {"spins until it is set", spin_until_set, CKF_VERDICT_OK, ALL, 0},
    {"spins on what is never set", spin_never_set, CKF_VERDICT_LIVELOCK, ALL, 0},
    {"spins bare on what is never set", spin_bare_never_set, CKF_VERDICT_LIVELOCK, ALL, 0},
    {"threads, keys, thread-local storage", threads_and_keys, CKF_VERDICT_OK, ALL, 0},
    {"condition variable, waited for once", condition_without_loop, CKF_VERDICT_MISUSE, 2, 0, 1, 0},
    {"futex, waited for once", futex_without_loop, CKF_VERDICT_MISUSE, 2, 0, 1, 0},
    {"weak compare-and-swap, tried once", weak_cas_without_loop, CKF_VERDICT_MISUSE, 2, 0, 1, 0},
    {"memory without which it gives up", memory_or_abort, CKF_VERDICT_ABORT, 2, 0, 0, 1},
    {"turns by one condition variable", turns_by_one_condition, CKF_VERDICT_HANG, 2, 0, 0, 0, true},
    {"request given up by its deadline", request_given_up, CKF_VERDICT_USE_AFTER_FREE, 2, 1},
    {"made lazily, once", made_lazily_once, CKF_VERDICT_OK, ALL, 0},
    {"made lazily, twice", made_lazily_twice, CKF_VERDICT_LEAK, ALL, 0},
    {"memory forgotten", memory_forgotten, CKF_VERDICT_LEAK, ALL, 0},
    {"mail, copied whole", mail_whole, CKF_VERDICT_OK, ALL, 0},
    {"mail, zeroed", mail_zeroed, CKF_VERDICT_OK, ALL, 0},
    {"mail without its text", mail_without_text, CKF_VERDICT_UNWRITTEN, ALL, 0},
    {"mail without its stamps", mail_without_stamps, CKF_VERDICT_UNWRITTEN, ALL, 0},
    {"numbers of threads, inherited", numbers_of_threads, CKF_VERDICT_OK, 2, 0},
    {"a 16-byte cell, changed whole and by half", cell_of_two_words, CKF_VERDICT_OK, ALL, 0},
};
const size_t corpus_count = sizeof corpus / sizeof *corpus;
