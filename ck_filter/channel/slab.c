/* channel/slab.c - a stack of free slots (Treiber, "Systems Programming: Coping with Parallelism",
 * IBM RJ 5118, 1986) whose top carries a count of its changes.
 *
 * Roles:      any thread pops and pushes.
 * Invariants: a slot is in the stack or has one owner. The count never repeats, so a CAS that finds
 *             it unchanged found the whole top unchanged, and next[] of it as well.
 *             A pop that reads next[] of a slot that somebody else has taken by then reads a stale
 *             number, and its CAS fails.
 * A thread that stops between pop and push keeps one slot, and nothing else.
 */
#include "channel/slab.h"

#include "base/memory.h"

bool ckf_slab_init(struct ckf_slab *slab, uint32_t count, size_t slot_size)
{
    slab->slot_size = slot_size;
    slab->bytes = ckf_alloc_array(count, slot_size);
    slab->next = ckf_alloc_array(count, sizeof *slab->next);
    slab->top = ckf_alloc_aligned(CKF_CACHELINE, CKF_CACHELINE);
    if (slab->bytes == NULL || slab->next == NULL || slab->top == NULL) {
        ckf_slab_free(slab);
        return false;
    }
    for (uint32_t slot = 0; slot < count; slot++)
        atomic_init(&slab->next[slot], slot + 1 < count ? slot + 1 : CKF_NO_SLOT);
    return true; /* the zeroed top says: slot 0 */
}

void ckf_slab_free(struct ckf_slab *slab)
{
    ckf_free(slab->bytes);
    ckf_free(slab->next);
    ckf_free(slab->top);
}

uint32_t ckf_slab_pop(struct ckf_slab *slab)
{
    for (;;) {
        uint64_t count = load_relaxed(&slab->top->low); /* relaxed: the CAS checks it */
        /* edge slot-returned: acquire; pairs with the seq_cst CAS in ckf_slab_push(). seq_cst: who
         * finds no slot has looked at the top of that moment, as everybody else sees it. */
        uint32_t slot = (uint32_t)load_seq_cst(&slab->top->high);
        if (slot == CKF_NO_SLOT)
            return slot;
        /* relaxed: if it is stale, the CAS fails */
        uint32_t below = load_relaxed(&slab->next[slot]);
        if (ckf_wide_cas(slab->top, count, slot, count + 1, below))
            return slot;
    }
}

void ckf_slab_push(struct ckf_slab *slab, uint32_t slot)
{
    uint64_t count, top;
    do {
        count = load_relaxed(&slab->top->low); /* relaxed: the CAS checks both */
        top = load_relaxed(&slab->top->high);
        store_relaxed(&slab->next[slot], (uint32_t)top); /* relaxed: the CAS publishes it */
        /* edge slot-returned: release by the seq_cst CAS; pairs with the acquire in pop. */
    } while (!ckf_wide_cas(slab->top, count, top, count + 1, slot));
}

bool ckf_slab_has_free(const struct ckf_slab *slab, uint64_t *moment)
{
    /* acquire: the count is read before the slot. An empty stack with count n stays empty until the
     * count changes, and "empty" was true after the count was read. */
    *moment = load_acquire(&slab->top->low);
    return (uint32_t)load_seq_cst(&slab->top->high) != CKF_NO_SLOT; /* seq_cst: as in pop */
}
