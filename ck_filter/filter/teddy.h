/* filter/teddy.h - some tens of substrings at once, by a vector of thirty-two bytes: built once, then
 * only read. */
#ifndef CKF_FILTER_TEDDY_H
#define CKF_FILTER_TEDDY_H

#include "filter/pattern.h"

enum { CKF_TEDDY_PATTERNS = 32, CKF_TEDDY_WIDTH = 4, CKF_TEDDY_BUCKETS = 8, CKF_TEDDY_VECTOR = 32 };

/* The bytes that a pattern is recognized by, CKF_TEDDY_WIDTH of them or as many as the set has. */
struct ckf_teddy_print {
    uint32_t rank;
    uint32_t offset; /* in the pattern */
    uint32_t word;   /* all four of them; what is read is or-ed with `raised` first */
    uint32_t raised;
};

/* All zeros is a set without patterns. */
struct ckf_teddy {
    /* By place in the print and half of a byte: the buckets that have such a byte there. */
    struct {
        unsigned char low[CKF_TEDDY_VECTOR], high[CKF_TEDDY_VECTOR]; /* sixteen, twice */
    } masks[CKF_TEDDY_WIDTH];
    const struct ckf_pattern *patterns;                /* by rank; not its own, like the next */
    const bool *folds;                                 /* by rank */
    struct ckf_teddy_print prints[CKF_TEDDY_PATTERNS]; /* by bucket, then by rank */
    uint32_t starts[CKF_TEDDY_BUCKETS + 1];            /* by bucket: its first print */
    uint32_t count;                                    /* patterns */
    uint32_t best;                                     /* the lowest rank there is */
    unsigned width;                                    /* bytes of a print */
};

/* True where so many patterns are a matter for it: they are few enough, and the processor can. */
bool ckf_teddy_takes(uint32_t count);

/* ranks: count of them, in ascending order, whose patterns have at least min_len bytes. */
void ckf_teddy_build(struct ckf_teddy *teddy, const struct ckf_pattern *patterns, const bool *folds,
                     const uint32_t *ranks, uint32_t count, size_t min_len);

/* As ckf_grams_find. Only where ckf_teddy_takes. */
bool ckf_teddy_find(const struct ckf_teddy *teddy, const unsigned char *data, size_t len,
                    uint32_t *found);

#endif
