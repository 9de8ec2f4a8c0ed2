/* contents.c - ckf-bench: the variants side by side, and a few things that a program could use instead.
 */
#include "harness/contents.h"

#include "cases/suites.h"

static const struct bench_suite *const suites[] = {&channel_suite, &counter_map_suite,
                                                   &filter_suite, &counter_map_large_suite};

const struct bench_contents bench_contents = {
    .suites = suites,
    .suite_count = sizeof(suites) / sizeof(suites[0]),
    .default_budget_seconds = 120,
};
