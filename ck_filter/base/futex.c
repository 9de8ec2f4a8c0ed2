/* base/futex.c - Linux futexes, private to the process. FUTEX_WAIT_BITSET takes absolute monotonic
 * times, which FUTEX_WAIT does not. */
#include "base/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

CKF_COLD bool ckf_futex_wait(_Atomic(uint32_t) *word, uint32_t expected, int64_t deadline_ns)
{
    struct timespec deadline = {0};
    const struct timespec *limit = NULL;
    if (deadline_ns != CKF_FOREVER) {
        deadline = ckf_timespec(deadline_ns);
        limit = &deadline;
    }
    int saved_errno = errno;
    long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, limit, NULL,
                          FUTEX_BITSET_MATCH_ANY);
    bool timed_out = result == -1 && errno == ETIMEDOUT;
    errno = saved_errno;
    return !timed_out;
}

void ckf_futex_wake(_Atomic(uint32_t) *word, int count)
{
    int saved_errno = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
    errno = saved_errno;
}
