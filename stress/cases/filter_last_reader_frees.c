/* stress/cases/filter_last_reader_frees.c - the last reader of a replaced ruleset frees it.
 *
 * Oracle: no reader is in a ruleset that is freed. Result: never.
 */
#include "../racy/filters.h"
#include "filter_flipping.h"

CKF_STRESS_CASE(filter_last_reader_frees) = {
    .id = "filter-last-reader-frees",
    .collection = "filter",
    .title = "a reader counts itself in a ruleset that its last reader frees",
    .story =
        "A reference count inside of what it protects: between the load of the pointer and the "
        "increment the count falls to nothing.",
    .operations = {&racy_counted_late_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct flipping),
    .setup = flipping_setup,
    .actors = {{"publisher", flipping_publisher, 1}, {"reader", flipping_reader, 2}},
    .teardown = flipping_teardown,
    .rounds = 12,
    .explore_rounds = 1,
    .outcomes = {{"whole", CKF_STRESS_ACCEPTABLE, "each batch was judged by one living ruleset"},
                 {"torn", CKF_STRESS_FORBIDDEN, "a verdict that no ruleset gives"},
                 {"double free", CKF_STRESS_FORBIDDEN, "two last readers"},
                 {"use after free", CKF_STRESS_FORBIDDEN, "a reader was in the freed ruleset"}},
};
