/* stress/cases/map_iterate_while_writing.c - an iteration meets inserts and removes.
 *
 * Oracle: a key that lives throughout is visited exactly once. Result: never missed, never twice.
 */
#include <ck_filter/stress.h>

#include "../racy/maps.h"
#include "maps.h"

enum { STABLE_KEYS = 4, CHURNED_KEYS = 4, FIRST_CHURNED = 100 };

struct state {
    void *map;
};

struct sightings {
    unsigned of_key[STABLE_KEYS];
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    char key[16];
    s->map = operations->create();
    for (unsigned i = 0; i < STABLE_KEYS; i++)
        operations->add(s->map, numbered_key(key, i), 1);
}

static void churner(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    char key[16];
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        operations->add(s->map, numbered_key(key, FIRST_CHURNED + i % CHURNED_KEYS), 1);
        operations->remove(s->map, key);
    }
}

static void note(const char *key, uint64_t value, void *arg)
{
    (void)value;
    struct sightings *sightings = arg;
    unsigned number = 0;
    for (const char *digit = key + 1; *digit != '\0'; digit++)
        number = 10 * number + (unsigned)(*digit - '0');
    if (number < STABLE_KEYS)
        sightings->of_key[number]++;
}

static void iterator(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        struct sightings sightings = {{0}};
        operations->for_each(((struct state *)state)->map, note, &sightings);
        for (unsigned k = 0; k < STABLE_KEYS; k++)
            if (sightings.of_key[k] != 1)
                ckf_stress_outcome(run, sightings.of_key[k] == 0 ? "missed" : "seen twice");
    }
    ckf_stress_outcome(run, "each once");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->map);
}

CKF_STRESS_CASE(map_iterate_while_writing) = {
    .id = "map-iterate-while-writing",
    .collection = "counter map",
    .title = "an iteration meets inserts and removes",
    .operations = {&racy_shifting_map, &mutex_map, &atomic_map},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"churner", churner, 1}, {"iterator", iterator, 1}},
    .teardown = teardown,
    .rounds = 10,
    .explore_rounds = 1,
    .outcomes = {{"each once", CKF_STRESS_ACCEPTABLE, "every key that stayed was visited once"},
                 {"missed", CKF_STRESS_FORBIDDEN, "a key that stayed was not visited"},
                 {"seen twice", CKF_STRESS_FORBIDDEN, "a key that stayed was visited twice"},
                 {"crash", CKF_STRESS_FORBIDDEN, "the iteration followed a torn table"}},
};
