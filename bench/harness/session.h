/* harness/session.h - one contestant in one workload, as the harness holds it. */
#ifndef CKF_BENCH_SESSION_H
#define CKF_BENCH_SESSION_H

#include <pthread.h>

#include "harness/bench.h"

#ifdef __cplusplus
extern "C" {
#endif

struct session;

struct bench_run {
    struct session *session;
    unsigned actor, copy;
    void *google_state;       /* per-op: benchmark::State of this thread */
    int64_t start_ns, end_ns; /* of the measured part */
    int64_t cpu_ns;           /* fixed work: CPU time in it */
    int64_t last_tick_ns;     /* background */
} __attribute__((aligned(BENCH_CACHELINE_BYTES)));

struct session {
    const struct bench_workload *workload;
    const struct bench_contestant *contestant;
    void *state;
    struct bench_run alone; /* setup, verify, teardown */
    struct bench_run runs[BENCH_MAX_THREADS];
    unsigned thread_count;
    uint64_t iterations_each; /* per-op: per thread, once calibrated */
    uint64_t iterations_done; /* per-op: by all threads in all runs */
    uint64_t work;            /* fixed work: units */

    struct bench_run background;
    pthread_t background_thread;
    pthread_mutex_t stop_lock;
    pthread_cond_t stop_changed;
    bool stop;
    uint64_t background_count;
    int64_t background_ns;

    pthread_mutex_t failure_lock;
    char failure[240]; /* "": valid so far */

    bool has_value;
    double value; /* what bodies reported instead of a time */
};

/* What one run measured. */
struct measurement {
    double span_ns;   /* first start to last end */
    double units;     /* done in it by all threads */
    double cpus_busy; /* CPU time of the measured threads over the span */
    bool has_value;   /* value stands for the time of a unit */
    double value;
};

void session_open(struct session *session, const struct bench_workload *workload,
                  const struct bench_contestant *contestant);
void session_setup(struct session *session);
void session_verify(struct session *session);
void session_teardown(struct session *session);
void session_close(struct session *session);
bool session_failed(const struct session *session);

/* Fixed work is set up, verified and torn down by each run; per-op workloads keep one state for all
 * runs, so the runner does it around them. */

/* Runs it once; min_seconds > 0 calibrates iterations_each (per-op). */
void session_run_per_op(struct session *session, double min_seconds, struct measurement *out);
void session_run_fixed_work(struct session *session, struct measurement *out);
/* The same by a program: `path` with the arguments that bench.h names. */
void session_run_program(struct session *session, const char *path, struct measurement *out);

#ifdef __cplusplus
}
#endif

#endif
