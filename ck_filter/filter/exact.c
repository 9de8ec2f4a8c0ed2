/* filter/exact.c - linear probing over tags and ranks, eight bytes an entry.
 *
 * The hash is keyed from getrandom, so neither rules nor records can be chosen to collide. Records
 * of a length that no pattern has are not even hashed.
 */
#include "filter/exact.h"

#include <string.h>

#include "base/memory.h"
#include "filter/fold.h"

enum { MIN_SIZE = 4, FOLD_BLOCK = 256 };

/* The hash of the folded data: block by block, each under a key that the one before has changed. */
static uint64_t hash_folded(const struct ckf_hash_key *key, const unsigned char *data, size_t len)
{
    unsigned char block[FOLD_BLOCK];
    struct ckf_hash_key chained = *key;
    for (;;) {
        size_t size = len < FOLD_BLOCK ? len : FOLD_BLOCK;
        ckf_fold_bytes(block, data, size);
        uint64_t hash = ckf_siphash13(&chained, block, size);
        data += size;
        len -= size;
        if (len == 0)
            return hash;
        chained.k0 = key->k0 ^ hash;
    }
}

static inline uint64_t hash_of(const struct ckf_exact *set, const unsigned char *data, size_t len)
{
    return set->folds ? hash_folded(&set->key, data, len) : ckf_siphash13(&set->key, data, len);
}

static inline bool equals(const struct ckf_exact *set, uint32_t rank, const unsigned char *data,
                          size_t len)
{
    const struct ckf_pattern *pattern = &set->patterns[rank];
    if (pattern->len != len)
        return false;
    return set->folds ? ckf_equals_folded(pattern->bytes, data, len)
                      : memcmp(pattern->bytes, data, len) == 0;
}

/* The place of the data, or the free one where it belongs. */
static inline struct ckf_exact_entry *locate(const struct ckf_exact *set, uint64_t hash,
                                             const unsigned char *data, size_t len)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    for (size_t at = (size_t)hash & (set->size - 1);; at = (at + 1) & (set->size - 1)) {
        struct ckf_exact_entry *entry = &set->entries[at];
        if (entry->rank == CKF_NO_RANK ||
            (entry->tag == tag && equals(set, entry->rank, data, len)))
            return entry;
    }
}

static void insert(struct ckf_exact *set, uint32_t rank)
{
    const struct ckf_pattern *pattern = &set->patterns[rank];
    uint64_t hash = hash_of(set, pattern->bytes, pattern->len);
    struct ckf_exact_entry *entry = locate(set, hash, pattern->bytes, pattern->len);
    if (entry->rank == CKF_NO_RANK) /* ranks come in order: the first of equal patterns stays */
        *entry = (struct ckf_exact_entry){(uint32_t)(hash >> 32), rank};
    unsigned bit = ckf_exact_length_bit(pattern->len);
    set->lengths[bit / 64] |= UINT64_C(1) << bit % 64;
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
    for (size_t i = 0; i < size; i++)
        set->entries[i].rank = CKF_NO_RANK;
    ckf_hash_key_init(&set->key);
    for (uint32_t rank = first; rank < last; rank++)
        if (folds[rank] == fold)
            insert(set, rank);
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

uint32_t ckf_exact_look_up(const struct ckf_exact *set, const unsigned char *data, size_t len)
{
    return locate(set, hash_of(set, data, len), data, len)->rank;
}
