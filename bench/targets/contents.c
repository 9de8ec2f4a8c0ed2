/* contents.c - ckf-bench-peers: the collections against what users would pick instead. */
#include "targets/tables.h"

static const struct bench_suite *const suites[] = {&channel_table, &counter_map_table,
                                                   &filter_table};

const struct bench_contents bench_contents = {
    .suites = suites,
    .suite_count = sizeof(suites) / sizeof(suites[0]),
    .has_targets = true,
    .default_budget_seconds = 240,
};
