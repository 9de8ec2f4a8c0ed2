/* base/cacheline.h - how far apart two fields must stand so that their writers do not disturb each
 * other, and how to have a line come early. Intel prefetches lines in pairs and some ARM cores have
 * lines of 128 bytes: hence two.
 */
#ifndef CKF_BASE_CACHELINE_H
#define CKF_BASE_CACHELINE_H

#include <stdalign.h>

#define CKF_CACHELINE         128
#define CKF_CACHELINE_ALIGNED alignas(CKF_CACHELINE)

/* Has the line of an address fetched from whoever wrote it last, to be written here soon. A hint: gcc
 * turns __builtin_prefetch for writing into one for reading on a plain x86-64, all of which take this
 * instruction, if only as a no-op. */
static inline void ckf_prefetch_for_write(const void *address)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
    __builtin_prefetch(address, 1);
#endif
}

#endif
