/* sync/light_fence.c - how the fence goes up and down.
 *
 * Roles:      heavy sides raise it, the light side lowers it.
 * Invariants: it goes down, rising, up, down. Between rising and up there is a barrier: whoever found it
 *             down before has stored before, and is seen by all who find it up.
 */
#include "sync/light_fence.h"

#include "base/membarrier.h"

void ckf_light_fence_lower(struct ckf_light_fence *fence)
{
    uint32_t up = CKF_FENCE_UP;
    /* edge fence-passed: seq_cst: a heavy side that found it up had written before, which is seen now */
    cas_seq_cst(&fence->mode, &up, CKF_FENCE_DOWN);
}

bool ckf_light_fence_is_up(const struct ckf_light_fence *fence)
{
    /* edge fence-passed: seq_cst, after the heavy side's seq_cst writes: who lowers the fence finds these. */
    return load_seq_cst(&fence->mode) == CKF_FENCE_UP;
}

void ckf_light_fence_raise(struct ckf_light_fence *fence)
{
    uint32_t down = CKF_FENCE_DOWN;
    /* relaxed, both: the barrier between them is everybody's */
    bool is_ours = cas_relaxed(&fence->mode, &down, CKF_FENCE_RISING);
    ckf_membarrier();
    if (is_ours)
        store_relaxed(&fence->mode, CKF_FENCE_UP);
}
