/* harness/statistics.h - how sure one can be of a failure rate, and how soon a race shows. */
#ifndef CKF_STRESS_STATISTICS_H
#define CKF_STRESS_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ckf_stress_interval {
    double low, high;
};

/* The interval that holds the rate behind `failures` in `trials` (more than 0) with 95 % confidence:
 * Clopper and Pearson, Biometrika 26 (1934). It errs on the wide side, also when the trials were
 * stopped at a failure. */
struct ckf_stress_interval ckf_stress_clopper_pearson(uint64_t failures, uint64_t trials);

/* The rate that `trials` without a failure exclude at 95 %: the rule of three, 3/N, at most 1. */
double ckf_stress_excluded_rate(uint64_t trials);

/* Trials after which something of this rate (0 < rate <= 1) has shown up with 95 % certainty:
 * ln 0.05 / ln(1 - rate), rounded up; UINT64_MAX where it does not fit. */
uint64_t ckf_stress_needed_trials(double rate);

/* One observation of a time to failure. */
struct ckf_stress_start {
    int64_t ns;  /* until it failed, or until it was stopped */
    bool failed; /* false: it would have gone on without a failure (censored) */
};

/* The median time to failure, by Kaplan and Meier, J. Amer. Statist. Assoc. 53 (1958): the time at
 * which half have failed. Sorts the starts. Negative if fewer than half failed in the time watched:
 * then the median is more than any time seen. */
int64_t ckf_stress_median_ns(struct ckf_stress_start *starts, size_t count);

#endif
