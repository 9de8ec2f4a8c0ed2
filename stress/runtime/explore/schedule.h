/* explore/schedule.h - one execution as a file, and the smallest one that fails likewise. */
#ifndef CKF_EXPLORE_SCHEDULE_H
#define CKF_EXPLORE_SCHEDULE_H

#include <stdio.h>

#include "explore.h"

enum { CKF_EXPLORE_OUTCOME_BYTES = 192 };

/* Everything that determines an execution, and how it ended. */
struct ckf_schedule {
    char case_id[128], variant[16];
    char outcome[CKF_EXPLORE_OUTCOME_BYTES]; /* its beginning, if it is longer */
    enum ckf_explore_model model;
    unsigned steps, timeouts, spurious, failed_allocation, copies, rounds;
    uint64_t seed, hash;
    struct ckf_choice *choices; /* by malloc */
    size_t choice_count;
    struct ckf_explore_place *contended; /* by malloc */
    size_t contended_count;
};

void ckf_explore_schedule_write(const struct ckf_schedule *schedule, FILE *out);
/* False, with a sentence on `errors`, for anything that is not exactly what was written. */
bool ckf_explore_schedule_read(struct ckf_schedule *schedule, FILE *in, const char *path,
                               FILE *errors);
/* True if an outcome is the one of which this was kept. */
bool ckf_explore_is_outcome(const char kept[CKF_EXPLORE_OUTCOME_BYTES], const char *outcome);
void ckf_explore_schedule_clear(struct ckf_schedule *schedule);

const char *ckf_explore_model_name(enum ckf_explore_model model);

/* Runs the given choices, where they fit, and says whether the execution still fails in the way that
 * is being looked for; fills in the choices it made (at most *count of them). */
typedef bool (*ckf_still_fails)(struct ckf_choice *choices, size_t *count, unsigned *steps,
                                void *arg);

/* Drops preemptions, stale reads and other departures from the tamest execution as long as it still
 * fails. choices has room for `room`. Returns how many executions that took. */
unsigned ckf_explore_minimise(struct ckf_choice *choices, size_t *count, size_t room,
                              ckf_still_fails still_fails, void *arg);

#endif
