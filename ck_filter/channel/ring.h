/* channel/ring.h - the core of bounded ATOMIC channels: state, and how it is made. See ring.c. */
#ifndef CKF_CHANNEL_RING_H
#define CKF_CHANNEL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/status.h>

#include "base/cacheline.h"
#include "base/wide_cas.h"
#include "channel/spares.h"

struct ckf_batches;
struct ckf_extra_block;

/* Where elements are that are larger than a word. Blocks that are in no cell and have never been used
 * are handed out in turn; who finds none makes one. */
struct ckf_blocks {
    unsigned char *bytes; /* constant; NULL: elements are in the cells */
    size_t stride;        /* constant: from a block to the next */
    size_t count;         /* constant */
    size_t extra_bytes;   /* constant: of memory for one more block */
    struct ckf_spares *spares;
    CKF_CACHELINE_ALIGNED _Atomic(size_t) used; /* so many blocks have been handed out */
    _Atomic(struct ckf_extra_block *) extra;    /* those that were made, to be freed in the end */
};

struct ckf_ring {
    /* constant */
    struct ckf_wide *cells; /* low: the state; high: the element, or the block that it is in */
    bool single_consumer;   /* promised */
    uint64_t lap;           /* from a ticket to that of the same cell one lap later */
    uint64_t count;         /* of cells */
    uint64_t longest;       /* a run is of so many elements, at most */
    uint64_t ahead;         /* senders have the line fetched that is so many cells further */
    struct ckf_blocks blocks;
    struct ckf_batches *batches; /* where the elements of runs are; NULL: there are no runs */

    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) tail; /* senders: no later than the first free ticket */
    _Atomic(uint64_t) limit;                      /* senders: no later than the ticket for which
                                                     there is no room yet */
    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) head; /* the ticket that is received next, and how many
                                                     before it are of the same run */
};

/* CKF_NO_MEMORY leaves nothing behind. */
enum ckf_status ckf_ring_init(struct ckf_ring *ring, size_t capacity, size_t elem_size,
                              unsigned promises, uint64_t start);

#endif
