/* filter/matcher.h - a ruleset compiled for reading: immutable, shared by all threads.
 *
 * Progress: compiling allocates; finding is wait-free, allocates nothing and writes nothing.
 */
#ifndef CKF_FILTER_MATCHER_H
#define CKF_FILTER_MATCHER_H

#include "filter/automaton.h"
#include "filter/exact.h"
#include "filter/grams.h"
#include "filter/needle.h"
#include "filter/pattern.h"
#include "filter/rules.h"
#include "filter/trie.h"

enum { CKF_KINDS = 4, CKF_FEW_SUBSTRINGS = 3, CKF_GRAM_SETS = 2 };

/* Exact sets, tries and automata twice: [0] for rules that take records as they are, [1] for those
 * that fold case. */
struct ckf_matcher {
    uint32_t count;               /* rules: ranks 0 to count - 1 */
    struct ckf_pattern *patterns; /* by rank */
    bool *folds;                  /* by rank */
    unsigned char *text;          /* what the patterns point into */
    size_t text_bytes;
    struct ckf_exact exact[2];
    struct ckf_trie prefix[2], suffix[2];
    struct ckf_needle needles[CKF_FEW_SUBSTRINGS]; /* substrings, if they are few; by rank */
    unsigned needle_count;
    struct ckf_grams grams[CKF_GRAM_SETS]; /* otherwise: [0] of a word and more, [1] shorter */
    struct ckf_automaton substring[2];     /* and for records that these do not like */
    bool uses[CKF_KINDS];                  /* by enum ckf_match: there are rules of that kind */
};

/* order[rank] becomes the place of that rule in the ruleset; it has room for all of them. False
 * without memory, and then nothing is to be destroyed. */
bool ckf_matcher_compile(struct ckf_matcher *matcher, const struct ckf_ruleset *ruleset,
                         uint32_t *order);
void ckf_matcher_destroy(struct ckf_matcher *matcher);

/* What it occupies, itself not counted. */
size_t ckf_matcher_bytes(const struct ckf_matcher *matcher);

/* What is known of a record before it is looked up: its hashes, if it may be in the sets. */
struct ckf_glance {
    uint64_t hash[2];
    bool may_be_exact[2];
};

/* Of many records, each is glanced at first, then looked ahead for, then found. */
static inline void ckf_matcher_glance(const struct ckf_matcher *matcher, const void *data,
                                      size_t len, struct ckf_glance *glance)
{
    for (int fold = 0; fold < 2; fold++) {
        const struct ckf_exact *set = &matcher->exact[fold];
        glance->may_be_exact[fold] = ckf_exact_may_hold(set, len);
        if (glance->may_be_exact[fold])
            glance->hash[fold] = ckf_exact_hash_of(set, data, len);
    }
}

static inline void ckf_matcher_fetch_entries(const struct ckf_matcher *matcher,
                                             const struct ckf_glance *glance)
{
    for (int fold = 0; fold < 2; fold++)
        if (glance->may_be_exact[fold])
            __builtin_prefetch(ckf_exact_home(&matcher->exact[fold], glance->hash[fold]));
}

/* Fetches the pattern that the record may equal. Returns its rank, or CKF_NO_RANK. */
static inline uint32_t ckf_matcher_fetch_pattern(const struct ckf_matcher *matcher,
                                                 const struct ckf_glance *glance)
{
    uint32_t rank = CKF_NO_RANK;
    for (int fold = 0; fold < 2; fold++) {
        if (!glance->may_be_exact[fold])
            continue;
        const struct ckf_exact_entry *home =
            ckf_exact_home(&matcher->exact[fold], glance->hash[fold]);
        if (home->rank == CKF_NO_RANK)
            continue;
        rank = home->rank;
        __builtin_prefetch(home->bytes);
    }
    return rank;
}

/* The rank of the rule that speaks; CKF_NO_RANK if none matches. */
uint32_t ckf_matcher_find_glanced(const struct ckf_matcher *matcher,
                                  const struct ckf_glance *glance, const void *data, size_t len);

static inline uint32_t ckf_matcher_find(const struct ckf_matcher *matcher, const void *data,
                                        size_t len)
{
    struct ckf_glance glance;
    ckf_matcher_glance(matcher, data, len, &glance);
    return ckf_matcher_find_glanced(matcher, &glance, data, len);
}

#endif
