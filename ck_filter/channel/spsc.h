/* channel/spsc.h - the core of bounded ATOMIC channels of which both ends are promised: state, and how it is
 * made. See spsc.c. */
#ifndef CKF_CHANNEL_SPSC_H
#define CKF_CHANNEL_SPSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/status.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "sync/light_fence.h"

/* What one end alone writes; nobody else reads the plain words. */
struct ckf_spsc_end {
    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) ticket; /* of its next element */
    uint64_t limit;  /* up to there it may go, by what it has seen of the other end */
    uint32_t passes; /* so often it found its fence standing */
};

/* What the others have to say about an end's looks at them. */
struct ckf_spsc_pass {
    struct ckf_light_fence fence;
    _Atomic(bool) is_awaited;    /* somebody has found the fence up since the end looked here */
    _Atomic(uint64_t) caught_up; /* the end's ticket when somebody last found the fence not up */
};

struct ckf_spsc {
    /* constant */
    unsigned char *slots;
    size_t stride;     /* from a slot to the next */
    uint64_t in_slots; /* the part of a ticket that says in which slot */
    uint64_t capacity; /* in tickets */

    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) close; /* see spsc.c */
    struct ckf_spsc_pass passes[2];                /* by enum ckf_direction: whose */

    struct ckf_spsc_end ends[2]; /* by enum ckf_direction: the sender, the receiver */
};

/* CKF_NO_MEMORY leaves nothing behind. */
enum ckf_status ckf_spsc_init(struct ckf_spsc *spsc, size_t capacity, size_t elem_size,
                              uint64_t start);

#endif
