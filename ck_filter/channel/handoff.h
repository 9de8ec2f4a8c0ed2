/* channel/handoff.h - the core of rendezvous channels: state. See handoff.c. */
#ifndef CKF_CHANNEL_HANDOFF_H
#define CKF_CHANNEL_HANDOFF_H

#include <stdbool.h>

#include "base/atomics.h"

struct ckf_handoff {
    _Atomic(bool) closed; /* set once, under the waitlist's lock */
};

#endif
