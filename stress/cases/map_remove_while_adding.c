/* stress/cases/map_remove_while_adding.c - a key is removed while it is being incremented; once in a map from
 * which nothing else is removed, once after many others: a map whose keys go often waits in another way.
 *
 * Oracle: the final values of the removals and what is left add up to the adds. Result: never less.
 */
#include <ck_filter/stress.h>

#include "../racy/maps.h"
#include "maps.h"

enum { EARLIER_KEYS = 12 };

struct state {
    void *map;
    uint64_t finals; /* the remover's */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->map = operations->create();
}

static void setup_after_many(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    setup(run, state);
    for (int i = 0; i < EARLIER_KEYS; i++) {
        operations->add(((struct state *)state)->map, "earlier key", 0);
        operations->remove(((struct state *)state)->map, "earlier key");
    }
}

static void adder(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->add(((struct state *)state)->map, "key", 1);
}

static void remover(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        s->finals += operations->remove(s->map, "key");
}

static void add_up(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    size_t keys;
    uint64_t adds = (uint64_t)ckf_stress_rounds(run) * ckf_stress_copies(run, 0);
    uint64_t found = s->finals + map_sum(operations, s->map, &keys);
    ckf_stress_outcome(run, found == adds ? "exact" : "lost counts");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->map);
}

#define REMOVE_CASE(name, case_id, case_title, before, explored)                                   \
    CKF_STRESS_CASE(name) = {                                                                      \
        .id = case_id,                                                                             \
        .collection = "counter map",                                                               \
        .title = case_title,                                                                       \
        .operations = {&racy_freeing_map, &mutex_map, &atomic_map},                                \
        .state_size = sizeof(struct state),                                                        \
        .setup = before,                                                                           \
        .actors = {{"adder", adder, 1}, {"remover", remover, 1}},                                  \
        .arbiter = add_up,                                                                         \
        .teardown = teardown,                                                                      \
        .rounds = 10,                                                                              \
        .explore_rounds = explored,                                                                \
        .outcomes =                                                                                \
            {{"exact", CKF_STRESS_ACCEPTABLE, "each add is in one final value, or still there"},   \
             {"lost counts", CKF_STRESS_FORBIDDEN, "an add came after the final value was read"},  \
             {"use after free", CKF_STRESS_FORBIDDEN, "an add wrote into a freed counter"}},       \
    }

REMOVE_CASE(map_remove_while_adding, "map-remove-while-adding",
            "a key is removed while it is being incremented, and comes back", setup, 1);
REMOVE_CASE(map_remove_one_of_many, "map-remove-one-of-many",
            "a key is removed while it is being incremented, after many others", setup_after_many,
            2);
