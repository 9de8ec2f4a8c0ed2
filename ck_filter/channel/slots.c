/* channel/slots.c - the slots that are in no cell: one for each of the first threads, a stack for all
 * others.
 *
 * Roles:      a thread takes a slot when it begins to send, and gives one back when it has sent, or
 *             could not. Threads with a low number have one in a line of their own, which nobody
 *             else touches. The others share a stack (Treiber, "Systems Programming: Coping with
 *             Parallelism", IBM RJ 5118, 1986) whose top carries a count of its changes.
 * Invariants: a slot is in a cell, in a line, in the stack, or in the hands of one call. The count
 *             never repeats, so a CAS that finds it unchanged found the whole top unchanged, and
 *             next[] of it as well. A take that reads next[] of a slot that somebody else has by then
 *             reads a stale number, and its CAS fails.
 *             The stack has as many slots as the channel has capacity, so when none is left,
 *             unfinished calls hold that many.
 * A thread that stops between take and give keeps one slot, and nothing else: its room in the ring is
 * not lost.
 */
#include "channel/slots.h"

#include "base/memory.h"
#include "sync/per_thread.h"

/* Not fewer, so that calls seldom find none; and more threads than Linux has numbers for cannot be. */
enum { LEAST_COMMON = 64, MOST_COMMON = 1 << 22 };

static uint32_t common_slots(size_t capacity)
{
    if (capacity < LEAST_COMMON)
        return LEAST_COMMON;
    return capacity > MOST_COMMON ? MOST_COMMON : (uint32_t)capacity;
}

bool ckf_slots_init(struct ckf_slots *slots, size_t cells, size_t elem_size)
{
    uint32_t first_own = (uint32_t)cells, first_common = first_own + CKF_OWN_SLOTS;
    uint32_t end = first_common + common_slots(cells - 1);
    slots->elem_size = elem_size;
    slots->stride = ckf_stride_for(elem_size);
    size_t bytes;
    if (!__builtin_mul_overflow(end, slots->stride, &bytes))
        slots->bytes = ckf_alloc_aligned(bytes, CKF_CACHELINE);
    slots->own = ckf_alloc_aligned(CKF_OWN_SLOTS * sizeof *slots->own, CKF_CACHELINE);
    slots->next = ckf_alloc_array(end, sizeof *slots->next);
    slots->top = ckf_alloc_aligned(CKF_CACHELINE, CKF_CACHELINE);
    if (slots->bytes == NULL || slots->own == NULL || slots->next == NULL || slots->top == NULL) {
        ckf_slots_free(slots);
        return false;
    }
    for (uint32_t number = 0; number < CKF_OWN_SLOTS; number++)
        slots->own[number].slot = first_own + number;
    for (uint32_t slot = first_common; slot < end; slot++)
        atomic_init(&slots->next[slot], slot + 1 < end ? slot + 1 : CKF_NO_SLOT);
    atomic_init(&slots->top->high, first_common);
    return true;
}

void ckf_slots_free(struct ckf_slots *slots)
{
    ckf_free(slots->bytes);
    ckf_free(slots->own);
    ckf_free(slots->next);
    ckf_free(slots->top);
}

static uint32_t pop(struct ckf_slots *slots)
{
    for (;;) {
        uint64_t count = load_relaxed(&slots->top->low); /* relaxed: the CAS checks it */
        /* edge slot-returned: acquire; pairs with the seq_cst CAS in push(). seq_cst: who finds no
         * slot has looked at the top of that moment, as everybody else sees it. */
        uint32_t slot = (uint32_t)load_seq_cst(&slots->top->high);
        if (slot == CKF_NO_SLOT)
            return slot;
        /* relaxed: if it is stale, the CAS fails */
        uint32_t next = load_relaxed(&slots->next[slot]);
        if (ckf_wide_cas(slots->top, count, slot, count + 1, next))
            return slot;
    }
}

static void push(struct ckf_slots *slots, uint32_t slot)
{
    uint64_t count, top;
    do {
        count = load_relaxed(&slots->top->low); /* relaxed: the CAS checks both */
        top = load_relaxed(&slots->top->high);
        store_relaxed(&slots->next[slot], (uint32_t)top); /* relaxed: the CAS publishes it */
        /* edge slot-returned: release by the seq_cst CAS; pairs with the acquire in pop(). */
    } while (!ckf_wide_cas(slots->top, count, top, count + 1, slot));
}

uint32_t ckf_slots_take(struct ckf_slots *slots)
{
    unsigned number = ckf_thread_number();
    return CKF_LIKELY(number < CKF_OWN_SLOTS) ? slots->own[number].slot : pop(slots);
}

bool ckf_slots_give(struct ckf_slots *slots, uint32_t slot)
{
    unsigned number = ckf_thread_number();
    bool to_all = CKF_UNLIKELY(number >= CKF_OWN_SLOTS);
    if (to_all)
        push(slots, slot);
    else
        slots->own[number].slot = slot;
    return to_all;
}

bool ckf_slots_has_free(const struct ckf_slots *slots, uint64_t *moment)
{
    if (ckf_thread_number() < CKF_OWN_SLOTS)
        return true;
    /* acquire: the count is read before the slot. An empty stack with count n stays empty until the
     * count changes, and "empty" was true after the count was read. Odd: no ticket is. */
    *moment = load_acquire(&slots->top->low) * 2 + 1;
    return (uint32_t)load_seq_cst(&slots->top->high) != CKF_NO_SLOT; /* seq_cst: as in pop() */
}
