/* filter/exact.c - linear probing over eight bytes an entry; patterns and outcomes in blocks beside it.
 *
 * The hash is keyed, and a set never changes, so that records cannot be chosen to collide with more than
 * happened to stand together when it was built; and of a set that has so long a row of entries another key
 * is tried. All sets of a filter begin with one key: what is the same in two of them stands at the same
 * place, and processors go on to foresee what look-ups will meet. Records of a length that no pattern has
 * are not even hashed.
 *
 * What a record that equals a pattern needs (the pattern, the rule, the cell where it is counted) stands
 * in one block, and a block that fits into a cache line lies in one: three lines are touched in
 * all, those of the entry, the block and the cell.
 */
#include "filter/exact.h"

#include <stddef.h>
#include <string.h>

#include "base/doubling.h"
#include "base/memory.h"

enum {
    MIN_SIZE = 4,
    FOLD_BLOCK = 256,
    LONG_ROW = 128, /* steps from an entry's home; a million patterns at random get about 40 */
    KEYS_TRIED = 4
};

/* Block by block, each under a key that the one before has changed. */
uint64_t ckf_exact_hash_folded(const struct ckf_exact *set, const unsigned char *data, size_t len)
{
    unsigned char block[FOLD_BLOCK];
    struct ckf_fold_key chained = set->key;
    for (;;) {
        size_t size = len < FOLD_BLOCK ? len : FOLD_BLOCK;
        ckf_fold_bytes(block, data, size);
        uint64_t hash = ckf_fold_hash(&chained, block, size);
        data += size;
        len -= size;
        if (len == 0)
            return hash;
        chained.words[0] = set->key.words[0] ^ hash;
    }
}

/* --- building --- */

/* Where the next block begins, none of which is wider than a line must be read in two. */
static size_t place_block(size_t end, size_t len)
{
    size_t size = offsetof(struct ckf_exact_block, bytes) + len;
    if (size <= CKF_CACHELINE && end % CKF_CACHELINE + size > CKF_CACHELINE)
        end = (end + CKF_CACHELINE - 1) / CKF_CACHELINE * CKF_CACHELINE;
    return end;
}

static size_t end_of_block(size_t start, size_t len)
{
    size_t end = start + offsetof(struct ckf_exact_block, bytes) + len;
    return (end + CKF_EXACT_UNIT - 1) / CKF_EXACT_UNIT * CKF_EXACT_UNIT;
}

/* The first unit is nobody's, so that no place is 0. */
static bool allocate_blocks(struct ckf_exact *set, const bool *folds, uint32_t first, uint32_t last)
{
    size_t end = CKF_CACHELINE;
    for (uint32_t rank = first; rank < last; rank++)
        if (folds[rank] == set->folds)
            end = end_of_block(place_block(end, set->patterns[rank].len), set->patterns[rank].len);
    if (end / CKF_EXACT_UNIT > UINT32_MAX)
        return false;
    set->blocks = ckf_alloc_untouched(end, CKF_CACHELINE);
    set->block_bytes = set->blocks != NULL ? end : 0;
    return set->blocks != NULL;
}

static void move_pattern(struct ckf_exact_block *block, uint32_t rank, struct ckf_pattern *pattern,
                         bool folds)
{
    block->rank = rank;
    if (folds)
        ckf_fold_bytes(block->bytes, pattern->bytes, pattern->len);
    else
        memcpy(block->bytes, pattern->bytes, pattern->len);
    pattern->bytes = block->bytes;
}

static void move_patterns(struct ckf_exact *set, struct ckf_pattern *patterns, const bool *folds,
                          uint32_t first, uint32_t last)
{
    size_t end = CKF_CACHELINE;
    for (uint32_t rank = first; rank < last; rank++) {
        if (folds[rank] != set->folds)
            continue;
        size_t start = place_block(end, patterns[rank].len);
        end = end_of_block(start, patterns[rank].len);
        move_pattern(ckf_exact_block_at(set, (uint32_t)(start / CKF_EXACT_UNIT)), rank,
                     &patterns[rank], set->folds);
    }
}

static struct ckf_exact_block *block_of(const struct ckf_pattern *pattern)
{
    return (struct ckf_exact_block *)(uintptr_t)(pattern->bytes -
                                                 offsetof(struct ckf_exact_block, bytes));
}

static uint32_t place_of(const struct ckf_exact *set, const struct ckf_pattern *pattern)
{
    return (uint32_t)((size_t)((unsigned char *)block_of(pattern) - set->blocks) / CKF_EXACT_UNIT);
}

/* Returns how far from its home the entry stands. */
static size_t insert(struct ckf_exact *set, uint32_t rank)
{
    const struct ckf_pattern *pattern = &set->patterns[rank];
    unsigned bit = ckf_exact_length_bit(pattern->len);
    set->lengths[bit / 64] |= UINT64_C(1) << bit % 64;
    struct ckf_exact_look look = ckf_exact_look(set, pattern->bytes, pattern->len, set->folds);
    struct ckf_exact_entry *entry =
        ckf_exact_locate(set, look, pattern->bytes, pattern->len, set->folds);
    if (entry->place == 0) /* ranks come in order: the first of equal patterns stays */
        *entry = (struct ckf_exact_entry){look.tag, place_of(set, pattern)};
    return ((uint32_t)(entry - set->entries) - look.at) & set->mask;
}

/* True unless some entry stands far from its home. */
static bool insert_all(struct ckf_exact *set, const bool *folds, uint32_t first, uint32_t last)
{
    size_t farthest = 0;
    memset(set->entries, 0, ((size_t)set->mask + 1) * sizeof *set->entries);
    for (uint32_t rank = first; rank < last; rank++) {
        size_t far = folds[rank] == set->folds ? insert(set, rank) : 0;
        farthest = far > farthest ? far : farthest;
    }
    return farthest < LONG_ROW;
}

bool ckf_exact_build(struct ckf_exact *set, const struct ckf_fold_key *key,
                     struct ckf_pattern *patterns, const bool *folds, uint32_t first, uint32_t last,
                     bool fold)
{
    size_t count = 0;
    for (uint32_t rank = first; rank < last; rank++)
        count += folds[rank] == fold;
    *set = (struct ckf_exact){.patterns = patterns, .key = *key, .folds = fold};
    if (count == 0)
        return true;
    size_t size = ckf_doubled_to(MIN_SIZE, 2 * count);
    if (size > UINT32_MAX)
        return false;
    set->entries = ckf_alloc_array_untouched(size, sizeof *set->entries);
    if (set->entries == NULL || !allocate_blocks(set, folds, first, last))
        return false;
    set->mask = (uint32_t)(size - 1);
    set->first = first;
    set->last = last;
    move_patterns(set, patterns, folds, first, last);
    for (int tried = 1; !insert_all(set, folds, first, last) && tried < KEYS_TRIED; tried++)
        ckf_fold_key_init(&set->key);
    return true;
}

/* In order of rank, as they lie: quicker than by the entries. */
void ckf_exact_settle(struct ckf_exact *set, const struct ckf_outcome *outcomes)
{
    for (uint32_t rank = set->first; rank < set->last; rank++) {
        struct ckf_exact_block *block = block_of(&set->patterns[rank]);
        if ((uintptr_t)block - (uintptr_t)set->blocks < set->block_bytes)
            block->outcome = outcomes[rank];
    }
}

void ckf_exact_destroy(struct ckf_exact *set)
{
    ckf_free(set->entries);
    ckf_free(set->blocks);
}

size_t ckf_exact_bytes(const struct ckf_exact *set)
{
    size_t entries = set->entries != NULL ? (size_t)set->mask + 1 : 0;
    return set->block_bytes + entries * sizeof *set->entries;
}
