/* filter/needle.h - one substring, prepared to be looked for: built once, then only read. */
#ifndef CKF_FILTER_NEEDLE_H
#define CKF_FILTER_NEEDLE_H

#include "filter/pattern.h"

/* One byte of the pattern that its occurrences are recognized by. */
struct ckf_mark {
    size_t offset;
    unsigned char byte;
    unsigned char bit; /* is set in the record's byte before they are compared: 0, or ASCII case */
};

struct ckf_needle {
    struct ckf_pattern pattern;
    struct ckf_mark marks[2]; /* its two rarest bytes, as far as one can know */
    uint32_t rank;
    bool folds;
};

/* The pattern is folded already if it folds, and outlives the needle. */
void ckf_needle_init(struct ckf_needle *needle, const struct ckf_pattern *pattern, uint32_t rank,
                     bool folds);

bool ckf_needle_is_in(const struct ckf_needle *needle, const unsigned char *data, size_t len);

#endif
