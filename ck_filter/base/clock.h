/* base/clock.h - the monotonic clock, in nanoseconds, and what a deadline says about it. */
#ifndef CKF_BASE_CLOCK_H
#define CKF_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <ck_filter/clock.h>

/* CLOCK_MONOTONIC now. Always more than 0. */
int64_t ckf_now_ns(void);

/* True once deadline_ns has come. CKF_FOREVER never does, and the clock is not read for it. */
static inline bool ckf_deadline_passed(int64_t deadline_ns)
{
    return deadline_ns != CKF_FOREVER && ckf_now_ns() >= deadline_ns;
}

/* The same time as the system calls want it; for deadlines other than CKF_FOREVER. */
static inline struct timespec ckf_timespec(int64_t deadline_ns)
{
    return (struct timespec){.tv_sec = (time_t)(deadline_ns / 1000000000),
                             .tv_nsec = (long)(deadline_ns % 1000000000)};
}

#endif
