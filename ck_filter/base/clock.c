/* base/clock.c - reading the clock, and deadlines that saturate instead of overflowing. */
#include "base/clock.h"

int64_t ckf_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t ckf_deadline_after_ns(int64_t ns)
{
    int64_t now = ckf_now_ns();
    if (ns > CKF_FOREVER - now)
        return CKF_FOREVER;
    int64_t deadline = now + ns;
    return deadline < 1 ? 1 : deadline;
}
