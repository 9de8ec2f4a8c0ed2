/* stress/cases/map_remove_linearizable.c - removes meet adds and reads of the same key
 *
 * Oracle: the calls have an order: what a remove returns is what was added, to the last add.
 */
#include "map_history.h"

#include "../racy/map_calls.h"

static const struct map_scene scene = {
    .apart = true,
    .at_once = 1,
    .scripts = {{MAP_CALL(ADD, 0), MAP_CALL(GET, 0), MAP_CALL(ADD, 0)},
                {MAP_CALL(REMOVE, 0), MAP_CALL(GET, 0)},
                {MAP_CALL(GET, 0), MAP_CALL(REMOVE, 0), MAP_CALL(TAKE, 0)}},
};

static const struct ckf_stress_specification specification = MAP_SPECIFICATION(&scene.bound);

static void setup(struct ckf_stress_run *run, void *state)
{
    map_history_setup(run, state, &scene);
}

CKF_STRESS_CASE(map_remove_linearizable) = {
    .id = "map-remove-linearizable",
    MAP_HISTORY_CASE,
    .title = "removes meet adds and reads of the same key",
    .story =
        "A remove unlinks the counter and returns what it shows. An add that had found the counter "
        "before adds to it afterwards: to a number that nobody will look at again.",
    .operations = {&racy_early_final_value, &mutex_map_calls, &atomic_map_calls},
    .setup = setup,
    .specification = &specification,
};
