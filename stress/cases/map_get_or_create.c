/* stress/cases/map_get_or_create.c - two first adds of one key.
 *
 * Oracle: each new key stands in the map once, with every add of every thread. Result: never less.
 */
#include <ck_filter/stress.h>

#include "../racy/maps.h"
#include "maps.h"

struct state {
    void *map;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->map = operations->create();
}

static void creator(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    char key[16];
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->add(((struct state *)state)->map, numbered_key(key, i), 1);
}

static void check_every_key(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    unsigned rounds = ckf_stress_rounds(run);
    size_t keys;
    uint64_t sum = map_sum(operations, ((struct state *)state)->map, &keys);
    if (keys > rounds)
        ckf_stress_outcome(run, "duplicate key");
    else
        ckf_stress_outcome(
            run, sum == (uint64_t)rounds * ckf_stress_copies(run, 0) ? "exact" : "lost counts");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->map);
}

CKF_STRESS_CASE(map_get_or_create) = {
    .id = "map-get-or-create",
    .collection = "counter map",
    .title = "two first adds of one key each make a counter",
    .story = "`if _, ok := m[k]; !ok { m[k] = new(Counter) }` with a lock around each step: both "
             "threads see no counter, both make one, and the first one's counts go with it.",
    .operations = {&racy_get_or_create_map, &mutex_map, &atomic_map},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"creator", creator, 0}},
    .arbiter = check_every_key,
    .teardown = teardown,
    .rounds = 20,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "one counter a key, every add in it"},
                 {"lost counts", CKF_STRESS_FORBIDDEN, "a counter was replaced with its counts"},
                 {"duplicate key", CKF_STRESS_FORBIDDEN, "one key stands in the map twice"}},
};
