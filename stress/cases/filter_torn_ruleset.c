/* stress/cases/filter_torn_ruleset.c - a ruleset is replaced one field at a time.
 *
 * Oracle: of "a" and "b", every ruleset drops exactly one. Result: never both, never none.
 */
#include "../racy/filters.h"
#include "filter_flipping.h"

CKF_STRESS_CASE(filter_torn_ruleset) = {
    .id = "filter-torn-ruleset",
    .collection = "filter",
    .title = "a ruleset is replaced one field at a time",
    .operations = {&racy_field_by_field_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct flipping),
    .setup = flipping_setup,
    .actors = {{"publisher", flipping_publisher, 1}, {"reader", flipping_reader, 1}},
    .teardown = flipping_teardown,
    .rounds = 20,
    .explore_rounds = 2,
    .outcomes = {{"whole", CKF_STRESS_ACCEPTABLE, "each batch was judged by one ruleset"},
                 {"torn", CKF_STRESS_FORBIDDEN, "a verdict that no ruleset gives"}},
};
