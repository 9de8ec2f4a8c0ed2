/* sync/light_fence.c - how the fence goes up and down.
 *
 * Roles:      heavy sides raise it, light sides lower it.
 * Invariants: it goes down, moving, up, moving, down. Between down and up there is a barrier: whoever found
 *             it down before has stored before, and is seen by all who find it up.
 */
#include "sync/light_fence.h"

#include "base/membarrier.h"
#include "base/step.h"

void ckf_light_fence_lower(struct ckf_light_fence *fence)
{
    uint64_t word = load_relaxed(&fence->word);
    /* edge fence-passed: seq_cst; pairs with the acquire in ckf_light_fence_stands(): a heavy side that found it
     * up had written before this step, and who finds it down comes after it. relaxed, the second one: it goes on
     * with the release of the first. */
    while (ckf_fence_mode_in(word) == CKF_FENCE_UP)
        if (cas_seq_cst(&fence->word, &word, word - CKF_FENCE_UP + CKF_FENCE_MOVING)) {
            fetch_sub_relaxed(&fence->word, CKF_FENCE_MOVING - CKF_FENCE_DOWN);
            return;
        }
}

bool ckf_light_fence_is_up(const struct ckf_light_fence *fence)
{
    /* edge fence-passed: seq_cst, after the heavy side's seq_cst writes: who finds the fence down again
     * finds these. */
    return ckf_fence_mode_in(load_seq_cst(&fence->word)) == CKF_FENCE_UP;
}

void ckf_light_fence_raise(struct ckf_light_fence *fence)
{
    bool is_ours = false;
    uint64_t word = load_relaxed(&fence->word);
    /* relaxed: before the barrier, which orders it with what comes after it in every thread: a light side
     * that was executed so far as to find the fence down is seen by all who find it up; all others
     * find it moving. */
    while (!is_ours && ckf_fence_mode_in(word) == CKF_FENCE_DOWN)
        is_ours = cas_relaxed(&fence->word, &word, word - CKF_FENCE_DOWN + CKF_FENCE_MOVING);
    if (CKF_STEP(true))
        ckf_membarrier();
    if (is_ours)
        /* edge fence-passed: release; pairs with the load in ckf_light_fence_is_up(), and with the fall. */
        fetch_add_release(&fence->word, CKF_FENCE_UP - CKF_FENCE_MOVING);
}
