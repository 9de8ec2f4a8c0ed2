/* cases/counter_plain_increment.c - `filter.count++` from many threads.
 *
 * The model of a case: a state, an operations table with an entry for each thing that differs
 * between the variants, bodies that know nothing but the table, and a sentence for each outcome. */
#include <pthread.h>
#include <stdatomic.h>

#include <ck_filter/stress.h>

#include "racy/counters.h"

struct locked_counter {
    pthread_mutex_t lock;
    uint64_t value;
};

struct state {
    union {
        struct racy_counter racy;
        struct locked_counter locked;
        _Atomic(uint64_t) atomic;
    } counter;
};

struct operations {
    void (*create)(struct state *);
    void (*increment)(struct state *);
    uint64_t (*read)(struct state *);
    void (*destroy)(struct state *);
};

/* --- racy --- */

static void racy_create(struct state *state)
{
    state->counter.racy.value = 0;
}

static void racy_increment(struct state *state)
{
    racy_counter_increment(&state->counter.racy);
}

static uint64_t racy_read(struct state *state)
{
    return racy_counter_read(&state->counter.racy);
}

static void racy_destroy(struct state *state)
{
    (void)state;
}

static const struct operations racy = {racy_create, racy_increment, racy_read, racy_destroy};

/* --- mutex --- */

static void mutex_create(struct state *state)
{
    pthread_mutex_init(&state->counter.locked.lock, NULL);
}

static void mutex_increment(struct state *state)
{
    pthread_mutex_lock(&state->counter.locked.lock);
    state->counter.locked.value++;
    pthread_mutex_unlock(&state->counter.locked.lock);
}

static uint64_t mutex_read(struct state *state)
{
    return state->counter.locked.value;
}

static void mutex_destroy(struct state *state)
{
    pthread_mutex_destroy(&state->counter.locked.lock);
}

static const struct operations mutex = {mutex_create, mutex_increment, mutex_read, mutex_destroy};

/* --- atomic --- */

static void atomic_create(struct state *state)
{
    atomic_init(&state->counter.atomic, 0);
}

static void atomic_increment(struct state *state)
{
    /* relaxed: a count orders nothing. */
    atomic_fetch_add_explicit(&state->counter.atomic, 1, memory_order_relaxed);
}

static uint64_t atomic_read(struct state *state)
{
    return atomic_load_explicit(&state->counter.atomic, memory_order_relaxed);
}

static void atomic_destroy(struct state *state)
{
    (void)state;
}

static const struct operations atomic = {atomic_create, atomic_increment, atomic_read,
                                         atomic_destroy};

/* --- The scenario ------------------------------------------------------------------------------- */

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    operations->create(state);
}

static void counter(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->increment(state);
}

static void judge(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    uint64_t expected = (uint64_t)ckf_stress_rounds(run) * ckf_stress_copies(run, 0);
    uint64_t counted = operations->read(state);
    ckf_stress_outcome(run, counted == expected ? "exact" : counted < expected ? "lost" : "extra");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    operations->destroy(state);
}

CKF_STRESS_CASE(counter_plain_increment) = {
    .id = "counter-plain-increment",
    .collection = "counter map",
    .title = "many threads count on one plain field",
    .story =
        "filter.count++ in a handler that every request runs: a load, an addition and a store, "
        "and whatever others stored between the load and the store is overwritten.",
    .operations =
        {[CKF_STRESS_RACY] = &racy, [CKF_STRESS_MUTEX] = &mutex, [CKF_STRESS_ATOMIC] = &atomic},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{.name = "counter", .body = counter}},
    .arbiter = judge,
    .teardown = teardown,
    .rounds = 16,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "every increment was counted"},
                 {"lost", CKF_STRESS_FORBIDDEN, "increments vanished"},
                 {"extra", CKF_STRESS_FORBIDDEN, "more was counted than added"}},
};
