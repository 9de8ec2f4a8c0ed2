/* channel/slots.h - where a ring keeps elements that do not fit into a cell: numbered slots that cells
 * and senders exchange.
 *
 * Each cell has a slot, and so has each sender. A sender fills its slot and exchanges it for the one
 * that it finds in the cell, whose element was received a lap ago. So slots go round by themselves: in
 * the order in which they were read, and only senders write to them.
 */
#ifndef CKF_CHANNEL_SLOTS_H
#define CKF_CHANNEL_SLOTS_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cacheline.h"
#include "base/wide_cas.h"
#include "channel/shared_bytes.h"

#define CKF_NO_SLOT UINT32_MAX

/* Threads, by their number, that have a slot of their own between calls. */
enum { CKF_OWN_SLOTS = 32 };

struct ckf_own_slot {
    alignas(64) uint32_t slot; /* of the thread that has the number */
};

struct ckf_slots {
    /* constant */
    unsigned char *bytes; /* NULL: elements travel in the cells */
    size_t elem_size;
    size_t stride;            /* from a slot to the next */
    struct ckf_own_slot *own; /* by thread number */

    _Atomic(uint32_t) *next; /* by slot: the one below it in the stack of all other threads */
    struct ckf_wide *top;    /* low: how often it changed; high: the uppermost slot */
};

/* For a ring of `cells` cells, at least two: cell i begins with slot i. False without memory, and
 * nothing is left behind. */
bool ckf_slots_init(struct ckf_slots *slots, size_t cells, size_t elem_size);
void ckf_slots_free(struct ckf_slots *slots);

/* The calling thread's slot, which it gives back, or the one that it got for it, before its call
 * ends. CKF_NO_SLOT: at a moment of the call as many calls as the channel has room for elements held
 * the slots of threads that have none of their own. Lock-free. */
uint32_t ckf_slots_take(struct ckf_slots *slots);
/* True: somebody else can have it now. */
bool ckf_slots_give(struct ckf_slots *slots, uint32_t slot);

/* Whether the calling thread would get one. After false, *moment as in core.h. */
bool ckf_slots_has_free(const struct ckf_slots *slots, uint64_t *moment);

static inline _Atomic(uint64_t) *ckf_slots_words(const struct ckf_slots *slots, uint32_t slot)
{
    return (_Atomic(uint64_t) *)(void *)(slots->bytes + slot * slots->stride);
}

#endif
