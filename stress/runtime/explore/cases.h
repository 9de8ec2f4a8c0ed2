/* explore/cases.h - cases of the case language as programs of the engine. */
#ifndef CKF_EXPLORE_CASES_H
#define CKF_EXPLORE_CASES_H

#include <stdio.h>

#include <ck_filter/stress.h>

#include "explore.h"

struct ckf_case_program {
    const struct ckf_stress_case *test;
    enum ckf_stress_variant variant;
    unsigned copies; /* of actors whose number the case leaves open; 0: 2 */
    unsigned rounds; /* 0: the case's explore_rounds */
};

/* The body to explore; arg is a struct ckf_case_program. */
void ckf_explore_case_run(void *arg);

/* How the execution that has just ended is reported: what its bodies said, or what the engine found.
 * NULL: it has no outcome (it was cut off, diverged, or did what the engine cannot follow). The text
 * lives until the next call. */
const char *ckf_explore_case_outcome(const struct ckf_explore_end *end);

/* How many allocations the execution that has just ended had made when its actors began, and when all had
 * ended. */
struct ckf_case_allocations {
    unsigned before_actors, after_actors;
};
struct ckf_case_allocations ckf_explore_case_allocations(void);

/* Prints the history of the execution that has just ended, if it is not linearizable. */
void ckf_explore_case_print_history(FILE *out);

/* As the catalogue grades, plus what only this engine finds: "data race", "leak" and the like. */
const struct ckf_stress_grading *ckf_explore_case_grade(const struct ckf_stress_case *test,
                                                        const char *outcome);

#endif
