/* sync/light_fence.h - a fence that one side of a store->load race passes for nothing, while it is down.
 *
 * Two sides each write something and then look at what the other one wrote, and one of them must see the
 * other. The light side is busy: it writes by a plain release store, looks at the fence, and then at what
 * the heavy side wrote; only if the fence is not down does it execute a seq_cst read-modify-write of what
 * it wrote before it looks at the heavy side. The heavy side is rare: it writes, and then makes up for the
 * light side by membarrier(2), some microseconds, unless it finds the fence up. Who has to do so often
 * raises the fence, and the light side lowers it when nobody needs it any more.
 *
 * The argument is in docs/ordering/sync.md.
 */
#ifndef CKF_SYNC_LIGHT_FENCE_H
#define CKF_SYNC_LIGHT_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/check.h"

enum ckf_fence_mode { CKF_FENCE_DOWN, CKF_FENCE_MOVING, CKF_FENCE_UP };

enum {
    CKF_FENCE_MODES = 3,
    CKF_FENCE_STAMP = 4 /* the rest of the word counts by so much */
};

struct ckf_light_fence {
    /* The mode, and a stamp that heavy sides move on, seq_cst: so the light side finds both by one load.
     * Zero: down. Where there is no membarrier it may be up for ever. */
    _Atomic(uint64_t) word;
};

static inline enum ckf_fence_mode ckf_fence_mode_in(uint64_t word)
{
    return (enum ckf_fence_mode)(word & CKF_FENCE_MODES);
}

/* For the light side, after its store: true: the seq_cst read-modify-write has to come now. */
static inline bool ckf_light_fence_stands(const struct ckf_light_fence *fence)
{
    /* edge fence-passed: acquire; pairs with the release in ckf_light_fence_lower(): who finds it down again,
     * after a heavy side has found it up, finds what that one wrote. */
    return CKF_UNLIKELY(ckf_fence_mode_in(load_acquire(&fence->word)) != CKF_FENCE_DOWN);
}

/* The same for a light side that is one thread, which lowers the fence itself before it looks again. */
static inline bool ckf_light_fence_stands_alone(const struct ckf_light_fence *fence)
{
    /* relaxed: whoever raises it waits for a barrier; otherwise it is down by our own hand */
    return CKF_UNLIKELY(ckf_fence_mode_in(load_relaxed(&fence->word)) != CKF_FENCE_DOWN);
}

/* For the light side, between its read-modify-write and its look. */
void ckf_light_fence_lower(struct ckf_light_fence *fence);

/* For the heavy side, after its seq_cst write: true: no barrier is needed. */
bool ckf_light_fence_is_up(const struct ckf_light_fence *fence);

/* For the heavy side, where there is a membarrier: is one in any case. */
void ckf_light_fence_raise(struct ckf_light_fence *fence);

#endif
