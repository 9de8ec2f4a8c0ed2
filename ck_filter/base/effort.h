/* base/effort.h - builds whose purpose is to find faults: they do rare things at once, and take each
 * block from the allocator, which watches it.
 */
#ifndef CKF_BASE_EFFORT_H
#define CKF_BASE_EFFORT_H

#include "base/backoff.h"
#include "base/poison.h"

/* How much must happen before something rare is done. */
#ifdef CKF_INSTRUMENTED
#define CKF_RARELY(times) 1
#else
#define CKF_RARELY(times) (times)
#endif

/* A size, and the one at which what happens beyond it happens soon. */
#ifdef CKF_INSTRUMENTED
#define CKF_SIZE(usual, small) (small)
#else
#define CKF_SIZE(usual, small) (usual)
#endif

#if defined(CKF_INSTRUMENTED) || defined(CKF_CAN_POISON)
#define CKF_WATCHES_MEMORY 1
#else
#define CKF_WATCHES_MEMORY 0
#endif

#endif
