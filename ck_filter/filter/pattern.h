/* filter/pattern.h - patterns as matchers hold them, and their ranks.
 *
 * A rank is the place of a rule in order of precedence: kind, then longest, then lowest id. Of all
 * rules that match a record the one of the lowest rank speaks, so every matcher looks for that.
 */
#ifndef CKF_FILTER_PATTERN_H
#define CKF_FILTER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ckf_pattern {
    const unsigned char *bytes; /* folded if the rule folds; back to front if it is a suffix */
    size_t len;                 /* at least 1 */
};

#define CKF_NO_RANK UINT32_MAX

static inline uint32_t ckf_lower_rank(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Sorts ranks by the bytes of their patterns (a prefix stands before what it begins; equal patterns
 * by rank), and drops all but the lowest rank of equal patterns. Returns how many are left. */
uint32_t ckf_sort_patterns(const struct ckf_pattern *patterns, uint32_t *ranks, uint32_t count);

/* Bytes that the patterns of two ranks have in common at their starts. */
size_t ckf_common_prefix(const struct ckf_pattern *a, const struct ckf_pattern *b);

#endif
