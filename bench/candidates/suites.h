/* candidates/suites.h - the bake-offs that `ckf-bench-cores` runs, and the counter maps of the second. */
#ifndef CKF_BENCH_CANDIDATE_SUITES_H
#define CKF_BENCH_CANDIDATE_SUITES_H

#include "harness/bench.h"

extern const struct bench_suite map_cores;
extern const struct bench_contestant candidate_table, candidate_stripes, candidate_front,
    candidate_rseq;

#endif
