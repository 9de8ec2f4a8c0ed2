/* sync/lock.h - a small lock for slow paths, whose try and release are points of one total order.
 *
 * That order is what pthread mutexes do not promise and what handing work to the holder needs:
 * "I wrote down the work, then the lock was taken" and "I released it, then nothing was written
 * down" cannot both be seen.
 */
#ifndef CKF_SYNC_LOCK_H
#define CKF_SYNC_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"

struct ckf_lock {
    _Atomic(uint32_t) state; /* enum lock_state of lock.c; zero is free */
};

/* Spins for a short bounded time, then sleeps. Not recursive. */
void ckf_lock_acquire(struct ckf_lock *lock);

/* Wait-free. */
bool ckf_lock_try(struct ckf_lock *lock);

/* The lock may be gone as soon as somebody else can have it: only its address is used then. */
void ckf_lock_release(struct ckf_lock *lock);

#endif
