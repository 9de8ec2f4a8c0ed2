/* filter/fold.h - ASCII case folding (A to Z become a to z, every other byte stays), and comparing with
 * it and without.
 *
 * The locale is never asked. Words of eight bytes are folded at once, by arithmetic that keeps each
 * byte within its lane (Warren, "Hacker's Delight", chapter 6).
 */
#ifndef CKF_FILTER_FOLD_H
#define CKF_FILTER_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/fold_hash.h"

static inline unsigned char ckf_fold_byte(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte | 0x20) : byte;
}

static inline uint64_t ckf_fold_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = word & 0x7f * ones;
    uint64_t from_a = low + (0x80 - 'A') * ones;         /* bit 7: at least 'A' */
    uint64_t beyond_z = low + (0x80 - ('Z' + 1)) * ones; /* bit 7: above 'Z' */
    uint64_t capital = from_a & ~beyond_z & ~word & 0x80 * ones;
    return word | capital >> 2;
}

static inline void ckf_fold_bytes(unsigned char *to, const unsigned char *from, size_t len)
{
    size_t at = 0;
    for (; len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, from + at, 8);
        word = ckf_fold_word(word);
        memcpy(to + at, &word, 8);
    }
    for (; at < len; at++)
        to[at] = ckf_fold_byte(from[at]);
}

/* Words that overlap rather than single bytes at the end: for few bytes, quicker than a call. */
static inline bool ckf_equal_bytes(const unsigned char *a, const unsigned char *b, size_t len)
{
    if (len < 8) {
        if (len < 4) {
            for (size_t i = 0; i < len; i++)
                if (a[i] != b[i])
                    return false;
            return true;
        }
        return ckf_read32(a) == ckf_read32(b) && ckf_read32(a + len - 4) == ckf_read32(b + len - 4);
    }
    for (size_t at = 0; at + 8 < len; at += 8)
        if (ckf_read64(a + at) != ckf_read64(b + at))
            return false;
    return ckf_read64(a + len - 8) == ckf_read64(b + len - 8);
}

/* True if data, folded, is the text, which is folded already. */
static inline bool ckf_equals_folded(const unsigned char *text, const unsigned char *data,
                                     size_t len)
{
    size_t at = 0;
    for (; len - at >= 8; at += 8) {
        uint64_t wanted, found;
        memcpy(&wanted, text + at, 8);
        memcpy(&found, data + at, 8);
        if (wanted != ckf_fold_word(found))
            return false;
    }
    for (; at < len; at++)
        if (text[at] != ckf_fold_byte(data[at]))
            return false;
    return true;
}

/* True if data is the text; the text is folded already where it `folds`. */
static inline bool ckf_equals(bool folds, const unsigned char *text, const unsigned char *data,
                              size_t len)
{
    return folds ? ckf_equals_folded(text, data, len) : ckf_equal_bytes(text, data, len);
}

#endif
