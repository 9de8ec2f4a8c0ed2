/* harness/runner.h - rounds of interleaved runs. */
#ifndef CKF_BENCH_RUNNER_H
#define CKF_BENCH_RUNNER_H

#include "harness/contents.h"
#include "harness/result.h"

struct runner_options {
    const char *filter;     /* a glob on ids; NULL: all */
    unsigned thread_counts; /* bit n: workloads of n threads that scale; 0: all */
    unsigned repetitions;
    double budget_seconds;
    const char *programs; /* folder of the contestants that are programs; NULL: none takes part */
};

/* Calls visit for every workload that the options select, in order. */
void runner_for_each(const struct runner_options *options,
                     void (*visit)(const struct bench_workload *, void *argument), void *argument);
unsigned workload_threads(const struct bench_workload *workload);

/* Runs them into the report, and prints rows as they are done. */
void runner_run(const struct runner_options *options, struct report *report);

/* The run that is under way: for the watchdog. */
void runner_current(const char **workload, const char **contestant);

#endif
