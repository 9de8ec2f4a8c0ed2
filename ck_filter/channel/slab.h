/* channel/slab.h - slots for elements that do not fit into a cell, handed out without locks.
 *
 * Slots are numbered. Who has popped one owns its bytes until it pushes it, or passes the number on.
 */
#ifndef CKF_CHANNEL_SLAB_H
#define CKF_CHANNEL_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cacheline.h"
#include "base/wide_cas.h"

#define CKF_NO_SLOT UINT32_MAX

struct ckf_slab {
    unsigned char *bytes;    /* constant; slot_size each; NULL: elements travel in the cells */
    _Atomic(uint32_t) *next; /* by slot: the one below it in the stack */
    size_t slot_size;
    struct ckf_wide *top; /* low: how often it changed; high: the uppermost free slot */
};

/* False without memory, and nothing is left behind. count is below CKF_NO_SLOT. */
bool ckf_slab_init(struct ckf_slab *slab, uint32_t count, size_t slot_size);
void ckf_slab_free(struct ckf_slab *slab);

/* A free slot, or CKF_NO_SLOT: at a moment of the call none was free. Lock-free. */
uint32_t ckf_slab_pop(struct ckf_slab *slab);
void ckf_slab_push(struct ckf_slab *slab, uint32_t slot);

/* Whether a slot is free. After false, *moment as in core.h. */
bool ckf_slab_has_free(const struct ckf_slab *slab, uint64_t *moment);

static inline void *ckf_slab_slot(const struct ckf_slab *slab, uint32_t slot)
{
    return slab->bytes + slot * slab->slot_size;
}

#endif
