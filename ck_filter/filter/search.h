/* filter/search.h - one record in which many substrings are looked for: what was found, and what may still
 * be spent.
 *
 * A record can be made to hit everywhere. What comparing may cost is bounded by its length, and beyond
 * that an automaton is quicker: so no record takes longer than its length allows.
 */
#ifndef CKF_FILTER_SEARCH_H
#define CKF_FILTER_SEARCH_H

#include <string.h>

#include "filter/fold.h"
#include "filter/pattern.h"

struct ckf_search {
    const unsigned char *data;
    size_t len;
    size_t budget;
    uint32_t found; /* the lowest rank so far */
};

/* So many comparisons always, and one more for every other byte. */
static inline struct ckf_search ckf_search_of(const unsigned char *data, size_t len, uint32_t found)
{
    return (struct ckf_search){data, len, 64 + len / 2, found};
}

/* False: that is too much, and nothing is left. */
static inline bool ckf_search_spend(struct ckf_search *search, size_t cost)
{
    search->budget = search->budget < cost ? 0 : search->budget - cost;
    return search->budget != 0;
}

/* What comparing a pattern costs, where it begins as it should. */
static inline size_t ckf_search_cost(const struct ckf_pattern *pattern)
{
    return pattern->len / 8;
}

/* Whether the pattern is there, with its byte `offset` at `place`. */
static inline bool ckf_search_meets(const struct ckf_search *search,
                                    const struct ckf_pattern *pattern, bool folds, size_t place,
                                    size_t offset)
{
    if (place < offset || search->len - (place - offset) < pattern->len)
        return false;
    return ckf_equals(folds, pattern->bytes, search->data + (place - offset), pattern->len);
}

static inline uint32_t ckf_read_word(const unsigned char *place)
{
    uint32_t word;
    memcpy(&word, place, sizeof word);
    return word;
}

#endif
