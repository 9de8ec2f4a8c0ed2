/* base/random.c - getrandom for secrets, a per-thread SplitMix64 for everything else.
 *
 * SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/caller.h"
#include "base/check.h"

void ckf_random_bytes(void *buffer, size_t size)
{
    unsigned char *next = buffer;
    struct ckf_caller caller = ckf_caller_save(); /* getrandom is a cancellation point */
    while (size > 0) {
        ssize_t got = getrandom(next, size, 0);
        if (got < 0 && errno != EINTR)
            ckf_die("getrandom", errno);
        if (got > 0) {
            next += got;
            size -= (size_t)got;
        }
    }
    ckf_caller_restore(caller);
}

uint32_t ckf_random_below(uint32_t bound)
{
    CKF_OWN_WORD uint64_t state;
    if (state == 0)
        ckf_random_bytes(&state, sizeof state);
    uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (uint32_t)(((z >> 32) * bound) >> 32);
}
