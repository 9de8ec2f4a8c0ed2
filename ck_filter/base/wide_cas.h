/* base/wide_cas.h - two neighbouring words that change together.
 *
 * The words can also be read, and the first one changed, on their own. Whoever mixes the widths
 * keeps what decides (a sequence number) in `low`, at offset 0: ThreadSanitizer emulates the wide
 * operation under a lock of that address, so narrow operations are safe there alone.
 *
 * The __sync builtin, because gcc turns the 16-byte __atomic ones into calls of a library.
 */
#ifndef CKF_BASE_WIDE_CAS_H
#define CKF_BASE_WIDE_CAS_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/backoff.h" /* CKF_INSTRUMENTED */

#if !defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16)
#error "ck_filter needs a 16-byte compare-and-swap of the processor: on x86-64 compile with -mcx16"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "base/wide_cas.h puts `low` into the low half of a 16-byte word: little endian only"
#endif

struct ckf_wide {
    alignas(16) _Atomic(uint64_t) low;
    _Atomic(uint64_t) high;
};

__extension__ typedef unsigned __int128 ckf_wide_word __attribute__((may_alias));

/* Sets (low, high) to (new_low, new_high) if it is (old_low, old_high), and says whether it did.
 * Sequentially consistent. */
static inline bool ckf_wide_cas(struct ckf_wide *words, uint64_t old_low, uint64_t old_high,
                                uint64_t new_low, uint64_t new_high)
{
    return __sync_bool_compare_and_swap((ckf_wide_word *)(void *)words,
                                        (ckf_wide_word)old_high << 64 | old_low,
                                        (ckf_wide_word)new_high << 64 | new_low);
}

/* The same where less is enough: memory_order_acq_rel (a failure acquires) or memory_order_release. There is
 * one such instruction, so the order is for the tools, which then check that it is enough. */
static inline bool ckf_wide_cas_explicit(struct ckf_wide *words, uint64_t old_low,
                                         uint64_t old_high, uint64_t new_low, uint64_t new_high,
                                         memory_order order)
{
#ifdef CKF_INSTRUMENTED
    ckf_wide_word expected = (ckf_wide_word)old_high << 64 | old_low;
    ckf_wide_word desired = (ckf_wide_word)new_high << 64 | new_low;
    ckf_wide_word *at = (ckf_wide_word *)(void *)words;
    if (order == memory_order_release)
        return __atomic_compare_exchange_n(at, &expected, desired, false, __ATOMIC_RELEASE,
                                           __ATOMIC_RELAXED);
    return __atomic_compare_exchange_n(at, &expected, desired, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
#else
    (void)order;
    return ckf_wide_cas(words, old_low, old_high, new_low, new_high);
#endif
}

#endif
