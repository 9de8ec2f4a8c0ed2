/* cases/suites.h - the workloads there are. */
#ifndef CKF_BENCH_SUITES_H
#define CKF_BENCH_SUITES_H

#include "harness/bench.h"

extern const struct bench_suite channel_suite, counter_map_suite, filter_suite;
/* A million keys take their time to be made: last, where a short budget may leave them out. */
extern const struct bench_suite counter_map_large_suite;

#endif
