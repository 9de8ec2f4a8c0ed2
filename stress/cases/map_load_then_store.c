/* stress/cases/map_load_then_store.c - an addition made of a load and a store.
 *
 * Oracle: the value equals the number of adds. Result: never less.
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
    struct state *s = state;
    s->map = operations->create();
    operations->add(s->map, "hits", 0); /* creation is another case */
}

static void counter(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->add(((struct state *)state)->map, "hits", 1);
}

static void compare(struct ckf_stress_run *run, void *state)
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

CKF_STRESS_CASE(map_load_then_store) = {
    .id = "map-load-then-store",
    .collection = "counter map",
    .title = "an add is a load and then a store",
    .story = "The article's own repair of the map, `Store(s, LoadOrStore(s, 0).(int) + 1)`, does "
             "not compile (LoadOrStore returns two values), and once mended still loses updates: "
             "sync.Map makes each step atomic, not the addition.",
    .operations = {&racy_load_store_map, &mutex_map, &atomic_map},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"counter", counter, 0}},
    .arbiter = compare,
    .teardown = teardown,
    .rounds = 50,
    .explore_rounds = 2,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "every add was counted"},
                 {"lost counts", CKF_STRESS_FORBIDDEN,
                  "two adds read one value and stored the same sum"}},
};
