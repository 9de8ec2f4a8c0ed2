/* cases/channel_cases.h - what all workloads on channels share: our two variants, and the state. */
#ifndef CKF_BENCH_CHANNEL_CASES_H
#define CKF_BENCH_CHANNEL_CASES_H

#include "cases/channel_bodies.h"

extern const struct bench_contestant channel_atomic, channel_mutex;

void channel_setup(struct bench_run *run, void *state);
void channel_verify(struct bench_run *run, void *state);
void channel_teardown(struct bench_run *run, void *state);

#endif
