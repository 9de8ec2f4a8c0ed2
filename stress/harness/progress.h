/* harness/progress.h - telling whoever waits how far a run is. */
#ifndef CKF_STRESS_PROGRESS_H
#define CKF_STRESS_PROGRESS_H

#include "harness/plan.h"

struct ckf_stress_progress_line {
    FILE *out;
    bool terminal;
    int64_t next_ns; /* when to print again */
};

/* On a terminal: one line that changes; elsewhere: a line every 15 seconds. */
void ckf_stress_progress_begin(struct ckf_stress_progress_line *line, FILE *out);
/* An observer (see harness/plan.h); arg is the line. */
void ckf_stress_progress_show(const struct ckf_stress_progress *progress, void *arg);
/* The same for work that has no tallies. */
void ckf_stress_progress_say(struct ckf_stress_progress_line *line, const char *activity,
                             const char *text);
void ckf_stress_progress_end(struct ckf_stress_progress_line *line);

#endif
