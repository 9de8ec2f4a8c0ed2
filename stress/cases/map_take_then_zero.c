/* stress/cases/map_take_then_zero.c - a value is read and set to 0 while others add to it.
 *
 * Oracle: takes and what is left add up to the adds. Result: never less, never more.
 */
#include <ck_filter/stress.h>

#include "../racy/maps.h"
#include "maps.h"

enum { TAKERS = 2 };

struct state {
    void *map;
    uint64_t taken[TAKERS]; /* each taker's own */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->map = operations->create();
    operations->add(s->map, "key", 1);
}

static void adder(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->add(((struct state *)state)->map, "key", 1);
}

static void taker(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        s->taken[ckf_stress_copy(run)] += operations->take(s->map, "key");
}

static void add_up(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    size_t keys;
    uint64_t adds = 1 + (uint64_t)ckf_stress_rounds(run) * ckf_stress_copies(run, 0);
    uint64_t found = map_sum(operations, s->map, &keys);
    for (int i = 0; i < TAKERS; i++)
        found += s->taken[i];
    if (found == adds)
        ckf_stress_outcome(run, "exact");
    else
        ckf_stress_outcome(run, found < adds ? "lost counts" : "taken twice");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->map);
}

CKF_STRESS_CASE(map_take_then_zero) = {
    .id = "map-take-then-zero",
    .collection = "counter map",
    .title = "read and reset is a read and then a store of 0",
    .operations = {&racy_read_and_reset_map, &mutex_map, &atomic_map},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"adder", adder, 1}, {"taker", taker, TAKERS}},
    .arbiter = add_up,
    .teardown = teardown,
    .rounds = 50,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "each add landed in exactly one take"},
                 {"lost counts", CKF_STRESS_FORBIDDEN, "an add fell between the read and the 0"},
                 {"taken twice", CKF_STRESS_FORBIDDEN, "two takes read the same value"}},
};
