/* harness/runtime.h - what a runtime beneath the cases may want to know. */
#ifndef CKF_STRESS_RUNTIME_H
#define CKF_STRESS_RUNTIME_H

#include <stdint.h>

struct ckf_stress_runtime {
    const char *name; /* for reports */
    /* Called by the leader, alone, before the actors of an iteration start and after they ended. */
    void (*actors_begin)(uint64_t seed, uint64_t iteration);
    void (*actors_ended)(void);
};

/* Set before main() by a runtime that is linked in; NULL: cases run on plain threads. */
extern const struct ckf_stress_runtime *ckf_stress_runtime;

#endif
