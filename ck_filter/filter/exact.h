/* filter/exact.h - a set of patterns that equal whole records: built once, then only read.
 *
 * A look-up is a hash, an entry, and a block that holds the pattern and what follows from it; each may be
 * far away. Whoever has many records looks ahead for all of them first (ckf_exact_look_ahead), so that
 * the memory's delays overlap.
 */
#ifndef CKF_FILTER_EXACT_H
#define CKF_FILTER_EXACT_H

#include <ck_filter/filter.h>

#include "base/fold_hash.h"
#include "filter/fold.h"
#include "filter/hits.h"
#include "filter/pattern.h"

/* A pattern, beside what is needed as soon as a record equals it. */
struct ckf_exact_block {
    struct ckf_outcome outcome; /* of its rule: ckf_exact_settle() */
    uint32_t rank;
    unsigned char bytes[]; /* the pattern, folded if the set folds */
};

struct ckf_exact_entry {
    uint32_t tag;   /* bits of the hash, and the length in the lowest byte */
    uint32_t place; /* of the block, in units of CKF_EXACT_UNIT; 0: free */
};

enum { CKF_EXACT_UNIT = 8 };

/* All zeros is an empty set. */
struct ckf_exact {
    struct ckf_exact_entry *entries;    /* a power of two, at most half full */
    uint32_t mask;                      /* their number less one */
    unsigned char *blocks;              /* in order of rank */
    const struct ckf_pattern *patterns; /* by rank; not its own */
    struct ckf_fold_key key;
    uint64_t lengths[4]; /* bit n: there is a pattern of n bytes; 255: of 255 or more */
    size_t block_bytes;
    uint32_t first,
        last; /* ranks first to last - 1 are its own, or of the set that folds otherwise */
    bool folds;
};

/* Ranks first to last - 1 whose `folds` agrees; their patterns, as yet not folded, are moved into the
 * set's blocks. The key is secret, and the first to be tried. False without memory; ckf_exact_destroy
 * is due then too. */
bool ckf_exact_build(struct ckf_exact *set, const struct ckf_fold_key *key,
                     struct ckf_pattern *patterns, const bool *folds, uint32_t first, uint32_t last,
                     bool fold);
void ckf_exact_destroy(struct ckf_exact *set);
size_t ckf_exact_bytes(const struct ckf_exact *set);

/* Gives each block the outcome of its rule. */
void ckf_exact_settle(struct ckf_exact *set, const struct ckf_outcome *outcomes);

/* For sets that fold. */
uint64_t ckf_exact_hash_folded(const struct ckf_exact *set, const unsigned char *data, size_t len);

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

/* Here and below, `folds` is what the set says. */
static inline uint64_t ckf_exact_hash_of(const struct ckf_exact *set, const unsigned char *data,
                                         size_t len, bool folds)
{
    return folds ? ckf_exact_hash_folded(set, data, len) : ckf_fold_hash(&set->key, data, len);
}

/* The hash in the upper bits, which do not choose the place, and the length. */
static inline uint32_t ckf_exact_tag(uint64_t hash, size_t len)
{
    return ((uint32_t)(hash >> 32) & ~UINT32_C(0xff)) | ckf_exact_length_bit(len);
}

static inline struct ckf_exact_block *ckf_exact_block_at(const struct ckf_exact *set,
                                                         uint32_t place)
{
    return (struct ckf_exact_block *)(void *)(set->blocks + (size_t)place * CKF_EXACT_UNIT);
}

/* The tag has told that the lengths agree, unless they are long. */
static inline bool ckf_exact_equals(const struct ckf_exact *set,
                                    const struct ckf_exact_block *block, const unsigned char *data,
                                    size_t len, bool folds)
{
    if (CKF_UNLIKELY(len >= 255) && set->patterns[block->rank].len != len)
        return false;
    return ckf_equals(folds, block->bytes, data, len);
}

/* Where the search for some data begins, and what it looks for. */
struct ckf_exact_look {
    uint32_t at; /* an entry, or CKF_EXACT_ABSENT: no pattern has that length */
    uint32_t tag;
};

#define CKF_EXACT_ABSENT UINT32_MAX

static inline struct ckf_exact_look ckf_exact_look(const struct ckf_exact *set,
                                                   const unsigned char *data, size_t len,
                                                   bool folds)
{
    if (!ckf_exact_may_hold(set, len))
        return (struct ckf_exact_look){CKF_EXACT_ABSENT, 0};
    uint64_t hash = ckf_exact_hash_of(set, data, len, folds);
    return (struct ckf_exact_look){(uint32_t)hash & set->mask, ckf_exact_tag(hash, len)};
}

/* The entry of the data, or the free one where it belongs; the look is not ABSENT. */
static inline struct ckf_exact_entry *ckf_exact_locate(const struct ckf_exact *set,
                                                       struct ckf_exact_look look,
                                                       const unsigned char *data, size_t len,
                                                       bool folds)
{
    for (uint32_t at = look.at;; at = (at + 1) & set->mask) {
        struct ckf_exact_entry *entry = &set->entries[at];
        if (entry->place == 0 ||
            (entry->tag == look.tag &&
             ckf_exact_equals(set, ckf_exact_block_at(set, entry->place), data, len, folds)))
            return entry;
    }
}

/* The block of the lowest rank that the data equals; NULL if there is none. */
static inline const struct ckf_exact_block *ckf_exact_find(const struct ckf_exact *set,
                                                           struct ckf_exact_look look,
                                                           const unsigned char *data, size_t len,
                                                           bool folds)
{
    if (look.at == CKF_EXACT_ABSENT)
        return NULL;
    uint32_t place = ckf_exact_locate(set, look, data, len, folds)->place;
    return place == 0 ? NULL : ckf_exact_block_at(set, place);
}

/* Looks for all of the records, and has what they will need fetched. Each step is done for all of them, so
 * that what one waits for is fetched while others are worked on. Null records are absent. */
static inline void ckf_exact_look_ahead(const struct ckf_exact *set,
                                        const struct ckf_record *records, size_t count,
                                        struct ckf_exact_look *looks, bool folds)
{
    for (size_t i = 0; i < count; i++) {
        looks[i] = (struct ckf_exact_look){CKF_EXACT_ABSENT, 0};
        if (records[i].data != NULL)
            looks[i] = ckf_exact_look(set, records[i].data, records[i].len, folds);
        if (looks[i].at != CKF_EXACT_ABSENT)
            __builtin_prefetch(&set->entries[looks[i].at]);
    }
    for (size_t i = 0; i < count; i++)
        if (looks[i].at != CKF_EXACT_ABSENT)
            __builtin_prefetch(ckf_exact_block_at(set, set->entries[looks[i].at].place));
}

#endif
