/* noise/noise.h - delays at the accesses of instrumented code: see noise.c. */
#ifndef CKF_NOISE_NOISE_H
#define CKF_NOISE_NOISE_H

#include <stdint.h>

/* How much a hook counts when the place of the next delay is looked for: code makes many plain
 * accesses for each atomic one, and few of them matter. */
enum { CKF_NOISE_PLAIN = 1, CKF_NOISE_ATOMIC = 8 };

/* Zero: quiet, else the number of the iteration whose actors run. Written between iterations. */
extern uint32_t ckf_noise_iteration;

/* One access of the calling thread, while it is not quiet. */
void ckf_noise_access(uint32_t iteration, unsigned weight);

static inline void ckf_noise_before(unsigned weight)
{
    /* relaxed: a thread that learns of an iteration a little late misses a delay. */
    uint32_t iteration = __atomic_load_n(&ckf_noise_iteration, __ATOMIC_RELAXED);
    if (__builtin_expect(iteration != 0, 0))
        ckf_noise_access(iteration, weight);
}

#endif
