/* stress/cases/map_concurrent_write.c - many threads write one table.
 *
 * Oracle: every key is there once, and the values add up to the adds. Result: never less.
 */
#include <ck_filter/stress.h>

#include "../racy/maps.h"
#include "maps.h"

enum { KEYS = 4 };

struct state {
    void *map;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->map = operations->create();
}

static void writer(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    char key[16];
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->add(((struct state *)state)->map, numbered_key(key, i % KEYS), 1);
}

static void add_up(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    uint64_t adds = (uint64_t)ckf_stress_rounds(run) * ckf_stress_copies(run, 0);
    size_t expected_keys = ckf_stress_rounds(run) < KEYS ? ckf_stress_rounds(run) : KEYS;
    size_t keys;
    uint64_t sum = map_sum(operations, ((struct state *)state)->map, &keys);
    if (keys != expected_keys)
        ckf_stress_outcome(run, keys < expected_keys ? "lost key" : "duplicate key");
    else
        ckf_stress_outcome(run, sum == adds ? "exact" : "lost counts");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->map);
}

CKF_STRESS_CASE(map_concurrent_write) = {
    .id = "map-concurrent-write",
    .collection = "counter map",
    .title = "many threads write one hash table",
    .story = "`stats[s]++` in several goroutines on one plain Go map. Go's runtime notices some of "
             "it and ends the program; what it does not notice loses keys and counts.",
    .operations = {&racy_unlocked_map, &mutex_map, &atomic_map},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"writer", writer, 0}},
    .arbiter = add_up,
    .teardown = teardown,
    .rounds = 100,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "every key once, every add counted"},
                 {"lost counts", CKF_STRESS_FORBIDDEN, "two increments became one"},
                 {"lost key", CKF_STRESS_FORBIDDEN, "two inserts became one"},
                 {"duplicate key", CKF_STRESS_FORBIDDEN, "one key stands in the table twice"},
                 {"abort", CKF_STRESS_FORBIDDEN, "the table noticed two writers and gave up"},
                 {"crash", CKF_STRESS_FORBIDDEN, "a chain was torn"}},
};
