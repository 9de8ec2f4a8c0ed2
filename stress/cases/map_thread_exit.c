/* stress/cases/map_thread_exit.c - threads count and exit.
 *
 * Oracle: when they are gone, their counts are still there. Result: never less.
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

static void short_lived(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->add(((struct state *)state)->map, "k0", 1);
}

static void add_up(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    uint64_t adds = (uint64_t)ckf_stress_rounds(run) * ckf_stress_copies(run, 0);
    size_t keys;
    uint64_t sum = map_sum(operations, ((struct state *)state)->map, &keys);
    ckf_stress_outcome(run, sum == adds ? "exact" : "lost counts");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->map);
}

CKF_STRESS_CASE(map_thread_exit) = {
    .id = "map-thread-exit",
    .collection = "counter map",
    .title = "a thread's private counts vanish with it",
    .operations = {&racy_private_counts_map, &mutex_map, &atomic_map},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"short-lived", short_lived, 2}},
    .arbiter = add_up,
    .teardown = teardown,
    .rounds = 30,
    .explore_rounds = 1,
    .flags = CKF_STRESS_FRESH_THREADS | CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "what the threads counted outlived them"},
                 {"lost counts", CKF_STRESS_FORBIDDEN, "the last counts died with their thread"}},
};
