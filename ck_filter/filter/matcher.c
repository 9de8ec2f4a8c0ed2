/* filter/matcher.c - ranks the rules and deals them out to the matchers of their kinds.
 *
 * Exact rules go into hash sets, prefixes and suffixes into tries. Substrings are looked for one by
 * one if they are few, by Teddy if they are some tens, else by grams; or by Hyperscan, where the ruleset
 * asks for it. The automaton, slower but never slow, takes the records that are full of what these look
 * for, or that they cannot look at.
 * Kinds are asked in order of precedence, and the first that finds a rule has the answer.
 */
#include "filter/matcher.h"

#include <string.h>

#include "base/cacheline.h"
#include "base/memory.h"
#include "filter/fold.h"

/* What decides about rank, smallest first. */
struct sort_key {
    uint64_t kind_and_length;
    uint32_t id;
    uint32_t place; /* in the ruleset */
};

static struct sort_key key_of(const struct ckf_stored_rule *rule, size_t place)
{
    const uint64_t longest = (UINT64_C(1) << 62) - 1;
    return (struct sort_key){(uint64_t)rule->match << 62 | (longest - rule->len), rule->id,
                             (uint32_t)place};
}

/* The byte of a key that weighs that much: from 0, the lowest of the id. */
static unsigned byte_of(const struct sort_key *key, unsigned weight)
{
    if (weight < sizeof key->id)
        return key->id >> 8 * weight & 0xff;
    return key->kind_and_length >> 8 * (weight - sizeof key->id) & 0xff;
}

enum { KEY_BYTES = sizeof(uint32_t) + sizeof(uint64_t), BYTE_VALUES = 256 };

/* Stable. */
static void sort_by_byte(struct sort_key *to, const struct sort_key *from, size_t count,
                         unsigned weight)
{
    size_t starts[BYTE_VALUES + 1] = {0};
    for (size_t i = 0; i < count; i++)
        starts[byte_of(&from[i], weight) + 1]++;
    for (unsigned value = 1; value < BYTE_VALUES; value++)
        starts[value] += starts[value - 1];
    for (size_t i = 0; i < count; i++)
        to[starts[byte_of(&from[i], weight)]++] = from[i];
}

/* Radix sort from the lowest byte up, by those in which keys differ, and by the ids' only if these do not
 * ascend; spare is as large as keys. Returns the one that holds the result. */
static struct sort_key *sort_keys(struct sort_key *keys, struct sort_key *spare, size_t count,
                                  bool ids_ascend)
{
    struct sort_key differing = {0};
    for (size_t i = 1; i < count; i++) {
        differing.id |= keys[i].id ^ keys[0].id;
        differing.kind_and_length |= keys[i].kind_and_length ^ keys[0].kind_and_length;
    }
    if (ids_ascend)
        differing.id = 0;
    for (unsigned weight = 0; weight < KEY_BYTES; weight++) {
        if (byte_of(&differing, weight) == 0)
            continue;
        sort_by_byte(spare, keys, count, weight);
        struct sort_key *sorted = spare;
        spare = keys;
        keys = sorted;
    }
    return keys;
}

static bool rank_rules(const struct ckf_ruleset *ruleset, uint32_t *order)
{
    struct sort_key *keys = ckf_alloc_array_untouched(ruleset->count, 2 * sizeof *keys);
    if (keys == NULL)
        return false;
    for (size_t i = 0; i < ruleset->count; i++)
        keys[i] = key_of(&ruleset->rules[i], i);
    const struct sort_key *sorted =
        sort_keys(keys, keys + ruleset->count, ruleset->count, !ruleset->is_indexed);
    for (size_t rank = 0; rank < ruleset->count; rank++)
        order[rank] = sorted[rank].place;
    ckf_free(keys);
    return true;
}

static void copy_backwards(unsigned char *to, const unsigned char *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = from[len - 1 - i];
}

static void copy_pattern(unsigned char *to, const struct ckf_ruleset *ruleset,
                         const struct ckf_stored_rule *rule)
{
    const unsigned char *from = ruleset->bytes + rule->offset;
    if (rule->match == CKF_MATCH_SUFFIX)
        copy_backwards(to, from, rule->len);
    else
        memcpy(to, from, rule->len);
    if (rule->fold_ascii_case)
        ckf_fold_bytes(to, to, rule->len);
}

static size_t bytes_of_others(const struct ckf_ruleset *ruleset)
{
    size_t bytes = 0;
    for (size_t i = 0; i < ruleset->count; i++)
        if (ruleset->rules[i].match != CKF_MATCH_EXACT)
            bytes += ruleset->rules[i].len;
    return bytes;
}

/* Those of exact rules stay where they are: their sets move them. */
static bool copy_patterns(struct ckf_matcher *matcher, const struct ckf_ruleset *ruleset,
                          const uint32_t *order)
{
    matcher->count = (uint32_t)ruleset->count;
    matcher->text_bytes = bytes_of_others(ruleset);
    matcher->text = ckf_alloc_array_untouched(matcher->text_bytes, 1);
    matcher->patterns = ckf_alloc_array_untouched(ruleset->count, sizeof *matcher->patterns);
    matcher->folds = ckf_alloc_array_untouched(ruleset->count, sizeof *matcher->folds);
    if (matcher->text == NULL || matcher->patterns == NULL || matcher->folds == NULL)
        return false;
    unsigned char *text = matcher->text;
    for (uint32_t rank = 0; rank < matcher->count; rank++) {
        const struct ckf_stored_rule *rule = &ruleset->rules[order[rank]];
        matcher->folds[rank] = rule->fold_ascii_case;
        if (rule->match == CKF_MATCH_EXACT) {
            matcher->patterns[rank] =
                (struct ckf_pattern){ruleset->bytes + rule->offset, rule->len};
            continue;
        }
        copy_pattern(text, ruleset, rule);
        matcher->patterns[rank] = (struct ckf_pattern){text, rule->len};
        text += rule->len;
    }
    return true;
}

/* The ranks of one kind: first to last - 1. */
struct kind_range {
    uint32_t first, last;
};

static struct kind_range range_of(const struct ckf_ruleset *ruleset, const uint32_t *order,
                                  enum ckf_match kind)
{
    struct kind_range range = {0, 0};
    while (range.first < ruleset->count && ruleset->rules[order[range.first]].match < (int)kind)
        range.first++;
    range.last = range.first;
    while (range.last < ruleset->count && ruleset->rules[order[range.last]].match == (int)kind)
        range.last++;
    return range;
}

/* The ranks within a range that fold (or do not), sorted by pattern. Returns how many. */
static uint32_t select_sorted(const struct ckf_matcher *matcher, struct kind_range range, bool fold,
                              uint32_t *ranks)
{
    uint32_t count = 0;
    for (uint32_t rank = range.first; rank < range.last; rank++)
        if (matcher->folds[rank] == fold)
            ranks[count++] = rank;
    return ckf_sort_patterns(matcher->patterns, ranks, count);
}

static bool build_tries(struct ckf_matcher *matcher, struct kind_range range,
                        struct ckf_trie tries[2], uint32_t *ranks)
{
    for (int fold = 0; fold < 2; fold++) {
        uint32_t count = select_sorted(matcher, range, fold, ranks);
        if (!ckf_trie_build(&tries[fold], matcher->patterns, ranks, count, CKF_TRIE_LEAVES))
            return false;
    }
    return true;
}

static void build_needles(struct ckf_matcher *matcher, struct kind_range range)
{
    for (uint32_t rank = range.first; rank < range.last; rank++)
        ckf_needle_init(&matcher->needles[matcher->needle_count++], &matcher->patterns[rank], rank,
                        matcher->folds[rank]);
}

/* Patterns of at least so many bytes belong to one set: short ones would spoil the others' grams. */
static const size_t shortest_of_set[CKF_SUBSTRING_SETS] = {4, 1};

/* Fewer by Teddy, where the processor can; more by grams. */
static bool build_substring_set(struct ckf_matcher *matcher, int set, const uint32_t *ranks,
                                uint32_t count, size_t min_len)
{
    matcher->set_rules[set] = count;
    if (count == 0 || !ckf_teddy_takes(count))
        return ckf_grams_build(&matcher->grams[set], matcher->patterns, matcher->folds, ranks,
                               count, min_len);
    matcher->teddy[set] = ckf_alloc_aligned(sizeof *matcher->teddy[set], CKF_CACHELINE);
    if (matcher->teddy[set] == NULL)
        return false;
    ckf_teddy_build(matcher->teddy[set], matcher->patterns, matcher->folds, ranks, count, min_len);
    return true;
}

static bool build_substring_sets(struct ckf_matcher *matcher, struct kind_range range,
                                 uint32_t *ranks)
{
    uint32_t rank = range.first; /* the longest come first */
    for (int set = 0; set < CKF_SUBSTRING_SETS; set++) {
        uint32_t count = 0;
        while (rank < range.last && matcher->patterns[rank].len >= shortest_of_set[set])
            ranks[count++] = rank++;
        size_t min_len = count > 0 ? matcher->patterns[rank - 1].len : 0;
        if (!build_substring_set(matcher, set, ranks, count, min_len))
            return false;
    }
    return true;
}

/* Three cost by Teddy what two cost one by one, where most records match none. */
static bool are_few(uint32_t count)
{
    return count < CKF_FEW_SUBSTRINGS || (count == CKF_FEW_SUBSTRINGS && !ckf_teddy_takes(count));
}

/* Those that are too long for it belong to a set. */
static bool build_hyperscan(struct ckf_matcher *matcher, struct kind_range range, uint32_t *ranks)
{
    uint32_t count = 0; /* the longest come first */
    while (range.first < range.last && matcher->patterns[range.first].len > CKF_HYPERSCAN_LONGEST)
        ranks[count++] = range.first++;
    if (!build_substring_set(matcher, 0, ranks, count, CKF_HYPERSCAN_LONGEST))
        return false;
    matcher->hyperscan_rules = range.last - range.first;
    if (matcher->hyperscan_rules == 0)
        return true;
    count = select_sorted(matcher, range, false, ranks);
    count += select_sorted(matcher, range, true, ranks + count);
    matcher->hyperscan =
        ckf_hyperscan_build(matcher->patterns, matcher->folds, ranks, count, range.first);
    return matcher->hyperscan != NULL;
}

static bool build_substrings(struct ckf_matcher *matcher, enum ckf_backend backend,
                             struct kind_range range, uint32_t *ranks)
{
    bool is_own = backend == CKF_BACKEND_OWN;
    if (is_own && are_few(range.last - range.first)) {
        build_needles(matcher, range);
        return true;
    }
    if (!(is_own ? build_substring_sets : build_hyperscan)(matcher, range, ranks))
        return false;
    for (int fold = 0; fold < 2; fold++) {
        uint32_t count = select_sorted(matcher, range, fold, ranks);
        if (!ckf_automaton_build(&matcher->substring[fold], matcher->patterns, ranks, count, fold))
            return false;
    }
    return true;
}

static bool build_all(struct ckf_matcher *matcher, const struct ckf_ruleset *ruleset,
                      const struct ckf_fold_key *key, const uint32_t *order, uint32_t *ranks)
{
    struct kind_range exact = range_of(ruleset, order, CKF_MATCH_EXACT);
    for (size_t i = 0; i < ruleset->count; i++)
        matcher->rules[ruleset->rules[i].match]++;
    for (int fold = 0; fold < 2; fold++)
        if (!ckf_exact_build(&matcher->exact[fold], key, matcher->patterns, matcher->folds,
                             exact.first, exact.last, fold))
            return false;
    matcher->has_others = exact.last < matcher->count;
    matcher->has_more = matcher->has_others || matcher->exact[1].entries != NULL;
    return build_tries(matcher, range_of(ruleset, order, CKF_MATCH_PREFIX), matcher->prefix,
                       ranks) &&
           build_tries(matcher, range_of(ruleset, order, CKF_MATCH_SUFFIX), matcher->suffix,
                       ranks) &&
           build_substrings(matcher, ruleset->backend,
                            range_of(ruleset, order, CKF_MATCH_SUBSTRING), ranks);
}

bool ckf_matcher_compile(struct ckf_matcher *matcher, const struct ckf_ruleset *ruleset,
                         const struct ckf_fold_key *key, uint32_t *order)
{
    *matcher = (struct ckf_matcher){0};
    if (ruleset->count == 0)
        return true;
    uint32_t *ranks = ckf_alloc_array_untouched(ruleset->count, sizeof *ranks);
    bool compiled = ranks != NULL && rank_rules(ruleset, order) &&
                    copy_patterns(matcher, ruleset, order) &&
                    build_all(matcher, ruleset, key, order, ranks);
    ckf_free(ranks);
    if (!compiled)
        ckf_matcher_destroy(matcher);
    return compiled;
}

void ckf_matcher_destroy(struct ckf_matcher *matcher)
{
    for (int fold = 0; fold < 2; fold++) {
        ckf_exact_destroy(&matcher->exact[fold]);
        ckf_trie_destroy(&matcher->prefix[fold]);
        ckf_trie_destroy(&matcher->suffix[fold]);
        ckf_automaton_destroy(&matcher->substring[fold]);
    }
    for (int set = 0; set < CKF_SUBSTRING_SETS; set++) {
        ckf_free(matcher->teddy[set]);
        ckf_grams_destroy(&matcher->grams[set]);
    }
    ckf_hyperscan_destroy(matcher->hyperscan);
    ckf_free(matcher->patterns);
    ckf_free(matcher->folds);
    ckf_free(matcher->text);
}

size_t ckf_matcher_bytes(const struct ckf_matcher *matcher)
{
    size_t bytes =
        matcher->text_bytes + matcher->count * (sizeof *matcher->patterns + sizeof *matcher->folds);
    for (int fold = 0; fold < 2; fold++)
        bytes += ckf_exact_bytes(&matcher->exact[fold]) + ckf_trie_bytes(&matcher->prefix[fold]) +
                 ckf_trie_bytes(&matcher->suffix[fold]) +
                 ckf_automaton_bytes(&matcher->substring[fold]);
    for (int set = 0; set < CKF_SUBSTRING_SETS; set++)
        bytes += ckf_grams_bytes(&matcher->grams[set]) +
                 (matcher->teddy[set] != NULL ? sizeof *matcher->teddy[set] : 0);
    return bytes + ckf_hyperscan_bytes(matcher->hyperscan);
}

void ckf_matcher_describe(const struct ckf_matcher *matcher, struct ckf_compiled *compiled)
{
    compiled->exact = matcher->rules[CKF_MATCH_EXACT];
    compiled->prefix = matcher->rules[CKF_MATCH_PREFIX];
    compiled->suffix = matcher->rules[CKF_MATCH_SUFFIX];
    compiled->substring = matcher->rules[CKF_MATCH_SUBSTRING];
    compiled->needles = matcher->needle_count;
    for (int set = 0; set < CKF_SUBSTRING_SETS; set++)
        *(matcher->teddy[set] != NULL ? &compiled->teddy : &compiled->grams) +=
            matcher->set_rules[set];
    compiled->hyperscan = matcher->hyperscan_rules;
}

void ckf_matcher_settle(struct ckf_matcher *matcher, const struct ckf_outcome *outcomes)
{
    for (int fold = 0; fold < 2; fold++)
        ckf_exact_settle(&matcher->exact[fold], outcomes);
}

static uint32_t find_in_tries(const struct ckf_trie tries[2], const unsigned char *data, size_t len,
                              bool backwards)
{
    return ckf_lower_rank(ckf_trie_find(&tries[0], data, len, false, backwards),
                          ckf_trie_find(&tries[1], data, len, true, backwards));
}

/* Needles stand by rank, so the first that is found speaks. */
static uint32_t find_needle(const struct ckf_matcher *matcher, const unsigned char *data,
                            size_t len)
{
    for (unsigned i = 0; i < matcher->needle_count; i++)
        if (ckf_needle_is_in(&matcher->needles[i], data, len))
            return matcher->needles[i].rank;
    return CKF_NO_RANK;
}

static inline bool find_in_set(const struct ckf_matcher *matcher, int set,
                               const unsigned char *data, size_t len, uint32_t *found)
{
    if (matcher->teddy[set] != NULL)
        return ckf_teddy_find(matcher->teddy[set], data, len, found);
    return matcher->grams[set].count == 0 || ckf_grams_find(&matcher->grams[set], data, len, found);
}

static uint32_t find_substring(const struct ckf_matcher *matcher, const unsigned char *data,
                               size_t len)
{
    if (matcher->needle_count > 0)
        return find_needle(matcher, data, len);
    uint32_t found = CKF_NO_RANK;
    bool sure = true;
    for (int set = 0; set < CKF_SUBSTRING_SETS && sure; set++)
        sure = find_in_set(matcher, set, data, len, &found);
    if (sure && matcher->hyperscan != NULL)
        sure = ckf_hyperscan_find(matcher->hyperscan, data, len, &found);
    if (sure)
        return found;
    found = ckf_automaton_find(&matcher->substring[0], data, len, found);
    return ckf_automaton_find(&matcher->substring[1], data, len, found);
}

uint32_t ckf_matcher_find_other(const struct ckf_matcher *matcher, const unsigned char *data,
                                size_t len)
{
    uint32_t found = CKF_NO_RANK;
    if (matcher->rules[CKF_MATCH_PREFIX] > 0)
        found = find_in_tries(matcher->prefix, data, len, false);
    if (found == CKF_NO_RANK && matcher->rules[CKF_MATCH_SUFFIX] > 0)
        found = find_in_tries(matcher->suffix, data, len, true);
    if (found == CKF_NO_RANK && matcher->rules[CKF_MATCH_SUBSTRING] > 0)
        found = find_substring(matcher, data, len);
    return found;
}
