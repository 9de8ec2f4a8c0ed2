/* stress/cases/map_bounded_linearizable.c - keys come and go in a map that has room for two
 *
 * Oracle: the calls have an order: a key is refused only when the map is full, and the total is exact.
 */
#include "map_history.h"

static const struct map_scene scene = {
    .bound = {.max_keys = 2},
    .at_once = 1,
    .scripts = {{MAP_CALL(ADD, 1), MAP_CALL(GET, 1)},
                {MAP_CALL(ADD, 2), MAP_CALL(TOTAL, 0)},
                {MAP_CALL(REMOVE, 0), MAP_CALL(ADD, 3)}},
};

static const struct ckf_stress_specification specification = MAP_SPECIFICATION(&scene.bound);

static void setup(struct ckf_stress_run *run, void *state)
{
    map_history_setup(run, state, &scene);
}

CKF_STRESS_CASE(map_bounded_linearizable) = {
    .id = "map-bounded-linearizable",
    MAP_HISTORY_CASE,
    .title = "keys come and go in a map that has room for two",
    .operations = {NULL, &mutex_map_calls, &atomic_map_calls},
    .setup = setup,
    .specification = &specification,
};
