/* filter/grams.h - many substrings at once, recognized by a few of their bytes: built once, then only
 * read. */
#ifndef CKF_FILTER_GRAMS_H
#define CKF_FILTER_GRAMS_H

#include "filter/pattern.h"

/* One place of one pattern where a probe may meet it. */
struct ckf_gram {
    uint32_t bytes; /* what read_gram() reads there */
    uint32_t more;  /* four bytes beside it, which are compared before the pattern is touched */
    uint32_t rank;
    uint16_t offset, more_offset; /* in the pattern */
};

/* At once, or between two looks at what they hit. */
enum { CKF_GRAMS_PROBES = 8 };

/* All zeros is a set without patterns. */
struct ckf_grams {
    const struct ckf_pattern *patterns; /* by rank; not its own, like the next */
    const bool *folds;                  /* by rank */
    uint32_t *marks;                    /* bitmap by hash: some gram has that hash */
    uint32_t *starts;                   /* by bucket: its first gram; one more of them */
    struct ckf_gram *grams;             /* by bucket, then by rank */
    uint32_t count;                     /* grams */
    unsigned mark_bits;                 /* log2 of the bits in marks */
    unsigned bucket_bits;               /* log2 of the buckets */
    unsigned width;                     /* bytes of a gram, 1 to 8 */
    unsigned stride;                    /* distance of probes */
    bool vectors;                       /* the processor probes eight places at once */
    uint32_t raised;                    /* bits set in what is read, so that case does not matter */
    uint32_t best;                      /* the lowest rank there is */
    /* Of probes at once: from the first to each; and their words among the bytes of two halves, each read
     * where its first word stands. */
    uint32_t steps[CKF_GRAMS_PROBES];
    unsigned char order[4 * CKF_GRAMS_PROBES];
};

/* ranks: count of them, in ascending order, whose patterns have at least min_len bytes. False without
 * memory; ckf_grams_destroy is due then too. */
bool ckf_grams_build(struct ckf_grams *grams, const struct ckf_pattern *patterns, const bool *folds,
                     const uint32_t *ranks, uint32_t count, size_t min_len);
void ckf_grams_destroy(struct ckf_grams *grams);
size_t ckf_grams_bytes(const struct ckf_grams *grams);

/* Lowers *found to the lowest rank whose pattern the data contains, if there is a lower one. False:
 * this record is full of beginnings of patterns, and an automaton would be faster; *found may be
 * that of some pattern that is there, but need not be the lowest. */
bool ckf_grams_find(const struct ckf_grams *grams, const unsigned char *data, size_t len,
                    uint32_t *found);

#endif
