/* sync/reclaim_inline.h - the sections of reclaim.h without a call, for the most frequent ones. */
#ifndef CKF_SYNC_RECLAIM_INLINE_H
#define CKF_SYNC_RECLAIM_INLINE_H

#include <stdbool.h>

#include "base/backoff.h" /* CKF_INSTRUMENTED */
#include "base/check.h"
#include "base/poison.h" /* CKF_CAN_POISON */
#include "sync/reclaim.h"

/* Tools want to see the calls, see reclaim.c. */
#if defined(CKF_INSTRUMENTED) || defined(CKF_CAN_POISON)

static inline bool ckf_read_begin_here(void)
{
    ckf_read_begin();
    return true;
}

static inline void ckf_read_end_here(void)
{
    ckf_read_end();
}

#else

#include "sync/reclaim_urcu.h"

/* False: the thread is not known yet, and no section has begun; ckf_read_begin() makes it known. */
static inline bool ckf_read_begin_here(void)
{
    if (CKF_UNLIKELY(urcu_bp_reader == NULL))
        return false;
    _urcu_bp_read_lock();
    return true;
}

static inline void ckf_read_end_here(void)
{
    _urcu_bp_read_unlock();
}

#endif

#endif
