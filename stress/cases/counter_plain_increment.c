/* stress/cases/counter_plain_increment.c - `filter.count++` from many threads.
 *
 * The model of a case: a state, an operations table with an entry for each thing that differs
 * between the variants, bodies that know nothing but the table, and a sentence for each outcome. */
#include <stdlib.h>

#include <ck_filter/counter_map.h>
#include <ck_filter/stress.h>

#include "../racy/counters.h"

struct state {
    struct racy_counter racy;
    struct ckf_counter_map *map; /* of the library, with one key */
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
    state->racy = (struct racy_counter){0};
}

static void racy_increment(struct state *state)
{
    racy_counter_increment(&state->racy);
}

static uint64_t racy_read(struct state *state)
{
    return racy_counter_read(&state->racy);
}

static void racy_destroy(struct state *state)
{
    (void)state;
}

static const struct operations racy = {racy_create, racy_increment, racy_read, racy_destroy};

/* --- mutex and atomic: the library's two variants, which differ in one word --- */

static const uint64_t count_key = 1;

static void create(struct state *state, enum ckf_variant variant)
{
    struct ckf_counter_map_options options = {
        .name = "stress", .variant = variant, .flags = CKF_COUNTER_MAP_U64_KEYS};
    if (ckf_counter_map_create(&state->map, &options) != CKF_OK)
        abort();
}

static void mutex_create(struct state *state)
{
    create(state, CKF_VARIANT_MUTEX);
}

static void atomic_create(struct state *state)
{
    create(state, CKF_VARIANT_ATOMIC);
}

static void increment(struct state *state)
{
    ckf_counter_map_add_u64(state->map, count_key, 1);
}

static uint64_t read_count(struct state *state)
{
    uint64_t value = 0;
    return ckf_counter_map_get(state->map, &count_key, sizeof count_key, &value) == CKF_OK ? value
                                                                                           : 0;
}

static void destroy(struct state *state)
{
    ckf_counter_map_destroy(state->map);
}

static const struct operations mutex = {mutex_create, increment, read_count, destroy},
                               atomic = {atomic_create, increment, read_count, destroy};

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
    .rounds = 200,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "every increment was counted"},
                 {"lost", CKF_STRESS_FORBIDDEN, "increments vanished"},
                 {"extra", CKF_STRESS_FORBIDDEN, "more was counted than added"}},
};
