/* filter/exact.c - linear probing over sixteen bytes an entry.
 *
 * The hash is keyed afresh for each set, and a set never changes, so that records cannot be chosen to
 * collide with more than happened to stand together when it was built; and of a set that has so long
 * a row of entries another key is tried. Records of a length that no pattern has are not even hashed.
 */
#include "filter/exact.h"

#include <string.h>

#include "base/memory.h"
#include "filter/fold.h"

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

/* Words that overlap rather than single bytes at the end. */
static inline bool equal_bytes(const unsigned char *a, const unsigned char *b, size_t len)
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

static inline bool equals(const struct ckf_exact *set, const struct ckf_exact_entry *entry,
                          const unsigned char *data, size_t len)
{
    if (len >= 255 && set->patterns[entry->rank].len != len)
        return false;
    return set->folds ? ckf_equals_folded(entry->bytes, data, len)
                      : equal_bytes(entry->bytes, data, len);
}

/* The place of the data, or the free one where it belongs. */
static inline struct ckf_exact_entry *locate(const struct ckf_exact *set, uint64_t hash,
                                             const unsigned char *data, size_t len)
{
    uint32_t tag = ckf_exact_tag(hash, len);
    for (size_t at = (size_t)hash & (set->size - 1);; at = (at + 1) & (set->size - 1)) {
        struct ckf_exact_entry *entry = &set->entries[at];
        if (entry->rank == CKF_NO_RANK || (entry->tag == tag && equals(set, entry, data, len)))
            return entry;
    }
}

/* Returns how far from its home the entry stands. */
static size_t insert(struct ckf_exact *set, uint32_t rank)
{
    const struct ckf_pattern *pattern = &set->patterns[rank];
    uint64_t hash = ckf_exact_hash_of(set, pattern->bytes, pattern->len);
    struct ckf_exact_entry *entry = locate(set, hash, pattern->bytes, pattern->len);
    if (entry->rank == CKF_NO_RANK) /* ranks come in order: the first of equal patterns stays */
        *entry = (struct ckf_exact_entry){pattern->bytes, ckf_exact_tag(hash, pattern->len), rank};
    unsigned bit = ckf_exact_length_bit(pattern->len);
    set->lengths[bit / 64] |= UINT64_C(1) << bit % 64;
    return ((size_t)(entry - set->entries) - (size_t)hash) & (set->size - 1);
}

/* True unless some entry stands far from its home. */
static bool insert_all(struct ckf_exact *set, const bool *folds, uint32_t first, uint32_t last)
{
    size_t farthest = 0;
    ckf_fold_key_init(&set->key);
    for (size_t i = 0; i < set->size; i++)
        set->entries[i].rank = CKF_NO_RANK;
    for (uint32_t rank = first; rank < last; rank++) {
        size_t far = folds[rank] == set->folds ? insert(set, rank) : 0;
        farthest = far > farthest ? far : farthest;
    }
    return farthest < LONG_ROW;
}

bool ckf_exact_build(struct ckf_exact *set, const struct ckf_pattern *patterns, const bool *folds,
                     uint32_t first, uint32_t last, bool fold)
{
    size_t count = 0;
    for (uint32_t rank = first; rank < last; rank++)
        count += folds[rank] == fold;
    *set = (struct ckf_exact){.patterns = patterns, .folds = fold};
    if (count == 0)
        return true;
    size_t size = MIN_SIZE;
    while (size / 2 < count)
        size *= 2;
    set->entries = ckf_alloc_array(size, sizeof *set->entries);
    if (set->entries == NULL)
        return false;
    set->size = size;
    for (int tried = 0; tried < KEYS_TRIED && !insert_all(set, folds, first, last); tried++)
        ;
    return true;
}

void ckf_exact_destroy(struct ckf_exact *set)
{
    ckf_free(set->entries);
}

size_t ckf_exact_bytes(const struct ckf_exact *set)
{
    return set->size * sizeof *set->entries;
}

uint32_t ckf_exact_look_up(const struct ckf_exact *set, uint64_t hash, const unsigned char *data,
                           size_t len)
{
    return locate(set, hash, data, len)->rank;
}
