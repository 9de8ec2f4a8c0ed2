/* targets/tables.h - the comparisons with peers, a suite of workloads and a table of targets each. */
#ifndef CKF_BENCH_TABLES_H
#define CKF_BENCH_TABLES_H

#include "harness/contents.h"

#define CONTESTANTS(list) .contestants = list, .contestant_count = sizeof(list) / sizeof(list[0])

extern const struct bench_suite channel_table, counter_map_table, filter_table;

#endif
