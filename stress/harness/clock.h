/* harness/clock.h - the monotonic clock of the stress program, in nanoseconds. */
#ifndef CKF_STRESS_CLOCK_H
#define CKF_STRESS_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CKF_STRESS_MS INT64_C(1000000)
#define CKF_STRESS_S  INT64_C(1000000000)

static inline int64_t ckf_stress_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * CKF_STRESS_S + now.tv_nsec;
}

#endif
