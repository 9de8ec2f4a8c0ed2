/* channel/segments.h - the core of unbounded ATOMIC channels: state, and how it is made. See
 * segments.c. */
#ifndef CKF_CHANNEL_SEGMENTS_H
#define CKF_CHANNEL_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include <ck_filter/status.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "base/wide_cas.h"

struct ckf_segment;
struct ckf_spares;

/* Segments that a channel keeps for reuse, at most; a burst that needed more gives them back. */
enum { CKF_SPARE_SEGMENTS = 4 };

/* Places: low: the first ticket of a piece; high: the segment that stands for it. */
struct ckf_segments {
    bool single_producer, single_consumer;         /* promised */
    unsigned kept;                                 /* constant: how many of spare[] are used */
    struct ckf_spares *blocks;                     /* for elements larger than a word, else NULL */
    CKF_CACHELINE_ALIGNED struct ckf_wide tail_at; /* where senders begin to look */
    _Atomic(uint64_t) tail;                        /* no later than the first free ticket */
    CKF_CACHELINE_ALIGNED struct ckf_wide head_at; /* where receivers look */
    _Atomic(uint64_t) head;                        /* the ticket that is received next */
    CKF_CACHELINE_ALIGNED _Atomic(struct ckf_segment *) spare[CKF_SPARE_SEGMENTS];
};

/* CKF_NO_MEMORY leaves nothing behind. */
enum ckf_status ckf_segments_init(struct ckf_segments *segments, size_t elem_size,
                                  unsigned promises);

#endif
