/* harness/tally.h - everything seen of one variant of one case, over all its batches. */
#ifndef CKF_STRESS_TALLY_H
#define CKF_STRESS_TALLY_H

#include "harness/batch.h"
#include "harness/settings.h"
#include "harness/statistics.h"

enum {
    CKF_STRESS_MAX_POINTS = 24,
    CKF_STRESS_MAX_STARTS = 64,
    CKF_STRESS_WANTED_STARTS = 20 /* fresh starts that failed, for a median worth printing */
};

/* One point of the sweep. */
struct ckf_stress_sweep {
    struct ckf_stress_point point;
    unsigned threads; /* of all actors */
    uint64_t iterations, failures;
    int64_t to_failure_ns; /* the time that its batches ran, up to their first failures */
    unsigned failed_batches;
};

struct ckf_stress_tally {
    const struct ckf_stress_case *test;
    enum ckf_stress_variant variant;

    unsigned row_count;
    struct ckf_stress_row rows[CKF_STRESS_MAX_ROWS];
    uint64_t iterations, failures;
    int64_t wall_ns;
    int64_t cpu_ns, cpu_room_ns; /* CPU time used, and what its threads could have used */
    uint64_t batches;

    unsigned sweep_count, next_sweep;
    struct ckf_stress_sweep sweeps[CKF_STRESS_MAX_POINTS];

    /* Fresh starts at one point of the sweep, each stopped at its first failure. */
    unsigned start_count, failed_starts, start_sweep;
    struct ckf_stress_start starts[CKF_STRESS_MAX_STARTS];

    uint64_t first_failure_iteration, first_failure_seed; /* iteration 0: none */
    struct ckf_stress_point first_failure_point;
    char failure_output[3072];          /* what the first failing child printed last, how it hung */
    char error[CKF_STRESS_ERROR_BYTES]; /* the harness failed; empty: it did not */
};

/* An empty tally with the sweep that the settings and this machine allow. */
void ckf_stress_tally_init(struct ckf_stress_tally *tally, const struct ckf_stress_case *test,
                           enum ckf_stress_variant variant,
                           const struct ckf_stress_settings *settings);

/* Adds the result of a batch that ran at a point of the sweep. */
void ckf_stress_tally_add(struct ckf_stress_tally *tally, unsigned sweep, uint64_t seed,
                          const struct ckf_stress_result *result);

/* Notes that the batch just added was a fresh start for the median. */
void ckf_stress_tally_add_start(struct ckf_stress_tally *tally,
                                const struct ckf_stress_result *result);

/* The point whose batches failed soonest; -1: none failed. */
int ckf_stress_tally_best_sweep(const struct ckf_stress_tally *tally);

#endif
