/* channel/segments.h - the core of unbounded ATOMIC channels: state, and how it is made. See
 * segments.c. */
#ifndef CKF_CHANNEL_SEGMENTS_H
#define CKF_CHANNEL_SEGMENTS_H

#include <ck_filter/status.h>

#include "base/atomics.h"
#include "base/cacheline.h"

struct ckf_segment;

struct ckf_segments {
    CKF_CACHELINE_ALIGNED _Atomic(struct ckf_segment *) tail; /* where senders begin to look */
    CKF_CACHELINE_ALIGNED _Atomic(struct ckf_segment *) head; /* where receivers do */
};

/* CKF_NO_MEMORY leaves nothing behind. */
enum ckf_status ckf_segments_init(struct ckf_segments *segments);

#endif
