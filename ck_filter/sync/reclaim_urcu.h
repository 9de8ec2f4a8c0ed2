/* sync/reclaim_urcu.h - liburcu's "bulletproof" flavour, with what lets a section begin and end without a call. */
#ifndef CKF_SYNC_RECLAIM_URCU_H
#define CKF_SYNC_RECLAIM_URCU_H

#include <urcu/urcu-bp.h>

/* The bodies of the two calls that readers make, which liburcu offers for inlining whatever the
 * caller's licence, and this thread's entry without a call. */
#include <urcu/static/urcu-bp.h>
extern _Thread_local struct urcu_bp_reader *urcu_bp_reader
    __attribute__((tls_model("initial-exec")));

#endif
