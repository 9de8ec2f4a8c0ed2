/* tests/test_explore_reduction_programs.c - interprets random programs, compiled as everything that is explored. */
#include "explore_reduction.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/futex.h"
#include "base/membarrier.h"
#include "base/random.h"
#include "explore.h"
#include "sync/reclaim.h"

enum { WORDS = 2, SHORT_NS = 1000000 };

struct pair {
    _Alignas(16) uint64_t low;
    uint64_t high;
};

struct word {
    _Alignas(64) _Atomic(uint32_t) word;
};

struct shared {
    struct word words[WORDS];
    _Alignas(64) struct pair pair;
    _Alignas(64) pthread_mutex_t mutexes[2];
    _Alignas(64) unsigned guarded[2];
    _Alignas(64) pthread_cond_t condition;
    _Alignas(64) pthread_once_t once;
    unsigned made;
    _Alignas(64) _Atomic(struct object *) current;
};

struct object {
    struct ckf_retired retired; /* comes first */
    unsigned value;
};

static struct shared *shared;
static _Atomic(uint32_t) reclaimed;

struct actor {
    const struct reduction_program *program;
    unsigned number;
};

static const memory_order orders[] = {memory_order_relaxed, memory_order_acquire,
                                      memory_order_release, memory_order_acq_rel,
                                      memory_order_seq_cst};

static memory_order order_of_load(unsigned order)
{
    static const memory_order load[] = {memory_order_relaxed, memory_order_acquire,
                                        memory_order_relaxed, memory_order_acquire,
                                        memory_order_seq_cst};
    return load[order];
}

static memory_order order_of_store(unsigned order)
{
    static const memory_order store[] = {memory_order_relaxed, memory_order_relaxed,
                                         memory_order_release, memory_order_release,
                                         memory_order_seq_cst};
    return store[order];
}

/* The engine follows fences; gcc does not expect that of whoever it makes these calls for. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wtsan"
#endif
static void fence(unsigned order)
{
    atomic_thread_fence(orders[order]);
}

static void reclaim_object(struct ckf_retired *retired)
{
    free(retired);
    atomic_fetch_add_explicit(&reclaimed, 1, memory_order_relaxed);
}

static struct object *make_object(unsigned value)
{
    struct object *object = malloc(sizeof *object);
    if (object == NULL)
        abort();
    object->value = value;
    return object;
}

static void make_once(void)
{
    shared->made = 7;
}

static unsigned with_both_locked(bool other_way)
{
    pthread_mutex_lock(&shared->mutexes[other_way]);
    pthread_mutex_lock(&shared->mutexes[!other_way]);
    unsigned sum = shared->guarded[0]++ + 3 * shared->guarded[1]++;
    pthread_mutex_unlock(&shared->mutexes[!other_way]);
    pthread_mutex_unlock(&shared->mutexes[other_way]);
    return sum;
}

static unsigned with_one_locked(unsigned which, bool try, unsigned value)
{
    if (try) {
        if (pthread_mutex_trylock(&shared->mutexes[which]) != 0)
            return 1000;
    } else {
        pthread_mutex_lock(&shared->mutexes[which]);
    }
    unsigned old = shared->guarded[which];
    shared->guarded[which] += value;
    pthread_mutex_unlock(&shared->mutexes[which]);
    return old;
}

static unsigned wait_for_signal(void)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_nsec += SHORT_NS;
    pthread_mutex_lock(&shared->mutexes[0]);
    int status = pthread_cond_timedwait(&shared->condition, &shared->mutexes[0], &deadline);
    unsigned old = shared->guarded[0];
    pthread_mutex_unlock(&shared->mutexes[0]);
    return old + (status != 0 ? 500 : 0);
}

static unsigned read_in_section(void)
{
    ckf_read_begin();
    unsigned value = atomic_load_explicit(&shared->current, memory_order_acquire)->value;
    value += 100 * atomic_load_explicit(&reclaimed, memory_order_relaxed);
    ckf_read_end();
    return value;
}

static void replace(unsigned value)
{
    struct object *new = make_object(value);
    struct object *old = atomic_exchange_explicit(&shared->current, new, memory_order_acq_rel);
    ckf_retire(&old->retired, reclaim_object);
}

static unsigned spin(unsigned word)
{
    for (unsigned i = 0; i < 2; i++) {
        if (atomic_load_explicit(&shared->words[word].word, memory_order_acquire) != 0)
            return i;
        ckf_cpu_relax();
    }
    return 2;
}

static unsigned exchange_pair(unsigned value)
{
    __extension__ typedef unsigned __int128 wide;
    wide *pair = (wide *)(void *)&shared->pair;
    wide expected = 0, desired = (wide)value << 64 | value;
    bool done = __atomic_compare_exchange_n(pair, &expected, desired, false, __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE);
    return done ? 77 : (unsigned)expected;
}

static void add_late(void *value)
{
    atomic_fetch_add_explicit(&shared->words[0].word, *(const unsigned *)value,
                              memory_order_relaxed);
}

static unsigned start_thread(unsigned value)
{
    unsigned thread = ckf_explore_spawn(add_late, &value, "late");
    unsigned met = atomic_load_explicit(&shared->words[0].word, memory_order_relaxed);
    ckf_explore_join(thread);
    return met;
}

static unsigned take(const struct reduction_step *step)
{
    _Atomic(uint32_t) *word = &shared->words[step->word].word;
    uint32_t expected = step->value - 1u;
    switch (step->kind) {
    case DO_LOAD:
        return atomic_load_explicit(word, order_of_load(step->order));
    case DO_STORE:
        atomic_store_explicit(word, step->value, order_of_store(step->order));
        return 0;
    case DO_ADD:
        return atomic_fetch_add_explicit(word, step->value, orders[step->order]);
    case DO_CAS:
        return (unsigned)atomic_compare_exchange_strong_explicit(
                   word, &expected, step->value, orders[step->order], order_of_load(step->order)) +
               2 * expected;
    case DO_WEAK_CAS:
        return (unsigned)atomic_compare_exchange_weak_explicit(
                   word, &expected, step->value, orders[step->order], order_of_load(step->order)) +
               2 * expected;
    case DO_FENCE:
        fence(step->order);
        return 0;
    case DO_PAIR_CAS:
        return exchange_pair(step->value);
    case DO_LOCKED_ADD:
        return with_one_locked(step->word, false, step->value);
    case DO_LOCK_BOTH:
        return with_both_locked(step->word != 0);
    case DO_TRY_LOCK:
        return with_one_locked(step->word, true, step->value);
    case DO_WAIT:
        return wait_for_signal();
    case DO_SIGNAL:
        if (step->word == 0)
            pthread_cond_signal(&shared->condition);
        else
            pthread_cond_broadcast(&shared->condition);
        return 0;
    case DO_PARK:
        return ckf_futex_wait(word, 0, ckf_deadline_after_ns(SHORT_NS));
    case DO_UNPARK:
        ckf_futex_wake(word, step->value);
        return 0;
    case DO_SPIN:
        return spin(step->word);
    case DO_READ_IN_SECTION:
        return read_in_section();
    case DO_REPLACE:
        replace(step->value);
        return 0;
    case DO_LOOK_AT_CLOCK:
        return (unsigned)ckf_now_ns();
    case DO_BARRIER:
        ckf_membarrier();
        return 0;
    case DO_START_THREAD:
        return start_thread(step->value);
    case DO_ONCE:
        pthread_once(&shared->once, make_once);
        return shared->made;
    case DO_DRAW:
        return ckf_random_below(1000);
    default:
        return 0;
    }
}

static void act(void *arg)
{
    const struct actor *actor = arg;
    int64_t met = 0;
    for (unsigned i = 0; i < REDUCTION_STEPS; i++)
        met = met * 1009 + take(&actor->program->steps[actor->number][i]);
    ckf_explore_result(actor->number, met);
}

void reduction_run(void *arg)
{
    struct actor actors[REDUCTION_THREADS];
    unsigned threads[REDUCTION_THREADS];
    shared = aligned_alloc(64, sizeof *shared);
    if (shared == NULL)
        abort();
    *shared = (struct shared){.once = PTHREAD_ONCE_INIT};
    atomic_init(&shared->current, make_object(9));
    for (unsigned i = 0; i < REDUCTION_THREADS; i++) {
        actors[i] = (struct actor){arg, i};
        threads[i] = ckf_explore_spawn(act, &actors[i], "T");
    }
    for (unsigned i = 0; i < REDUCTION_THREADS; i++)
        ckf_explore_join(threads[i]);
    int64_t left = 0;
    for (unsigned i = 0; i < WORDS; i++)
        left = left * 100 +
               (int64_t)atomic_load_explicit(&shared->words[i].word, memory_order_relaxed);
    left = left * 100 + (int64_t)shared->guarded[0] + 7 * (int64_t)shared->guarded[1];
    ckf_explore_result(REDUCTION_THREADS, left);
    free(atomic_load_explicit(&shared->current, memory_order_relaxed));
    free(shared);
}
