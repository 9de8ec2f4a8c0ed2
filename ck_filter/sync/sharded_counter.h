/* sync/sharded_counter.h - a counter that many threads add to and few read.
 *
 * Adds go to the stripe of the calling thread, so threads seldom meet. Every stripe only grows
 * (modulo 2^64): a sum lies between the counter's value at its start and at its end, and is exact
 * when nobody adds.
 */
#ifndef CKF_SYNC_SHARDED_COUNTER_H
#define CKF_SYNC_SHARDED_COUNTER_H

#include <stdint.h>

#include "base/atomics.h"
#include "base/cacheline.h"

enum { CKF_STRIPES = 8 };

struct ckf_sharded_counter {
    struct {
        CKF_CACHELINE_ALIGNED _Atomic(uint64_t) value; /* any thread, by fetch_add */
    } stripes[CKF_STRIPES];
};

/* Wait-free. Acts as a release, so that who sees the sum sees what was written before the add. */
void ckf_sharded_add(struct ckf_sharded_counter *counter, uint64_t n);

/* Wait-free. Acts as an acquire. */
uint64_t ckf_sharded_sum(const struct ckf_sharded_counter *counter);

#endif
