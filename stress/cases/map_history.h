/* stress/cases/map_history.h - what the histories of counter maps are recorded of, and the library's two
 * answers. Keys are numbers below four. */
#ifndef STRESS_CASES_MAP_HISTORY_H
#define STRESS_CASES_MAP_HISTORY_H

#include <ck_filter/status.h>
#include <ck_filter/stress.h>

#include "../specs/map.h"

struct map_calls {
    void *(*create)(unsigned max_keys); /* 0: no bound */
    void (*destroy)(void *map);
    enum ckf_status (*add)(void *map, unsigned key); /* 1 */
    enum ckf_status (*get)(void *map, unsigned key, uint64_t *value);
    enum ckf_status (*take)(void *map, unsigned key, uint64_t *value);
    enum ckf_status (*remove)(void *map, unsigned key, uint64_t *value);
    uint64_t (*total)(void *map);
    uint64_t (*overflow)(void *map);
};

extern const struct map_calls mutex_map_calls, atomic_map_calls;

enum { MAP_CALLERS = 3, MAP_CALLS = 3 };

struct map_call {
    bool is_call;
    enum map_code code;
    unsigned key;
};
#define MAP_CALL(code, key)                                                                        \
    {                                                                                              \
        true, MAP_##code, key                                                                      \
    }

struct map_scene {
    struct map_bound bound;
    bool apart;       /* each key is judged by itself: no bound, and no calls on the whole map */
    unsigned at_once; /* keys 0 to that are added to once before the start */
    struct map_call scripts[MAP_CALLERS][MAP_CALLS];
};

struct map_history {
    const struct map_scene *scene;
    void *map;
};

void map_history_setup(struct ckf_stress_run *run, struct map_history *history,
                       const struct map_scene *scene);
void map_history_caller(struct ckf_stress_run *run, void *state);
/* Removes every key. */
void map_history_drain(struct ckf_stress_run *run, void *state);
void map_history_teardown(struct ckf_stress_run *run, void *state);

#define MAP_HISTORY_CASE MAP_HISTORY_CASE_OF(MAP_CALLERS)
#define MAP_HISTORY_CASE_OF(callers)                                                               \
    .collection = "counter map", .state_size = sizeof(struct map_history),                         \
    .actors = {{"caller", map_history_caller, callers}}, .arbiter = map_history_drain,             \
    .teardown = map_history_teardown,                                                              \
    .outcomes = {                                                                                  \
        {"ok", CKF_STRESS_ACCEPTABLE, "the calls have an order that explains their results"},      \
        {"not linearizable", CKF_STRESS_FORBIDDEN, "no order of the calls explains them"}}

#endif
