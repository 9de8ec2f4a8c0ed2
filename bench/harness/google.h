/* harness/google.h - the C face of Google Benchmark; google.cc is the only C++ of the harness.
 *
 * Google Benchmark calibrates, starts the threads, holds them at a barrier, and accounts real and
 * CPU time; what runs when, repetitions, order and statistics are the runner's (each call is one run
 * of one benchmark), so that contestants can be interleaved. Always real time.
 */
#ifndef CKF_BENCH_GOOGLE_H
#define CKF_BENCH_GOOGLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct google_result {
    uint64_t iterations;         /* by all threads, in the run that counts */
    uint64_t iterations_started; /* calibration included */
    double real_seconds;         /* mean of the threads */
    double cpu_seconds;          /* sum of the threads */
};

/* state is for google_keep_running, on the thread that it was handed to. */
typedef void (*google_body)(void *argument, void *state, unsigned thread);

/* Runs body in that many threads: iterations_each each or, where that is 0, as many as fill
 * min_seconds. False if there was no valid run. */
bool google_run(const char *name, unsigned threads, uint64_t iterations_each, double min_seconds,
                google_body body, void *argument, struct google_result *result);

/* True: go on with `batch` iterations. */
bool google_keep_running(void *state, unsigned batch);

#ifdef __cplusplus
}
#endif

#endif
