/* stress/cases/map_linearizable.c - adds, reads and takes of two keys, by three callers
 *
 * Oracle: for each key, the calls have an order that is a counter: each add lands in one take.
 */
#include "map_history.h"

#include "../racy/map_calls.h"

static const struct map_scene scene = {
    .apart = true,
    .at_once = 1,
    .scripts = {{MAP_CALL(ADD, 0), MAP_CALL(ADD, 1), MAP_CALL(GET, 0)},
                {MAP_CALL(TAKE, 0), MAP_CALL(GET, 1), MAP_CALL(TAKE, 1)},
                {MAP_CALL(ADD, 0), MAP_CALL(TAKE, 0), MAP_CALL(GET, 0)}},
};

static const struct ckf_stress_specification specification = MAP_SPECIFICATION(&scene.bound);

static void setup(struct ckf_stress_run *run, void *state)
{
    map_history_setup(run, state, &scene);
}

CKF_STRESS_CASE(map_linearizable) = {
    .id = "map-linearizable",
    MAP_HISTORY_CASE,
    .title = "adds, reads and takes of two keys, by three callers",
    .story =
        "A take reads the counter and stores 0: an add that falls between the two is gone, though "
        "each step is atomic.",
    .operations = {&racy_take_in_two_steps, &mutex_map_calls, &atomic_map_calls},
    .setup = setup,
    .specification = &specification,
};
