/* stress/cases/map_grow_while_adding.c - an add meets a growing table.
 *
 * Oracle: the counts equal the adds; every new key is there for which there was memory. Result: never less.
 */
#include <ck_filter/stress.h>

#include "../racy/maps.h"
#include "maps.h"

/* So many keys are there before, that one more grows the part of the table that the known key is in: where
 * schedules are enumerated, hashes are the same every time. */
enum { BEFORE = 32 };

struct state {
    void *map;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->map = operations->create();
    operations->add(s->map, "hot", 0);
    char key[16];
    for (unsigned i = 0; i < BEFORE; i++)
        operations->add(s->map, numbered_key(key, i), 1);
}

static void adder(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->add(((struct state *)state)->map, "hot", 1);
}

static void grower(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    char key[16];
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->add(((struct state *)state)->map, numbered_key(key, BEFORE + i), 1);
}

static void check_every_key(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    unsigned rounds = ckf_stress_rounds(run), expected_keys = BEFORE + rounds + 1;
    size_t keys;
    void *map = ((struct state *)state)->map;
    uint64_t sum = map_sum(operations, map, &keys);
    uint64_t homeless = operations->overflow != NULL ? operations->overflow(map) : 0;
    uint64_t adds =
        BEFORE + (uint64_t)rounds * (ckf_stress_copies(run, 0) + ckf_stress_copies(run, 1));
    if (keys > expected_keys)
        ckf_stress_outcome(run, "duplicate key");
    else if (keys + homeless < expected_keys)
        ckf_stress_outcome(run, "lost key");
    else
        ckf_stress_outcome(run, sum + homeless == adds ? "exact" : "lost counts");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->map);
}

CKF_STRESS_CASE(map_grow_while_adding) = {
    .id = "map-grow-while-adding",
    .collection = "counter map",
    .title = "an add meets a table that is being copied into a bigger one",
    .operations = {&racy_growing_map, &mutex_map, &atomic_map},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"adder", adder, 1}, {"grower", grower, 1}},
    .arbiter = check_every_key,
    .teardown = teardown,
    .rounds = 50,
    .explore_rounds = 1,
    .flags = CKF_STRESS_COPES_WITHOUT_MEMORY,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "growth moved no count and lost no key"},
                 {"lost counts", CKF_STRESS_FORBIDDEN, "an add landed in the old table"},
                 {"lost key", CKF_STRESS_FORBIDDEN, "a key did not make it into the new table"},
                 {"duplicate key", CKF_STRESS_FORBIDDEN, "one key stands in the table twice"}},
};
