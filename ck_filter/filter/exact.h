/* filter/exact.h - a set of patterns that equal whole records: built once, then only read.
 *
 * A look-up is a hash, an entry, and the bytes of the pattern, each of which may be far away. Whoever has
 * many records hashes all of them first (ckf_exact_hash_of), then looks at all entries
 * (ckf_exact_look_ahead), and then asks: so the memory's delays overlap.
 */
#ifndef CKF_FILTER_EXACT_H
#define CKF_FILTER_EXACT_H

#include "base/fold_hash.h"
#include "filter/pattern.h"

struct ckf_exact_entry {
    const unsigned char *bytes; /* of the pattern */
    uint32_t tag;               /* bits of the hash, and the length in the lowest byte */
    uint32_t rank;              /* CKF_NO_RANK: free */
};

/* All zeros is an empty set. */
struct ckf_exact {
    const struct ckf_pattern *patterns; /* by rank; not its own */
    struct ckf_exact_entry *entries;    /* a power of two, at most half full */
    size_t size;                        /* 0: no patterns */
    struct ckf_fold_key key;
    uint64_t lengths[4]; /* bit n: there is a pattern of n bytes; 255: of 255 or more */
    bool folds;
};

/* Ranks first to last - 1 whose `folds` agrees. False without memory. */
bool ckf_exact_build(struct ckf_exact *set, const struct ckf_pattern *patterns, const bool *folds,
                     uint32_t first, uint32_t last, bool fold);
void ckf_exact_destroy(struct ckf_exact *set);
size_t ckf_exact_bytes(const struct ckf_exact *set);

/* For sets that fold. */
uint64_t ckf_exact_hash_folded(const struct ckf_exact *set, const unsigned char *data, size_t len);
/* The lowest rank whose pattern is the data, which has that hash; CKF_NO_RANK if none is. */
uint32_t ckf_exact_look_up(const struct ckf_exact *set, uint64_t hash, const unsigned char *data,
                           size_t len);

static inline unsigned ckf_exact_length_bit(size_t len)
{
    return len < 255 ? (unsigned)len : 255;
}

/* False for data of a length that no pattern has: it need not be looked up. */
static inline bool ckf_exact_may_hold(const struct ckf_exact *set, size_t len)
{
    unsigned bit = ckf_exact_length_bit(len);
    return (set->lengths[bit / 64] >> bit % 64 & 1) != 0;
}

static inline uint64_t ckf_exact_hash_of(const struct ckf_exact *set, const unsigned char *data,
                                         size_t len)
{
    return set->folds ? ckf_exact_hash_folded(set, data, len) : ckf_fold_hash(&set->key, data, len);
}

static inline const struct ckf_exact_entry *ckf_exact_home(const struct ckf_exact *set,
                                                           uint64_t hash)
{
    return &set->entries[(size_t)hash & (set->size - 1)];
}

/* The hash in the upper bits, which do not choose the place, and the length. */
static inline uint32_t ckf_exact_tag(uint64_t hash, size_t len)
{
    return ((uint32_t)(hash >> 32) & ~UINT32_C(0xff)) | ckf_exact_length_bit(len);
}

#endif
