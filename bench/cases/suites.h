/* cases/suites.h - the workloads there are. */
#ifndef CKF_BENCH_SUITES_H
#define CKF_BENCH_SUITES_H

#include "harness/bench.h"

extern const struct bench_suite channel_suite, counter_map_suite, filter_suite;

#endif
