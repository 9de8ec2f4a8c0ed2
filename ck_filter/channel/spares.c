/* channel/spares.c - a place for each of the first threads, and a stack for all others.
 *
 * Roles:      a thread takes a block when it begins to send, and gives one back when it has sent, or
 *             could not. Threads with a low number have one in a line of their own, which nobody
 *             else touches. The others share a stack (Treiber, "Systems Programming: Coping with
 *             Parallelism", IBM RJ 5118, 1986) whose top carries a count of its changes.
 * Invariants: a block is in a cell, in a place, in the stack, or in the hands of one call.
 *             The first word of a block in the stack is the address of the one below. The count never
 *             repeats, so a CAS that finds it unchanged found the whole top unchanged, and that word
 *             as well. A take that reads it of a block that somebody else has by then reads nonsense,
 *             and its CAS fails; the memory is there, since blocks that were shared are freed last.
 * A thread that stops between take and give keeps one block, and nothing else.
 */
#include "channel/spares.h"

#include "base/check.h"
#include "base/memory.h"
#include "channel/shared_bytes.h"
#include "sync/per_thread.h"

struct ckf_spares *ckf_spares_create(void)
{
    return ckf_alloc_aligned(sizeof(struct ckf_spares), alignof(struct ckf_spares));
}

static _Atomic(uint64_t) *pop(struct ckf_spares *spares)
{
    for (;;) {
        uint64_t count = load_relaxed(&spares->top.low); /* relaxed: the CAS checks it */
        /* edge spare-shared: acquire; pairs with the seq_cst CAS in push(). seq_cst: who finds none
         * has looked at the top of that moment, as everybody else sees it. */
        uint64_t top = load_seq_cst(&spares->top.high);
        if (top == 0)
            return NULL;
        uint64_t below =
            load_relaxed(ckf_block_of(top)); /* relaxed: if it is stale, the CAS fails */
        /* edge spare-shared: acquire, should the top be an older push of the same block than the count
         * is of; release, so that who finds the stack empty knows what came before that. */
        if (ckf_wide_cas_explicit(&spares->top, count, top, count + 1, below, memory_order_acq_rel))
            return ckf_block_of(top);
    }
}

static void push(struct ckf_spares *spares, _Atomic(uint64_t) *block)
{
    uint64_t count, top;
    do {
        count = load_relaxed(&spares->top.low); /* relaxed: the CAS checks both */
        top = load_relaxed(&spares->top.high);
        store_relaxed(block, top); /* relaxed: the CAS publishes it */
        /* edge spare-shared: release by the seq_cst CAS; pairs with the acquire in pop(). */
    } while (!ckf_wide_cas(&spares->top, count, top, count + 1, (uintptr_t)block));
}

_Atomic(uint64_t) *ckf_spares_take(struct ckf_spares *spares)
{
    unsigned number = ckf_thread_number();
    if (CKF_LIKELY(number < CKF_SPARE_OWNERS && spares->own[number].block != NULL))
        return spares->own[number].block;
    return pop(spares);
}

bool ckf_spares_give(struct ckf_spares *spares, _Atomic(uint64_t) *block)
{
    unsigned number = ckf_thread_number();
    if (CKF_LIKELY(number < CKF_SPARE_OWNERS)) {
        spares->own[number].block = block;
        return false;
    }
    if (block != NULL)
        push(spares, block);
    return block != NULL;
}

bool ckf_spares_has_one(const struct ckf_spares *spares, uint64_t *moment)
{
    unsigned number = ckf_thread_number();
    if (number < CKF_SPARE_OWNERS && spares->own[number].block != NULL)
        return true;
    /* acquire: the count is read before the block. An empty stack with count n stays empty until the
     * count changes, and "empty" was true after the count was read. Odd: no ticket is. */
    *moment = load_acquire(&spares->top.low) * 2 + 1;
    return load_seq_cst(&spares->top.high) != 0; /* seq_cst: as in pop() */
}

void ckf_spares_destroy(struct ckf_spares *spares, void (*free_block)(void *block))
{
    if (spares == NULL)
        return;
    if (free_block != NULL) {
        for (unsigned number = 0; number < CKF_SPARE_OWNERS; number++)
            free_block((void *)spares->own[number].block);
        for (_Atomic(uint64_t) *block; (block = pop(spares)) != NULL;)
            free_block((void *)block);
    }
    ckf_free(spares);
}
