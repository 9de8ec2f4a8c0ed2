/* channel/ring.h - the core of bounded ATOMIC channels: state, and how it is made. See ring.c. */
#ifndef CKF_CHANNEL_RING_H
#define CKF_CHANNEL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/status.h>

#include "base/cacheline.h"
#include "base/wide_cas.h"
#include "channel/slots.h"

struct ckf_ring {
    /* constant */
    struct ckf_wide *cells; /* low: the state; high: the element, or the number of its slot */
    bool single_producer, single_consumer; /* promised */
    uint64_t lap;           /* from a ticket to that of the same cell one lap later */
    uint64_t last;          /* index of the last cell: the capacity */
    struct ckf_slots slots; /* for elements larger than a word */

    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) tail; /* senders: no later than the first free ticket */
    _Atomic(uint64_t) head_seen;                  /* senders: no later than head */
    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) head; /* the ticket that is received next */
};

/* CKF_NO_MEMORY leaves nothing behind. */
enum ckf_status ckf_ring_init(struct ckf_ring *ring, size_t capacity, size_t elem_size,
                              unsigned promises, uint64_t start);

#endif
