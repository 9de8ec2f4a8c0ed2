/* base/doubling.h - sizes that are powers of two. */
#ifndef CKF_BASE_DOUBLING_H
#define CKF_BASE_DOUBLING_H

#include <stdint.h>

/* The size, doubled until it is `least`, which is not more than 2^63, or more. */
static inline uint64_t ckf_doubled_to(uint64_t size, uint64_t least)
{
    while (size < least)
        size *= 2;
    return size;
}

#endif
