/* channel/spares.h - blocks for elements that do not fit into a cell, while they are in no cell.
 *
 * A sender fills a spare block and exchanges it for the one that it finds in the cell, whose element
 * was received long ago. So blocks go round by themselves, in the order in which they were read, and
 * only senders write to them. A thread needs one spare at a time; here it stays between its calls.
 */
#ifndef CKF_CHANNEL_SPARES_H
#define CKF_CHANNEL_SPARES_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "base/wide_cas.h"

/* Threads, by their number, that keep a spare of their own; all others share. */
enum { CKF_SPARE_OWNERS = 32 };

struct ckf_spare {
    alignas(64) _Atomic(uint64_t) *block; /* of the thread that has the number; NULL: none yet */
};

struct ckf_spares {
    CKF_CACHELINE_ALIGNED struct ckf_wide top; /* low: how often it changed; high: the uppermost
                                                  shared block, or 0 */
    CKF_CACHELINE_ALIGNED struct ckf_spare own[CKF_SPARE_OWNERS];
};

/* Without any spare; NULL without memory. */
struct ckf_spares *ckf_spares_create(void);
/* Gives all spares to free_block, unless that is NULL. Alone; NULL stays NULL. */
void ckf_spares_destroy(struct ckf_spares *spares, void (*free_block)(void *block));

/* A spare for the calling thread, which gives it back, or the one that it got for it, before its call
 * ends. NULL: it has none of its own and, at a moment of the call, none was shared. Lock-free. */
_Atomic(uint64_t) *ckf_spares_take(struct ckf_spares *spares);
/* block may be NULL. True: another thread can have it now. */
bool ckf_spares_give(struct ckf_spares *spares, _Atomic(uint64_t) *block);

/* Whether the calling thread would get one. After false, *moment as in core.h, and odd. */
bool ckf_spares_has_one(const struct ckf_spares *spares, uint64_t *moment);

#endif
