/* stress/cases/litmus_store_buffering.c - the harness's own check that it sees reordering at all.
 *
 * Each of two actors announces itself and then looks for the other. A processor may let the store
 * wait while the load goes ahead, so that neither sees the other; with sequentially consistent
 * operations, or under a lock, one of them must. Every protocol in which a sleeper and a waker
 * must not miss each other rests on this. */
#include <pthread.h>
#include <stdatomic.h>

#include <ck_filter/stress.h>

struct state {
    _Alignas(128) _Atomic(int) announced[2];
    _Alignas(128) pthread_mutex_t lock;
};

struct operations {
    /* Announces one side; returns whether it sees the other's announcement. */
    int (*announce_and_look)(struct state *, unsigned side);
};

static int relaxed_announce(struct state *state, unsigned side)
{
    /* relaxed, both: that is the fault. */
    atomic_store_explicit(&state->announced[side], 1, memory_order_relaxed);
    return atomic_load_explicit(&state->announced[!side], memory_order_relaxed);
}

static int locked_announce(struct state *state, unsigned side)
{
    pthread_mutex_lock(&state->lock);
    int seen = relaxed_announce(state, side);
    pthread_mutex_unlock(&state->lock);
    return seen;
}

static int ordered_announce(struct state *state, unsigned side)
{
    /* seq_cst, both: closes the race between this store and the load, on either side. */
    atomic_store_explicit(&state->announced[side], 1, memory_order_seq_cst);
    return atomic_load_explicit(&state->announced[!side], memory_order_seq_cst);
}

static const struct operations racy = {relaxed_announce}, mutex = {locked_announce},
                               atomic = {ordered_announce};

static void setup(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct state *s = state;
    pthread_mutex_init(&s->lock, NULL);
}

static void first(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    ckf_stress_result(run, 0, operations->announce_and_look(state, 0));
}

static void second(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    ckf_stress_result(run, 1, operations->announce_and_look(state, 1));
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct state *s = state;
    pthread_mutex_destroy(&s->lock);
}

CKF_STRESS_CASE(litmus_store_buffering) = {
    .id = "litmus-store-buffering",
    .collection = "harness",
    .title = "two threads announce themselves and look for each other",
    .operations =
        {[CKF_STRESS_RACY] = &racy, [CKF_STRESS_MUTEX] = &mutex, [CKF_STRESS_ATOMIC] = &atomic},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{.name = "first", .body = first, .copies = 1},
               {.name = "second", .body = second, .copies = 1}},
    .teardown = teardown,
    .outcomes = {{"0,0", CKF_STRESS_FORBIDDEN, "neither saw the other"},
                 {"0,1", CKF_STRESS_ACCEPTABLE, "the first came first"},
                 {"1,0", CKF_STRESS_ACCEPTABLE, "the second came first"},
                 {"1,1", CKF_STRESS_ACCEPTABLE, "each saw the other"}},
};
