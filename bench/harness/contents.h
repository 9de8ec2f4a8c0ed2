/* harness/contents.h - what a program of this harness measures, and what is to come out. */
#ifndef CKF_BENCH_CONTENTS_H
#define CKF_BENCH_CONTENTS_H

#include "harness/bench.h"

struct bench_contents {
    const struct bench_suite *const *suites; /* in the order in which they run */
    size_t suite_count;
    bool has_targets; /* tables then show workload by workload, and what was to come out */
    double default_budget_seconds;
};

/* Each program defines its own. */
extern const struct bench_contents bench_contents;

#endif
