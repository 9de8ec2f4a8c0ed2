/* cases/map_cases.h - what all workloads on counter maps share: our ATOMIC variant, and the state. */
#ifndef CKF_BENCH_MAP_CASES_H
#define CKF_BENCH_MAP_CASES_H

#include "cases/map_bodies.h"

extern const struct bench_contestant map_atomic;

void map_setup(struct bench_run *run, void *state);
void map_verify(struct bench_run *run, void *state);
void map_teardown(struct bench_run *run, void *state);

#endif
