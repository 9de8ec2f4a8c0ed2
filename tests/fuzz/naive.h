/* fuzz/naive.h - a matcher that anybody can check by reading it: what the fuzzers compare with. */
#ifndef CKF_FUZZ_NAIVE_H
#define CKF_FUZZ_NAIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/filter.h>
#include <ck_filter/ruleset.h>

static inline int naive_fold(int byte, bool folds)
{
    return folds && byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
}

static inline bool naive_equal_at(const struct ckf_rule *rule, const unsigned char *data)
{
    const unsigned char *pattern = rule->pattern;
    for (size_t i = 0; i < rule->pattern_len; i++)
        if (naive_fold(pattern[i], rule->fold_ascii_case) !=
            naive_fold(data[i], rule->fold_ascii_case))
            return false;
    return true;
}

static inline bool naive_matches(const struct ckf_rule *rule, const unsigned char *data, size_t len)
{
    if (rule->pattern_len > len)
        return false;
    size_t last = len - rule->pattern_len;
    if (rule->match == CKF_MATCH_EXACT)
        return last == 0 && naive_equal_at(rule, data);
    if (rule->match == CKF_MATCH_PREFIX)
        return naive_equal_at(rule, data);
    if (rule->match == CKF_MATCH_SUFFIX)
        return naive_equal_at(rule, data + last);
    for (size_t at = 0; at <= last; at++)
        if (naive_equal_at(rule, data + at))
            return true;
    return false;
}

static inline bool naive_speaks_before(const struct ckf_rule *a, const struct ckf_rule *b)
{
    if (a->match != b->match)
        return a->match < b->match;
    if (a->pattern_len != b->pattern_len)
        return a->pattern_len > b->pattern_len;
    return a->id < b->id;
}

/* The rule that speaks, or NULL. */
static inline const struct ckf_rule *naive_find(const struct ckf_rule *rules, size_t count,
                                                const unsigned char *data, size_t len)
{
    const struct ckf_rule *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (naive_matches(&rules[i], data, len) &&
            (best == NULL || naive_speaks_before(&rules[i], best)))
            best = &rules[i];
    return best;
}

/* Ends the program unless the filter's verdict about the record is the naive one. */
void check_verdict(struct ckf_filter *filter, const struct ckf_rule *rules, size_t count,
                   const void *data, size_t len);
/* A filter with that ruleset. */
struct ckf_filter *filter_of(const struct ckf_ruleset *ruleset);
/* Ends the program with the sentence. */
_Noreturn void finding(const char *sentence);

#endif
