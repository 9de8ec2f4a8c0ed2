/* harness/clock.h - the clocks that runs are measured with, in nanoseconds. */
#ifndef CKF_BENCH_CLOCK_H
#define CKF_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t bench_clock_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t bench_now_ns(void)
{
    return bench_clock_ns(CLOCK_MONOTONIC);
}

#endif
