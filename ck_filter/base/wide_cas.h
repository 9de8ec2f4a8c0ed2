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

#endif
