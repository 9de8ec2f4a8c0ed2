/* filter/needle.c - looks for two bytes at their distance, sixteen places at a time.
 *
 * The rarest bytes of a pattern seldom stand where they should without the rest of it, so that most
 * blocks of a record are done with two comparisons. (Mula, "SIMD-friendly algorithms for substring
 * searching", 2016, which takes the first and the last byte; which bytes are rare is the idea of
 * Rust's memchr crate.) The C library's memmem has to prepare itself at each call, which costs more
 * than a short record.
 */
#include "filter/needle.h"

#include <string.h>

#include "base/block.h"
#include "filter/fold.h"
#include "filter/frequency.h"

static struct ckf_mark mark_at(const struct ckf_pattern *pattern, size_t offset, bool folds)
{
    unsigned char byte = pattern->bytes[offset];
    bool letter = byte >= 'a' && byte <= 'z';
    return (struct ckf_mark){offset, byte, folds && letter ? 0x20 : 0};
}

/* Of the first so many bytes: a pattern of any length is prepared in no time. */
enum { MARKED_BYTES = 256 };

/* The offset of the rarest byte other than that at `taken`. */
static size_t rarest(const struct ckf_pattern *pattern, size_t taken)
{
    size_t best = taken == 0 && pattern->len > 1;
    size_t end = pattern->len < MARKED_BYTES ? pattern->len : MARKED_BYTES;
    for (size_t i = best + 1; i < end; i++)
        if (i != taken &&
            ckf_frequency_rank(pattern->bytes[i]) < ckf_frequency_rank(pattern->bytes[best]))
            best = i;
    return best;
}

void ckf_needle_init(struct ckf_needle *needle, const struct ckf_pattern *pattern, uint32_t rank,
                     bool folds)
{
    size_t first = rarest(pattern, SIZE_MAX), second = rarest(pattern, first);
    *needle = (struct ckf_needle){
        .pattern = *pattern,
        .marks = {mark_at(pattern, first, folds), mark_at(pattern, second, folds)},
        .rank = rank,
        .folds = folds,
    };
}

static inline uint32_t find_mark(const struct ckf_mark *mark, const unsigned char *block)
{
    return ckf_block_find(block, mark->byte, mark->bit);
}

static inline bool is_at(const struct ckf_needle *needle, const unsigned char *place)
{
    const struct ckf_pattern *pattern = &needle->pattern;
    return ckf_equals(needle->folds, pattern->bytes, place, pattern->len);
}

/* candidates: bit i for the place data + i. */
static inline bool is_at_any(const struct ckf_needle *needle, const unsigned char *data,
                             uint32_t candidates)
{
    for (; candidates != 0; candidates &= candidates - 1)
        if (is_at(needle, data + __builtin_ctz(candidates)))
            return true;
    return false;
}

/* Sixteen places, all of which leave room for the pattern. */
static inline bool is_in_block(const struct ckf_needle *needle, const unsigned char *data)
{
    const struct ckf_mark *marks = needle->marks;
    uint32_t candidates =
        find_mark(&marks[0], data + marks[0].offset) & find_mark(&marks[1], data + marks[1].offset);
    return is_at_any(needle, data, candidates);
}

/* Where the mark stands for fewer than sixteen places; the data has sixteen bytes at least. */
static inline uint32_t find_mark_within(const struct ckf_mark *mark, const unsigned char *data,
                                        size_t len)
{
    size_t last_block = len - CKF_BLOCK_BYTES;
    if (mark->offset <= last_block)
        return find_mark(mark, data + mark->offset);
    return find_mark(mark, data + last_block) >> (mark->offset - last_block);
}

static bool is_in_few_places(const struct ckf_needle *needle, const unsigned char *data, size_t len,
                             size_t places)
{
    unsigned char copy[CKF_BLOCK_BYTES] = {0};
    if (len < CKF_BLOCK_BYTES) {
        memcpy(copy, data, len);
        data = copy;
        len = CKF_BLOCK_BYTES;
    }
    uint32_t candidates = find_mark_within(&needle->marks[0], data, len) &
                          find_mark_within(&needle->marks[1], data, len);
    return is_at_any(needle, data, candidates & ((UINT32_C(1) << places) - 1));
}

bool ckf_needle_is_in(const struct ckf_needle *needle, const unsigned char *data, size_t len)
{
    if (len < needle->pattern.len)
        return false;
    size_t places = len - needle->pattern.len + 1;
    if (places < CKF_BLOCK_BYTES)
        return is_in_few_places(needle, data, len, places);
    const unsigned char *last = data + places - CKF_BLOCK_BYTES;
    for (; data < last; data += CKF_BLOCK_BYTES)
        if (is_in_block(needle, data))
            return true;
    return is_in_block(needle, last);
}
