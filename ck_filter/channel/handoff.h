/* channel/handoff.h - the core of rendezvous channels: state. See handoff.c. */
#ifndef CKF_CHANNEL_HANDOFF_H
#define CKF_CHANNEL_HANDOFF_H

#include <stdbool.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "channel/board.h"
#include "channel/exchanger.h"

struct ckf_waitlist;

struct ckf_handoff {
    CKF_CACHELINE_ALIGNED struct ckf_exchanger exchanger;
    _Atomic(bool) closed;       /* set once */
    bool meets_awake;           /* constant: the exchanger is used */
    struct ckf_board boards[2]; /* by enum ckf_direction: the sleepers of the waitlist's sides */
};

/* On zeroed memory. */
void ckf_handoff_init(struct ckf_handoff *handoff, struct ckf_waitlist *list, bool meets_awake);

#endif
