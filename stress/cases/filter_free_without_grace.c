/* stress/cases/filter_free_without_grace.c - the old ruleset is freed at once.
 *
 * Oracle: no reader is in a ruleset that is freed. Result: never.
 */
#include "../racy/filters.h"
#include "filter_flipping.h"

CKF_STRESS_CASE(filter_free_without_grace) = {
    .id = "filter-free-without-grace",
    .collection = "filter",
    .title = "the old ruleset is freed while readers are in it",
    .story = "What a garbage collector hides: the swap is right, the free is too early.",
    .operations = {&racy_freed_at_once_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct flipping),
    .setup = flipping_setup,
    .actors = {{"publisher", flipping_publisher, 1}, {"reader", flipping_reader, 1}},
    .teardown = flipping_teardown,
    .rounds = 20,
    .explore_rounds = 1,
    .outcomes = {{"whole", CKF_STRESS_ACCEPTABLE, "each batch was judged by one living ruleset"},
                 {"torn", CKF_STRESS_FORBIDDEN, "a verdict that no ruleset gives"},
                 {"use after free", CKF_STRESS_FORBIDDEN, "a reader was in the freed ruleset"}},
};
