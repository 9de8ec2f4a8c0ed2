/* stress/cases/map_grow_while_adding.c - an add meets a growing table.
 *
 * Oracle: the counts equal the adds; every new key is there for which there was memory. Result: never less.
 */
#include <ck_filter/stress.h>

#include "../racy/maps.h"
#include "maps.h"

/* Where schedules are enumerated, hashes are the same every time, and one more key grows the part of the table
 * that the known key is in: one of so many keys, or the second of two. Which key that is was tried: with it the
 * longest execution in which the actors take turns has 69 steps, with one that goes elsewhere 58. */
enum { MANY_BEFORE = 32, NEIGHBOUR = 45 };

struct state {
    void *map;
    unsigned before,
        first; /* keys that are there before, beside the known one; the first new one */
};

static void start(struct ckf_stress_run *run, struct state *s, unsigned before, unsigned first)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    s->map = operations->create();
    s->before = before;
    s->first = first;
    operations->add(s->map, "hot", 0);
    char key[16];
    for (unsigned i = 0; i < before; i++)
        operations->add(s->map, numbered_key(key, i), 1);
}

static void setup(struct ckf_stress_run *run, void *state)
{
    start(run, state, MANY_BEFORE, MANY_BEFORE);
}

static void setup_smallest(struct ckf_stress_run *run, void *state)
{
    start(run, state, 0, NEIGHBOUR);
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
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->add(s->map, numbered_key(key, s->first + i), 1);
}

static void check_every_key(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    const struct state *s = state;
    unsigned rounds = ckf_stress_rounds(run), expected_keys = s->before + rounds + 1;
    size_t keys;
    uint64_t sum = map_sum(operations, s->map, &keys);
    uint64_t homeless = operations->overflow != NULL ? operations->overflow(s->map) : 0;
    uint64_t adds =
        s->before + (uint64_t)rounds * (ckf_stress_copies(run, 0) + ckf_stress_copies(run, 1));
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

#define GROW_CASE(name, case_id, case_title, before, racy)                                         \
    CKF_STRESS_CASE(name) = {                                                                      \
        .id = case_id,                                                                             \
        .collection = "counter map",                                                               \
        .title = case_title,                                                                       \
        .operations = {racy, &mutex_map, &atomic_map},                                             \
        .state_size = sizeof(struct state),                                                        \
        .setup = before,                                                                           \
        .actors = {{"adder", adder, 1}, {"grower", grower, 1}},                                    \
        .arbiter = check_every_key,                                                                \
        .teardown = teardown,                                                                      \
        .rounds = 50,                                                                              \
        .explore_rounds = 1,                                                                       \
        .flags = CKF_STRESS_COPES_WITHOUT_MEMORY,                                                  \
        .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "growth moved no count and lost no key"},    \
                     {"lost counts", CKF_STRESS_FORBIDDEN, "an add landed in the old table"},      \
                     {"lost key", CKF_STRESS_FORBIDDEN,                                            \
                      "a key did not make it into the new table"},                                 \
                     {"duplicate key", CKF_STRESS_FORBIDDEN,                                       \
                      "one key stands in the table twice"}},                                       \
    }

GROW_CASE(map_grow_while_adding, "map-grow-while-adding",
          "an add meets a table that is being copied into a bigger one", setup, &racy_growing_map);
GROW_CASE(map_grow_smallest, "map-grow-smallest",
          "an add meets the smallest table of all, which is being copied into a bigger one",
          setup_smallest, NULL); /* the racy table is not so small */
