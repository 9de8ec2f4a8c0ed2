/* base/effort.h - how much must happen before something rare is done. Builds whose purpose is to meet
 * the rare do it at once. */
#ifndef CKF_BASE_EFFORT_H
#define CKF_BASE_EFFORT_H

#include "base/backoff.h"

#ifdef CKF_INSTRUMENTED
#define CKF_RARELY(times) 1
#else
#define CKF_RARELY(times) (times)
#endif

#endif
