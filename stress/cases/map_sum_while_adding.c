/* stress/cases/map_sum_while_adding.c - sums meet a thread that adds: to so many keys that what it remembers of the
 * first one is driven out by the others (sums of all keys, or of the parts of that one), or just before it exits.
 *
 * Oracle: no sum is less than what was added before it or than an earlier one, and the last one is exact.
 */
#include <pthread.h>
#include <stdlib.h>

#include <ck_filter/stress.h>

#include "maps.h"

/* As long as keys must be of which a thread remembers where it counts them; one more than it remembers where
 * schedules are enumerated. */
static const char *const keys[] = {"counter 0", "counter 1", "counter 2", "counter 3", "counter 4"};
enum { KEYS = sizeof keys / sizeof *keys, PASSES = 3 };

struct state {
    void *map;
    struct ckf_stress_run *run;
    uint64_t at_first; /* adds before the sum */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->map = operations->create();
    operations->add(s->map, keys[0], 0);
}

static uint64_t sum_of(const struct state *s)
{
    size_t count;
    return map_sum(ckf_stress_operations(s->run), s->map, &count);
}

/* --- eviction --- */

static void *sum_all(void *state)
{
    const struct state *s = state;
    if (sum_of(s) < s->at_first)
        ckf_stress_outcome(s->run, "backwards");
    return NULL;
}

static void *read_first(void *state)
{
    const struct state *s = state;
    const struct map_operations *operations = ckf_stress_operations(s->run);
    if (operations->get(s->map, keys[0]) < PASSES)
        ckf_stress_outcome(s->run, "backwards");
    return NULL;
}

/* After this the thread remembers all keys but the last one, which it would remember the next time. */
static void prepare(struct ckf_stress_run *run, struct state *s)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < PASSES * (KEYS - 1); i++)
        operations->add(s->map, keys[i % (KEYS - 1)], 1);
    for (unsigned i = 1; i < PASSES; i++)
        operations->add(s->map, keys[KEYS - 1], 1);
    s->at_first = PASSES * KEYS - 1;
    s->run = run;
}

/* Beside the sum, which therefore is a thread of the adder's. */
static void evict_beside(struct ckf_stress_run *run, struct state *s, void *(*sum)(void *state))
{
    const struct map_operations *operations = ckf_stress_operations(run);
    pthread_t summer;
    prepare(run, s);
    if (pthread_create(&summer, NULL, sum, s) != 0)
        abort();
    operations->add(s->map, keys[KEYS - 1], 1);
    operations->add(s->map, keys[0], 1);
    pthread_join(summer, NULL);
    if (sum_of(s) != s->at_first + 2)
        ckf_stress_outcome(run, "lost counts");
    ckf_stress_outcome(run, "exact");
}

static void adder_beside_sum(struct ckf_stress_run *run, void *state)
{
    evict_beside(run, state, sum_all);
}

static void adder_beside_read(struct ckf_stress_run *run, void *state)
{
    evict_beside(run, state, read_first);
}

/* --- exit --- */

static void short_lived(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->add(((struct state *)state)->map, keys[0], 1);
}

static void summer(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    void *map = ((struct state *)state)->map;
    size_t count;
    uint64_t before = map_sum(operations, map, &count);
    if (map_sum(operations, map, &count) < before)
        ckf_stress_outcome(run, "backwards");
}

static void compare(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->run = run;
    ckf_stress_outcome(run, sum_of(s) == ckf_stress_rounds(run) ? "exact" : "lost counts");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct map_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->map);
}

#define SUM_CASE                                                                                   \
    .collection = "counter map", .operations = {NULL, &mutex_map, &atomic_map},                    \
    .state_size = sizeof(struct state), .setup = setup, .teardown = teardown,                      \
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "every add is in the last sum"},                 \
                 {"backwards", CKF_STRESS_FORBIDDEN, "a sum is less than what was there before"},  \
                 {"lost counts", CKF_STRESS_FORBIDDEN, "an add is not in the last sum"}}

CKF_STRESS_CASE(map_evict_while_reading) = {
    .id = "map-evict-while-reading",
    .title = "a read of a key meets adds to more keys than a thread remembers",
    SUM_CASE,
    .actors = {{"adder", adder_beside_read, 1}},
};

CKF_STRESS_CASE(map_evict_while_summing) = {
    .id = "map-evict-while-summing",
    .title = "a sum meets adds to more keys than a thread remembers",
    SUM_CASE,
    .actors = {{"adder", adder_beside_sum, 1}},
};

CKF_STRESS_CASE(map_exit_while_summing) = {
    .id = "map-exit-while-summing",
    .title = "sums meet the exit of who added",
    SUM_CASE,
    .actors = {{"short-lived", short_lived, 1}, {"summer", summer, 1}},
    .arbiter = compare,
    .rounds = 30,
    .explore_rounds = 2,
    .flags = CKF_STRESS_FRESH_THREADS,
};
