/* filter/exact.h - a set of patterns that equal whole records: built once, then only read. */
#ifndef CKF_FILTER_EXACT_H
#define CKF_FILTER_EXACT_H

#include "base/hash.h"
#include "filter/pattern.h"

struct ckf_exact_entry {
    uint32_t tag; /* upper half of the hash */
    uint32_t rank;
};

/* All zeros is an empty set. */
struct ckf_exact {
    const struct ckf_pattern *patterns; /* by rank; not its own */
    struct ckf_exact_entry *entries;    /* a power of two, at most half full */
    size_t size;                        /* 0: no patterns */
    struct ckf_hash_key key;
    uint64_t lengths[4]; /* bit n: there is a pattern of n bytes; 255: of 255 or more */
    bool folds;
};

/* Ranks first to last - 1 whose `folds` agrees. False without memory. */
bool ckf_exact_build(struct ckf_exact *set, const struct ckf_pattern *patterns, const bool *folds,
                     uint32_t first, uint32_t last, bool fold);
void ckf_exact_destroy(struct ckf_exact *set);
size_t ckf_exact_bytes(const struct ckf_exact *set);

/* For data of a length that some pattern has. */
uint32_t ckf_exact_look_up(const struct ckf_exact *set, const unsigned char *data, size_t len);

static inline unsigned ckf_exact_length_bit(size_t len)
{
    return len < 255 ? (unsigned)len : 255;
}

/* The lowest rank whose pattern is the data; CKF_NO_RANK if none is. */
static inline uint32_t ckf_exact_find(const struct ckf_exact *set, const unsigned char *data,
                                      size_t len)
{
    unsigned bit = ckf_exact_length_bit(len);
    if ((set->lengths[bit / 64] >> bit % 64 & 1) == 0)
        return CKF_NO_RANK;
    return ckf_exact_look_up(set, data, len);
}

#endif
