/* base/random.h - numbers that nobody can guess (keys of hashes) and numbers that are merely
 * spread out (shuffling, sampling). */
#ifndef CKF_BASE_RANDOM_H
#define CKF_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills buffer from getrandom(2); aborts if the kernel has no randomness, which Linux excludes
 * once it has booted. */
void ckf_random_bytes(void *buffer, size_t size);

/* A number below bound (more than 0), from a generator of this thread: not for secrets. */
uint32_t ckf_random_below(uint32_t bound);

#endif
