/* stress/cases/map_pairs.c - two callers, so few calls that all their schedules with all weak reads are gone
 * through: each two calls of the contract that may disturb each other meet in one of these.
 *
 * Oracle: the calls have an order.
 */
#include "map_history.h"

#define PAIR_CASE(name, case_id, case_title, ...)                                                  \
    static const struct map_scene name##_scene = {__VA_ARGS__};                                    \
    static const struct ckf_stress_specification name##_specification =                            \
        MAP_SPECIFICATION(&name##_scene.bound);                                                    \
    static void name##_setup(struct ckf_stress_run *run, void *state)                              \
    {                                                                                              \
        map_history_setup(run, state, &name##_scene);                                              \
    }                                                                                              \
    CKF_STRESS_CASE(name) = {                                                                      \
        .id = case_id,                                                                             \
        MAP_HISTORY_CASE_OF(2),                                                                    \
        .title = case_title,                                                                       \
        .operations = {NULL, &mutex_map_calls, &atomic_map_calls},                                 \
        .setup = name##_setup,                                                                     \
        .specification = &name##_specification,                                                    \
    }

/* --- a key that is there --- */

PAIR_CASE(map_pair_add_add, "map-pair-add-add", "two adds of one key", .apart = true, .at_once = 1,
          .scripts = {{MAP_CALL(ADD, 0)}, {MAP_CALL(ADD, 0), MAP_CALL(GET, 0)}});
PAIR_CASE(map_pair_add_get, "map-pair-add-get", "adds meet a read", .apart = true, .at_once = 1,
          .scripts = {{MAP_CALL(ADD, 0), MAP_CALL(ADD, 0)}, {MAP_CALL(GET, 0), MAP_CALL(GET, 0)}});
PAIR_CASE(map_pair_add_take, "map-pair-add-take", "adds meet a take", .apart = true, .at_once = 1,
          .scripts = {{MAP_CALL(ADD, 0), MAP_CALL(ADD, 0)}, {MAP_CALL(TAKE, 0)}});
PAIR_CASE(map_pair_take_take, "map-pair-take-take", "two takes of one key", .apart = true,
          .at_once = 1, .scripts = {{MAP_CALL(TAKE, 0)}, {MAP_CALL(TAKE, 0), MAP_CALL(GET, 0)}});
PAIR_CASE(map_pair_add_remove, "map-pair-add-remove",
          "a key is removed between two adds, or comes back with one", .apart = true, .at_once = 1,
          .scripts = {{MAP_CALL(ADD, 0), MAP_CALL(ADD, 0)}, {MAP_CALL(REMOVE, 0)}});
PAIR_CASE(map_pair_remove_readd, "map-pair-remove-readd",
          "an add meets a key that is removed and made anew", .apart = true, .at_once = 1,
          .scripts = {{MAP_CALL(ADD, 0)}, {MAP_CALL(REMOVE, 0), MAP_CALL(ADD, 0)}});
PAIR_CASE(map_pair_remove_get, "map-pair-remove-get", "a remove meets reads", .apart = true,
          .at_once = 1, .scripts = {{MAP_CALL(REMOVE, 0)}, {MAP_CALL(GET, 0), MAP_CALL(GET, 0)}});
PAIR_CASE(map_pair_remove_take, "map-pair-remove-take", "a remove meets a take", .apart = true,
          .at_once = 1, .scripts = {{MAP_CALL(REMOVE, 0)}, {MAP_CALL(TAKE, 0)}});
PAIR_CASE(map_pair_remove_remove, "map-pair-remove-remove", "two removes of one key", .apart = true,
          .at_once = 1, .scripts = {{MAP_CALL(REMOVE, 0)}, {MAP_CALL(REMOVE, 0)}});

/* --- a key that is not there yet --- */

PAIR_CASE(map_pair_new_new, "map-pair-new-new", "two adds make one key", .apart = true,
          .scripts = {{MAP_CALL(ADD, 0)}, {MAP_CALL(ADD, 0)}});
PAIR_CASE(map_pair_new_get, "map-pair-new-get", "an add that makes a key meets a read and a take",
          .apart = true, .scripts = {{MAP_CALL(ADD, 0)}, {MAP_CALL(GET, 0), MAP_CALL(TAKE, 0)}});
PAIR_CASE(map_pair_new_remove, "map-pair-new-remove", "an add that makes a key meets its removal",
          .apart = true, .scripts = {{MAP_CALL(ADD, 0)}, {MAP_CALL(REMOVE, 0)}});

/* --- the whole map --- */

PAIR_CASE(map_pair_add_total, "map-pair-add-total", "adds meet a total", .at_once = 1,
          .scripts = {{MAP_CALL(ADD, 0), MAP_CALL(ADD, 1)}, {MAP_CALL(TOTAL, 0)}});
PAIR_CASE(map_pair_remove_total, "map-pair-remove-total", "a remove meets a total", .at_once = 1,
          .scripts = {{MAP_CALL(REMOVE, 0)}, {MAP_CALL(TOTAL, 0)}});
PAIR_CASE(map_pair_take_total, "map-pair-take-total", "a take meets a total", .at_once = 1,
          .scripts = {{MAP_CALL(TAKE, 0)}, {MAP_CALL(TOTAL, 0)}});

/* --- a map that has room for one key --- */

PAIR_CASE(map_pair_last_room, "map-pair-last-room", "two new keys, and room for one",
          .bound = {.max_keys = 1}, .scripts = {{MAP_CALL(ADD, 0)}, {MAP_CALL(ADD, 1)}});
PAIR_CASE(map_pair_room_by_remove, "map-pair-room-by-remove",
          "a new key meets the removal that makes room for it", .bound = {.max_keys = 1},
          .at_once = 1, .scripts = {{MAP_CALL(ADD, 1)}, {MAP_CALL(REMOVE, 0)}});
PAIR_CASE(map_pair_refused_overflow, "map-pair-refused-overflow",
          "an add that is refused meets the overflow and the total", .bound = {.max_keys = 1},
          .at_once = 1,
          .scripts = {{MAP_CALL(ADD, 1)}, {MAP_CALL(OVERFLOW, 0), MAP_CALL(TOTAL, 0)}});
