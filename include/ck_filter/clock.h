/* ck_filter/clock.h - deadlines: absolute CLOCK_MONOTONIC times in nanoseconds.
 *
 * A call that ends in _until takes one. CKF_FOREVER waits without end; CKF_NOW makes one attempt
 * and answers CKF_AGAIN where it would have to wait; a time that has passed makes one attempt and
 * answers CKF_TIMED_OUT. So does a negative one.
 *
 * Nothing in the library looks at another clock: setting the date moves no deadline. While the machine
 * is suspended this clock stands still, and deadlines are that much later.
 */
#ifndef CKF_CLOCK_H
#define CKF_CLOCK_H

#include <ck_filter/status.h>

CKF_BEGIN_DECLS

#define CKF_FOREVER INT64_MAX
#define CKF_NOW     INT64_C(0)

/* The time ns nanoseconds from now. Saturates at CKF_FOREVER and never returns less than 1, so that
 * a negative or zero distance is a time that has passed and not CKF_NOW. */
CKF_API int64_t ckf_deadline_after_ns(int64_t ns);

CKF_END_DECLS

#endif
