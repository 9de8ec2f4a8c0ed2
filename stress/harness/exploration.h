/* harness/exploration.h - what the explore engine, a program of its own, says of the same cases. */
#ifndef CKF_STRESS_EXPLORATION_H
#define CKF_STRESS_EXPLORATION_H

#include "harness/catalog.h"
#include "harness/progress.h"
#include "harness/settings.h"

enum ckf_stress_explored_verdict {
    CKF_STRESS_NOT_EXPLORED,
    CKF_STRESS_EXPLORED_CLEAN,  /* no forbidden outcome within the extent of the search */
    CKF_STRESS_EXPLORED_FAILED, /* there was one */
    CKF_STRESS_NO_VERDICT       /* the case does what the engine cannot follow */
};

/* One variant of one case. */
struct ckf_stress_explored {
    enum ckf_stress_explored_verdict verdict;
    char outcome[160];  /* of a failure */
    char schedule[200]; /* file that replays a failure of a fixed variant; empty: there is none */
    char extent[200];   /* "2030 executions, complete up to 2 preemptions"; or why not */
    char *json;         /* all that the engine wrote of it; by malloc */
};

struct ckf_stress_exploration {
    bool ran;
    char absent[160]; /* why it did not; empty: it was not asked for */
    size_t count;
    struct ckf_stress_explored (*cases)[CKF_STRESS_VARIANTS]; /* as in the catalogue */
    int64_t ran_ns;
};

/* Runs the engine's program over the cases of the catalogue, within the budget. A program that is not
 * there is no failure, and noted as absent. False, with a message, if the engine fails. */
bool ckf_stress_explore(struct ckf_stress_exploration *exploration,
                        const struct ckf_stress_catalog *catalog,
                        const struct ckf_stress_settings *settings, int64_t budget_ns,
                        struct ckf_stress_progress_line *line);
void ckf_stress_exploration_dispose(struct ckf_stress_exploration *exploration);

/* One sentence: "found "lost" in 27 executions, 0.001 s". */
void ckf_stress_explored_sentence(const struct ckf_stress_explored *explored, char *text,
                                  size_t size);

#endif
