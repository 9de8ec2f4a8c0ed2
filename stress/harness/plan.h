/* harness/plan.h - what runs when, and for how long, so that a run keeps its budget. */
#ifndef CKF_STRESS_PLAN_H
#define CKF_STRESS_PLAN_H

#include "harness/tally.h"

/* One case of a run; a variant that did not run has no tally (its test is NULL). */
struct ckf_stress_case_tallies {
    struct ckf_stress_tally variants[CKF_STRESS_VARIANTS];
};

struct ckf_stress_outcome_of_run {
    size_t count;
    struct ckf_stress_case_tallies *cases; /* one for each of the catalogue, in its order */
    int64_t budget_ns;                     /* 0: none */
    int64_t ran_ns;
};

/* Where a run is: one item is one variant of one case. */
struct ckf_stress_progress {
    const char *activity; /* "reproducing", "checking" */
    const struct ckf_stress_tally *tally;
    uint64_t running_iterations; /* of the batch that runs now */
    unsigned item, items;
    int64_t elapsed_ns, budget_ns;
};

typedef void (*ckf_stress_observer)(const struct ckf_stress_progress *progress, void *arg);

/* Runs the cases of the catalogue; or, without threads, only makes their tallies. False without memory.
 * `observer` hears of it several times a second. ckf_stress_dispose frees the outcome. */
bool ckf_stress_execute(struct ckf_stress_outcome_of_run *outcome,
                        const struct ckf_stress_catalog *catalog,
                        const struct ckf_stress_settings *settings, bool on_threads,
                        ckf_stress_observer observer, void *arg);
/* What a run of them may take in all when nothing else limits it. */
int64_t ckf_stress_budget_ns(const struct ckf_stress_catalog *catalog,
                             const struct ckf_stress_settings *settings);
void ckf_stress_dispose(struct ckf_stress_outcome_of_run *outcome);

#endif
