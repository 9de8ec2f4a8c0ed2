/* harness/verdict.h - what a tally means, in numbers and in one sentence. */
#ifndef CKF_STRESS_VERDICT_H
#define CKF_STRESS_VERDICT_H

#include "harness/exploration.h"
#include "harness/tally.h"

enum ckf_stress_judgement {
    CKF_STRESS_REPRODUCED,     /* a racy twin failed, as it must */
    CKF_STRESS_NOT_REPRODUCED, /* it did not: that proves nothing */
    CKF_STRESS_CLEAN,          /* a fixed variant showed no forbidden outcome */
    CKF_STRESS_FAILED,         /* it did */
    CKF_STRESS_ERROR           /* the harness could not do its work */
};
enum { CKF_STRESS_JUDGEMENTS = 5 };

struct ckf_stress_verdict {
    enum ckf_stress_judgement judgement;
    double rate;                       /* failures an iteration */
    struct ckf_stress_interval bounds; /* of the rate, at 95 %; without failures high is 3/N */
    bool needed_known;
    uint64_t needed;   /* iterations in which the racy twin shows up with 95 % certainty */
    bool enough;       /* a fixed variant ran that often */
    int64_t median_ns; /* to first failure; negative: unknown */
    double parallel;   /* share of the CPUs its threads could use that they did use */
    bool on_threads;   /* false: it was only explored, and the numbers above mean nothing */
    enum ckf_stress_judgement of_threads;       /* what the threads alone say */
    const struct ckf_stress_explored *explored; /* NULL: it was not explored */
    char sentence[960];
};

/* Judges a tally; `racy` is that of the same case's racy twin, or NULL if that did not run. */
void ckf_stress_judge(struct ckf_stress_verdict *verdict, const struct ckf_stress_tally *tally,
                      const struct ckf_stress_tally *racy);
/* Adds what the explore engine found: a failure that either engine saw is one. */
void ckf_stress_judge_explored(struct ckf_stress_verdict *verdict, enum ckf_stress_variant variant,
                               const struct ckf_stress_explored *explored, bool on_threads);

/* "REPRODUCED", "NOT REPRODUCED", "CLEAN", "FORBIDDEN", "ERROR" */
const char *ckf_stress_judgement_name(enum ckf_stress_judgement judgement);

/* Verdicts of a run, by judgement. */
struct ckf_stress_summary {
    size_t cases, count[CKF_STRESS_JUDGEMENTS];
};

/* The program's exit status for such verdicts. */
int ckf_stress_exit_status(const struct ckf_stress_summary *summary, bool require_repro);

#endif
