/* filter/matcher.h - a ruleset compiled for reading: immutable, shared by all threads.
 *
 * Progress: compiling allocates; finding is wait-free, allocates nothing and writes nothing but what
 * Hyperscan is lent for a scan.
 */
#ifndef CKF_FILTER_MATCHER_H
#define CKF_FILTER_MATCHER_H

#include "filter/automaton.h"
#include "filter/exact.h"
#include "filter/grams.h"
#include "filter/hyperscan.h"
#include "filter/needle.h"
#include "filter/pattern.h"
#include "filter/rules.h"
#include "filter/teddy.h"
#include "filter/trie.h"

enum { CKF_KINDS = 4, CKF_FEW_SUBSTRINGS = 3, CKF_SUBSTRING_SETS = 2 };

/* Exact sets, tries and automata twice: [0] for rules that take records as they are, [1] for those
 * that fold case. */
struct ckf_matcher {
    struct ckf_exact exact[2];
    bool has_more;                /* rules beside those of exact[0] */
    bool has_others;              /* rules that are not exact */
    uint32_t count;               /* rules: ranks 0 to count - 1 */
    struct ckf_pattern *patterns; /* by rank */
    bool *folds;                  /* by rank */
    unsigned char *text;          /* what the patterns point into that are not exact */
    size_t text_bytes;
    struct ckf_trie prefix[2], suffix[2];
    struct ckf_needle needles[CKF_FEW_SUBSTRINGS]; /* substrings, if they are few; by rank */
    unsigned needle_count;
    struct ckf_teddy
        *teddy[CKF_SUBSTRING_SETS]; /* otherwise: [0] of a word and more, [1] shorter; NULL: */
    struct ckf_grams grams[CKF_SUBSTRING_SETS]; /* these, of as many sets */
    uint32_t set_rules[CKF_SUBSTRING_SETS];
    struct ckf_hyperscan
        *hyperscan; /* instead of [1], and of [0] but for the longest; NULL: none */
    uint32_t hyperscan_rules;
    struct ckf_automaton substring[2]; /* and for records that these do not like */
    uint32_t rules[CKF_KINDS];         /* by enum ckf_match: how many there are */
};

/* order[rank] becomes the place of that rule in the ruleset; it has room for all of them. The key is for
 * the sets of exact rules. False without memory, and then nothing is to be destroyed. */
bool ckf_matcher_compile(struct ckf_matcher *matcher, const struct ckf_ruleset *ruleset,
                         const struct ckf_fold_key *key, uint32_t *order);
void ckf_matcher_destroy(struct ckf_matcher *matcher);

/* What it occupies, itself not counted. */
size_t ckf_matcher_bytes(const struct ckf_matcher *matcher);

/* How many rules there are of which kind, and who looks for them. */
void ckf_matcher_describe(const struct ckf_matcher *matcher, struct ckf_compiled *compiled);

/* Gives the sets of exact rules what follows from them: by rank. */
void ckf_matcher_settle(struct ckf_matcher *matcher, const struct ckf_outcome *outcomes);

/* The rank of the rule that speaks to data that no exact rule equals; CKF_NO_RANK if none matches. */
uint32_t ckf_matcher_find_other(const struct ckf_matcher *matcher, const unsigned char *data,
                                size_t len);

#endif
