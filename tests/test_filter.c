/* tests/test_filter.c - what a filter promises, for both variants: verdicts that a naive matcher
 * agrees with, generations, exact counts, bounds, forks and failed allocations. */
#include "support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ck_filter/filter.h>

#include "misuse.h"

static struct ckf_filter *new_filter(void **state, enum ckf_action default_action)
{
    struct ckf_filter *filter;
    struct ckf_filter_options options = {
        .name = "test", .variant = VARIANT(state), .default_action = default_action};
    assert_int_equal(ckf_filter_create(&filter, &options), CKF_OK);
    return filter;
}

static struct ckf_ruleset *new_ruleset(void)
{
    struct ckf_ruleset *ruleset;
    assert_int_equal(ckf_ruleset_create(&ruleset), CKF_OK);
    return ruleset;
}

static void add(struct ckf_ruleset *ruleset, uint32_t id, enum ckf_match match,
                enum ckf_action action, const char *pattern, bool fold)
{
    struct ckf_rule rule = {id, match, action, pattern, strlen(pattern), fold};
    assert_int_equal(ckf_ruleset_add(ruleset, &rule), CKF_OK);
}

static void publish(struct ckf_filter *filter, struct ckf_ruleset *ruleset)
{
    assert_int_equal(ckf_filter_publish(filter, ruleset, 0, NULL), CKF_OK);
}

static struct ckf_record text(const char *string)
{
    return (struct ckf_record){string, strlen(string)};
}

static uint32_t speaks(struct ckf_filter *filter, const char *record)
{
    struct ckf_verdict verdict = ckf_filter_evaluate(filter, text(record));
    assert_int_equal(verdict.reason, verdict.rule_id != 0 ? CKF_REASON_RULE : CKF_REASON_DEFAULT);
    return verdict.rule_id;
}

struct hits_of {
    uint32_t id;
    uint64_t hits;
    bool found;
};

static bool find_hits(uint32_t id, uint64_t hits, void *arg)
{
    struct hits_of *wanted = arg;
    if (id != wanted->id)
        return true;
    assert_false(wanted->found);
    wanted->found = true;
    wanted->hits = hits;
    return true;
}

static uint64_t hits(struct ckf_filter *filter, uint32_t id)
{
    struct hits_of wanted = {.id = id};
    assert_int_equal(ckf_filter_for_each_rule(filter, find_hits, &wanted), CKF_OK);
    assert_true(wanted.found);
    return wanted.hits;
}

static uint32_t seeded = 2463534242;

static uint32_t random_below(uint32_t bound)
{
    return random_u32(&seeded) % bound;
}

/* ---- Verdicts ---- */

static void a_new_filter_has_generation_1_and_no_rules(void **state)
{
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_DROP);
    assert_int_equal(ckf_filter_generation(filter), 1);
    struct ckf_verdict verdict = ckf_filter_evaluate(filter, text("anything"));
    assert_int_equal(verdict.generation, 1);
    assert_int_equal(verdict.rule_id, 0);
    assert_int_equal(verdict.action, CKF_ACTION_DROP);
    assert_int_equal(verdict.reason, CKF_REASON_DEFAULT);
    ckf_filter_destroy(filter);
}

static void defaults_come_without_options(void **state)
{
    (void)state;
    struct ckf_filter *filter;
    assert_int_equal(ckf_filter_create(&filter, NULL), CKF_OK);
    assert_int_equal(ckf_filter_evaluate(filter, text("a")).action, CKF_ACTION_PASS);
    assert_int_equal(ckf_filter_evaluate(filter, (struct ckf_record){NULL, 0}).action,
                     CKF_ACTION_PASS);
    ckf_filter_destroy(filter);
    ckf_filter_destroy(NULL);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    struct ckf_filter_options bad[5] = {{0}};
    bad[0].variant = (enum ckf_variant)2;
    bad[1].default_action = (enum ckf_action)2;
    bad[2].null_action = (enum ckf_action) - 1;
    bad[3].reserved[0] = 1;
    bad[4].reserved[3] = UINT64_C(1) << 63;
    for (size_t i = 0; i < 5; i++) {
        struct ckf_filter *filter = (struct ckf_filter *)(void *)&bad;
        assert_int_equal(ckf_filter_create(&filter, &bad[i]), CKF_INVALID);
        assert_null(filter);
    }
}

static void null_records_are_not_empty_ones(void **state)
{
    struct ckf_filter *filter;
    struct ckf_filter_options options = {.variant = VARIANT(state),
                                         .default_action = CKF_ACTION_PASS,
                                         .null_action = CKF_ACTION_DROP};
    assert_int_equal(ckf_filter_create(&filter, &options), CKF_OK);
    struct ckf_ruleset *ruleset = new_ruleset();
    add(ruleset, 1, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "x", false);
    publish(filter, ruleset);
    struct ckf_record records[] = {{NULL, 0}, {NULL, 5}, {"", 0}, {"x", 0}};
    struct ckf_verdict verdicts[4];
    ckf_filter_evaluate_many(filter, records, verdicts, 4);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(verdicts[i].reason, CKF_REASON_NULL_RECORD);
        assert_int_equal(verdicts[i].action, CKF_ACTION_DROP);
        assert_int_equal(verdicts[i + 2].reason, CKF_REASON_DEFAULT);
        assert_int_equal(verdicts[i + 2].action, CKF_ACTION_PASS);
        assert_int_equal(verdicts[i].rule_id, 0);
        assert_int_equal(verdicts[i].generation, 2);
    }
    struct ckf_filter_stats stats;
    ckf_filter_read_stats(filter, &stats);
    assert_int_equal(stats.null_records, 2);
    assert_int_equal(stats.passed, 2);
    assert_int_equal(stats.dropped, 2);
    assert_int_equal(stats.evaluated, 4);
    assert_int_equal(stats.generation, 2);
    for (int i = 0; i < 8; i++)
        assert_int_equal(stats.reserved[i], 0);
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
}

static void the_order_of_precedence_holds(void **state)
{
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    struct ckf_ruleset *ruleset = new_ruleset();
    add(ruleset, 90, CKF_MATCH_EXACT, CKF_ACTION_DROP, "abcd", false);
    add(ruleset, 91, CKF_MATCH_EXACT, CKF_ACTION_DROP, "ABCD", true);
    add(ruleset, 80, CKF_MATCH_PREFIX, CKF_ACTION_DROP, "abc", false);
    add(ruleset, 81, CKF_MATCH_PREFIX, CKF_ACTION_DROP, "a", false);
    add(ruleset, 70, CKF_MATCH_SUFFIX, CKF_ACTION_DROP, "yz", false);
    add(ruleset, 71, CKF_MATCH_SUFFIX, CKF_ACTION_DROP, "wxyz", false);
    add(ruleset, 60, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "cd", false);
    add(ruleset, 61, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "CDE", true);
    add(ruleset, 63, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "mno", true);
    add(ruleset, 62, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "mno", false);
    publish(filter, ruleset);
    static const struct {
        const char *record;
        uint32_t id;
    } cases[] = {
        {"abcd", 90}, {"aBcd", 91},   {"abcde", 80}, {"abce", 80},      {"axyz", 81},
        {"Axyz", 70}, {"vwxyz", 71},  {"cdyz", 70},  {"xcd", 60},       {"xcde", 61},
        {"xcDe", 61}, {"xCd", 0},     {"lmnop", 62}, {"lMnop", 63},     {"cdmno", 62},
        {"", 0},      {"cdemno", 61}, {"yz", 70},    {"cdcdcdCdE", 61},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (speaks(filter, cases[i].record) != cases[i].id)
            fail_msg("%s: %u", cases[i].record, speaks(filter, cases[i].record));
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
}

static void only_ascii_letters_fold(void **state)
{
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    for (unsigned wanted = 1; wanted < 256; wanted++) {
        struct ckf_ruleset *ruleset = new_ruleset();
        /* Longer than a word, so that both ways to fold are asked. */
        char pattern[12] = "0123456789", record[12] = "0123456789";
        pattern[3] = pattern[9] = (char)wanted;
        add(ruleset, 1, CKF_MATCH_EXACT, CKF_ACTION_DROP, pattern, true);
        publish(filter, ruleset);
        for (unsigned given = 1; given < 256; given++) {
            record[3] = record[9] = (char)given;
            unsigned a = wanted >= 'A' && wanted <= 'Z' ? wanted + 32 : wanted;
            unsigned b = given >= 'A' && given <= 'Z' ? given + 32 : given;
            assert_int_equal(speaks(filter, record), a == b ? 1 : 0);
        }
        ckf_ruleset_destroy(ruleset);
    }
    ckf_filter_destroy(filter);
}

/* A matcher that anybody can check by reading it. */

enum { MAX_RULES = 40, MAX_LEN = 24 };

struct naive {
    struct ckf_rule rules[MAX_RULES];
    char patterns[MAX_RULES][MAX_LEN];
    size_t count;
};

static int fold(int byte, bool folds)
{
    return folds && byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
}

static bool equal_at(const struct ckf_rule *rule, const char *data)
{
    const char *pattern = rule->pattern;
    for (size_t i = 0; i < rule->pattern_len; i++)
        if (fold((unsigned char)pattern[i], rule->fold_ascii_case) !=
            fold((unsigned char)data[i], rule->fold_ascii_case))
            return false;
    return true;
}

static bool matches(const struct ckf_rule *rule, const char *data, size_t len)
{
    if (rule->pattern_len > len)
        return false;
    size_t last = len - rule->pattern_len;
    switch (rule->match) {
    case CKF_MATCH_EXACT:
        return last == 0 && equal_at(rule, data);
    case CKF_MATCH_PREFIX:
        return equal_at(rule, data);
    case CKF_MATCH_SUFFIX:
        return equal_at(rule, data + last);
    case CKF_MATCH_SUBSTRING:
        for (size_t at = 0; at <= last; at++)
            if (equal_at(rule, data + at))
                return true;
    }
    return false;
}

static bool speaks_before(const struct ckf_rule *a, const struct ckf_rule *b)
{
    if (a->match != b->match)
        return a->match < b->match;
    if (a->pattern_len != b->pattern_len)
        return a->pattern_len > b->pattern_len;
    return a->id < b->id;
}

static const struct ckf_rule *naive_find(const struct naive *naive, const char *data, size_t len)
{
    const struct ckf_rule *best = NULL;
    for (size_t i = 0; i < naive->count; i++)
        if (matches(&naive->rules[i], data, len) &&
            (best == NULL || speaks_before(&naive->rules[i], best)))
            best = &naive->rules[i];
    return best;
}

static void random_bytes(char *bytes, size_t len, const char *alphabet, size_t letters)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = alphabet[random_below((uint32_t)letters)];
}

/* Kinds, folding and lengths in changing mixtures, ids in no order, patterns repeated. */
static void random_rules(struct naive *naive, const char *alphabet, size_t letters)
{
    uint32_t max_len = 1 + random_below(MAX_LEN), folding = random_below(3), kind = random_below(6);
    naive->count = random_below(MAX_RULES + 1);
    for (size_t i = 0; i < naive->count; i++) {
        struct ckf_rule *rule = &naive->rules[i];
        rule->id = (uint32_t)(i * 37 % 41 + 1);
        rule->match = (enum ckf_match)(kind < 4 ? kind : random_below(4));
        rule->action = (enum ckf_action)random_below(2);
        rule->pattern = naive->patterns[i];
        rule->pattern_len = 1 + random_below(max_len);
        rule->fold_ascii_case = folding == 2 ? random_below(2) : folding;
        random_bytes(naive->patterns[i], rule->pattern_len, alphabet, letters);
    }
}

/* Random bytes, or a pattern with something before, behind or in it. */
static size_t random_record(const struct naive *naive, char *record, const char *alphabet,
                            size_t letters)
{
    size_t len = random_below(2 * MAX_LEN);
    random_bytes(record, len, alphabet, letters);
    if (naive->count == 0 || random_below(2) == 0)
        return len;
    const struct ckf_rule *rule = &naive->rules[random_below((uint32_t)naive->count)];
    size_t at = random_below(3) * random_below(8);
    memcpy(record + at, rule->pattern, rule->pattern_len);
    size_t behind = at + rule->pattern_len + random_below(3) * random_below(4);
    if (at == 0 || random_below(2) == 0)
        len = behind; /* what lies beyond the pattern was made random before, or is a letter */
    if (random_below(4) == 0)
        record[at + random_below((uint32_t)rule->pattern_len)] ^= 0x20;
    return len;
}

/* So that AddressSanitizer sees who reads beyond a record. */
static void *exact_copy(const char *bytes, size_t len)
{
    void *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

static void compare_with_naive(struct ckf_filter *filter, const struct naive *naive,
                               const char *alphabet, size_t letters)
{
    enum { RECORDS = 40, ROOM = 4 * MAX_LEN };
    char bytes[RECORDS][ROOM];
    struct ckf_record records[RECORDS];
    struct ckf_verdict verdicts[RECORDS];
    for (size_t i = 0; i < RECORDS; i++) {
        random_bytes(bytes[i], ROOM, alphabet, letters);
        size_t len = random_record(naive, bytes[i], alphabet, letters);
        records[i] = (struct ckf_record){exact_copy(bytes[i], len), len};
    }
    ckf_filter_evaluate_many(filter, records, verdicts, RECORDS);
    for (size_t i = 0; i < RECORDS; i++) {
        const struct ckf_rule *rule = naive_find(naive, bytes[i], records[i].len);
        struct ckf_verdict alone = ckf_filter_evaluate(filter, records[i]);
        assert_int_equal(alone.rule_id, verdicts[i].rule_id);
        assert_int_equal(alone.action, verdicts[i].action);
        if (verdicts[i].rule_id != (rule != NULL ? rule->id : 0) ||
            verdicts[i].action != (rule != NULL ? rule->action : CKF_ACTION_PASS))
            fail_msg("record \"%.*s\": rule %u, naively %u", (int)records[i].len, bytes[i],
                     verdicts[i].rule_id, rule != NULL ? rule->id : 0);
        free((void *)(uintptr_t)records[i].data);
    }
}

static void verdicts_are_those_of_a_naive_matcher(void **state)
{
    static const struct {
        const char *letters;
        size_t count;
    } alphabets[] = {{"ab", 2}, {"abAB", 4}, {"aAbBzZ@[`{", 10}, {"a\0\xff\x80\xc0\xe0", 6}};
    const unsigned rulesets = 3000 * test_times();
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    for (unsigned i = 0; i < rulesets; i++) {
        static struct naive naive;
        const char *letters = alphabets[i % 4].letters;
        random_rules(&naive, letters, alphabets[i % 4].count);
        struct ckf_ruleset *ruleset = new_ruleset();
        for (size_t rule = 0; rule < naive.count; rule++)
            assert_int_equal(ckf_ruleset_add(ruleset, &naive.rules[rule]), CKF_OK);
        publish(filter, ruleset);
        ckf_ruleset_destroy(ruleset);
        compare_with_naive(filter, &naive, letters, alphabets[i % 4].count);
    }
    ckf_filter_destroy(filter);
}

static void add_numbered(struct ckf_ruleset *ruleset, uint32_t first, uint32_t count,
                         enum ckf_match match)
{
    for (uint32_t id = first; id < first + count; id++) {
        char pattern[32];
        snprintf(pattern, sizeof pattern, "pattern %u", id);
        add(ruleset, id, match, CKF_ACTION_DROP, pattern, false);
    }
}

static void a_filter_tells_what_its_rules_became(void **state)
{
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    struct ckf_ruleset *ruleset = new_ruleset();
    struct ckf_compiled compiled;
    ckf_filter_read_compiled(filter, &compiled);
    assert_int_equal(compiled.generation, 1);
    assert_int_equal(compiled.exact + compiled.prefix + compiled.suffix + compiled.substring, 0);
    const uint64_t of_nothing = compiled.bytes;
    assert_true(of_nothing > 0);

    add_numbered(ruleset, 1, 7, CKF_MATCH_EXACT);
    add_numbered(ruleset, 101, 5, CKF_MATCH_PREFIX);
    add_numbered(ruleset, 201, 3, CKF_MATCH_SUFFIX);
    add_numbered(ruleset, 301, 2, CKF_MATCH_SUBSTRING);
    publish(filter, ruleset);
    ckf_filter_read_compiled(filter, &compiled);
    assert_int_equal(compiled.generation, 2);
    assert_int_equal(compiled.backend, CKF_BACKEND_OWN);
    assert_int_equal(compiled.exact, 7);
    assert_int_equal(compiled.prefix, 5);
    assert_int_equal(compiled.suffix, 3);
    assert_int_equal(compiled.substring, 2);
    assert_int_equal(compiled.needles, 2);
    assert_int_equal(compiled.teddy + compiled.grams + compiled.hyperscan, 0);
    assert_true(compiled.bytes > of_nothing);

    add_numbered(ruleset, 401, 18, CKF_MATCH_SUBSTRING);
    publish(filter, ruleset);
    ckf_filter_read_compiled(filter, &compiled);
    assert_int_equal(compiled.needles, 0);
    assert_int_equal(compiled.teddy + compiled.grams, 20); /* vectors, if the machine has them */
    add_numbered(ruleset, 501, 100, CKF_MATCH_SUBSTRING);
    publish(filter, ruleset);
    ckf_filter_read_compiled(filter, &compiled);
    assert_int_equal(compiled.substring, 120);
    assert_int_equal(compiled.grams, 120);
    assert_int_equal(compiled.teddy + compiled.needles, 0);
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
}

/* More patterns than the automaton has rows for: its states without a row must agree too. */
static void large_rulesets_decide_like_small_ones(void **state)
{
    enum { RULES = 6000, LEN = 40 };
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    struct ckf_ruleset *ruleset = new_ruleset();
    char(*patterns)[LEN] = malloc(RULES * sizeof *patterns);
    assert_non_null(patterns);
    for (uint32_t i = 0; i < RULES; i++) {
        static const char letters[] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        random_bytes(patterns[i], LEN, letters, sizeof letters - 1);
        struct ckf_rule rule = {
            i + 1, (enum ckf_match)(i % 4), CKF_ACTION_DROP, patterns[i], LEN - i % 7, i % 3 == 0};
        assert_int_equal(ckf_ruleset_add(ruleset, &rule), CKF_OK);
    }
    publish(filter, ruleset);
    for (uint32_t i = 0; i < RULES; i++) {
        char record[LEN + 4] = "..", *at = record;
        size_t len = LEN - i % 7;
        if (i % 4 >= CKF_MATCH_SUFFIX)
            at += 2;
        memcpy(at, patterns[i], len);
        if (i % 3 == 0)
            for (size_t c = 0; c < len; c++)
                at[c] = (char)(at[c] >= 'a' && at[c] <= 'z' ? at[c] - 32 : at[c]);
        size_t size = (size_t)(at - record) + len;
        if (i % 4 == CKF_MATCH_SUBSTRING || i % 4 == CKF_MATCH_PREFIX)
            record[size++] = '!';
        assert_int_equal(ckf_filter_evaluate(filter, (struct ckf_record){record, size}).rule_id,
                         i + 1);
        at[len / 2] = '~';
        assert_int_equal(ckf_filter_evaluate(filter, (struct ckf_record){record, size}).rule_id, 0);
    }
    free(patterns);
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
}

static void patterns_may_be_very_long(void **state)
{
    enum { LEN = 300000 };
    char *bytes = malloc(LEN + 1);
    assert_non_null(bytes);
    memset(bytes, 'a', LEN);
    bytes[LEN] = 'b';
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    struct ckf_ruleset *ruleset = new_ruleset();
    for (uint32_t i = 0; i < 16; i++) {
        struct ckf_rule rule = {i + 1,           (enum ckf_match)(i % 4),
                                CKF_ACTION_DROP, bytes + i / 8,
                                LEN - i / 4,     i / 4 % 2 == 1};
        assert_int_equal(ckf_ruleset_add(ruleset, &rule), CKF_OK);
    }
    publish(filter, ruleset);
    bytes[0] = 'A';
    assert_int_equal(ckf_filter_evaluate(filter, (struct ckf_record){bytes, LEN - 1}).rule_id, 5);
    assert_int_equal(ckf_filter_evaluate(filter, (struct ckf_record){bytes, LEN}).rule_id, 6);
    free(bytes);
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
}

/* A rule for each length, by turns folding; several lengths around where lengths stop being told apart. */
static void exact_rules_hold_for_every_length(void **state)
{
    enum { LONGEST = 600, BATCH = 100 };
    static char bytes[LONGEST + BATCH];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = "abcdefgh"[i % 7];
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    struct ckf_ruleset *ruleset = new_ruleset();
    for (uint32_t len = 1; len <= LONGEST; len++) {
        struct ckf_rule rule = {len, CKF_MATCH_EXACT, CKF_ACTION_DROP, bytes, len, len % 2 == 0};
        assert_int_equal(ckf_ruleset_add(ruleset, &rule), CKF_OK);
    }
    publish(filter, ruleset);
    for (size_t first = 0; first <= LONGEST; first += BATCH) {
        struct ckf_record records[BATCH];
        struct ckf_verdict verdicts[BATCH];
        for (size_t i = 0; i < BATCH; i++)
            records[i] = (struct ckf_record){bytes, first + i};
        ckf_filter_evaluate_many(filter, records, verdicts, BATCH);
        for (size_t len = first; len < first + BATCH; len++)
            assert_int_equal(verdicts[len - first].rule_id, len <= LONGEST ? len : 0);
    }
    for (size_t len = 1; len <= LONGEST; len++) {
        char *last = &bytes[len - 1];
        assert_int_equal(ckf_filter_evaluate(filter, (struct ckf_record){bytes, len}).rule_id, len);
        *last = (char)(*last - 'a' + 'A');
        assert_int_equal(ckf_filter_evaluate(filter, (struct ckf_record){bytes, len}).rule_id,
                         len % 2 == 0 ? len : 0);
        *last = '!';
        assert_int_equal(ckf_filter_evaluate(filter, (struct ckf_record){bytes, len}).rule_id, 0);
        *last = "abcdefgh"[(len - 1) % 7];
    }
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
}

/* ---- Publishing ---- */

static void a_published_ruleset_is_independent_of_its_builder(void **state)
{
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    struct ckf_ruleset *ruleset = new_ruleset();
    uint64_t generation = 0;
    add(ruleset, 1, CKF_MATCH_EXACT, CKF_ACTION_DROP, "a", false);
    assert_int_equal(ckf_filter_publish(filter, ruleset, 0, &generation), CKF_OK);
    assert_int_equal(generation, 2);
    add(ruleset, 2, CKF_MATCH_EXACT, CKF_ACTION_DROP, "b", false);
    assert_int_equal(speaks(filter, "b"), 0);
    assert_int_equal(ckf_filter_publish(filter, ruleset, 2, &generation), CKF_OK);
    assert_int_equal(generation, 3);
    ckf_ruleset_destroy(ruleset);
    assert_int_equal(speaks(filter, "a"), 1);
    assert_int_equal(speaks(filter, "b"), 2);
    assert_int_equal(ckf_filter_generation(filter), 3);
    ckf_filter_destroy(filter);
}

static void a_stale_publish_changes_nothing(void **state)
{
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    struct ckf_ruleset *ruleset = new_ruleset(), *late = new_ruleset();
    add(ruleset, 1, CKF_MATCH_EXACT, CKF_ACTION_DROP, "a", false);
    add(late, 2, CKF_MATCH_EXACT, CKF_ACTION_DROP, "a", false);
    publish(filter, ruleset);
    static const uint64_t wrong[] = {1, 3, UINT64_MAX};
    for (int i = 0; i < 3; i++) {
        uint64_t generation = 77;
        assert_int_equal(ckf_filter_publish(filter, late, wrong[i], &generation), CKF_STALE);
        assert_int_equal(generation, 2);
        assert_int_equal(ckf_filter_publish(filter, late, wrong[i], NULL), CKF_STALE);
    }
    assert_int_equal(speaks(filter, "a"), 1);
    ckf_ruleset_destroy(ruleset);
    ckf_ruleset_destroy(late);
    ckf_filter_destroy(filter);
}

enum { PUBLISHERS = 3, PUBLISHES = 40 };

struct shared_rules {
    struct ckf_filter *filter;
    _Atomic(uint32_t) owner[PUBLISHERS * PUBLISHES + 2]; /* by generation: who added its rule */
    _Atomic(uint32_t) next_id;
};

/* Adds one rule at a time to what is there, as of the generation that it read. */
static int publish_on_top(void *arg)
{
    struct shared_rules *shared = arg;
    uint32_t id = atomic_fetch_add(&shared->next_id, 1);
    for (uint32_t done = 0; done < PUBLISHES;) {
        uint64_t base = ckf_filter_generation(shared->filter), generation;
        struct ckf_ruleset *ruleset = new_ruleset();
        char pattern[32];
        for (uint64_t g = 2; g <= base + 1; g++) {
            AWAIT(g == base + 1 || atomic_load(&shared->owner[g]) != 0);
            uint32_t rule = g == base + 1 ? id * 1000 + done : atomic_load(&shared->owner[g]);
            snprintf(pattern, sizeof pattern, "rule %u", rule);
            add(ruleset, rule, CKF_MATCH_EXACT, CKF_ACTION_DROP, pattern, false);
        }
        enum ckf_status status = ckf_filter_publish(shared->filter, ruleset, base, &generation);
        ckf_ruleset_destroy(ruleset);
        if (status == CKF_OK) {
            assert_int_equal(generation, base + 1);
            atomic_store(&shared->owner[generation], id * 1000 + done);
            done++;
        } else {
            assert_int_equal(status, CKF_STALE);
            assert_true(generation > base);
        }
    }
    return 0;
}

static void publishers_who_expect_a_generation_lose_no_rule(void **state)
{
    static struct shared_rules shared;
    struct test_thread threads[PUBLISHERS];
    memset(&shared, 0, sizeof shared);
    shared.filter = new_filter(state, CKF_ACTION_PASS);
    atomic_store(&shared.next_id, 1);
    for (int i = 0; i < PUBLISHERS; i++)
        thread_start(&threads[i], publish_on_top, &shared);
    for (int i = 0; i < PUBLISHERS; i++)
        thread_join(&threads[i]);
    assert_int_equal(ckf_filter_generation(shared.filter), PUBLISHERS * PUBLISHES + 1);
    for (uint32_t id = 1; id <= PUBLISHERS; id++)
        for (uint32_t i = 0; i < PUBLISHES; i++) {
            char record[32];
            snprintf(record, sizeof record, "rule %u", id * 1000 + i);
            assert_int_equal(speaks(shared.filter, record), id * 1000 + i);
        }
    ckf_filter_destroy(shared.filter);
}

/* ---- The generation oracle ---- */

enum { ORACLE_KEYS = 12, ORACLE_READERS = 3, ORACLE_BATCH = 8 };

/* What generation says to key: a rule for each key, of a kind and an action that only the two
 * numbers decide. Generation 1 has no rules. */
static bool oracle_has(uint64_t generation, uint32_t key)
{
    return generation > 1 && (generation * 2654435761u + key * 40503u) % 5 != 0;
}

static uint32_t oracle_id(uint64_t generation, uint32_t key)
{
    return 1 + key + ORACLE_KEYS * (uint32_t)(generation % 7);
}

static enum ckf_action oracle_action(uint64_t generation, uint32_t key)
{
    return (enum ckf_action)((generation + key) % 2);
}

struct oracle {
    struct ckf_filter *filter;
    _Atomic(bool) stop;
    _Atomic(uint64_t) evaluated, passed;
    char keys[ORACLE_KEYS][16];
};

static struct ckf_ruleset *oracle_ruleset(const struct oracle *oracle, uint64_t generation)
{
    struct ckf_ruleset *ruleset = new_ruleset();
    for (uint32_t key = 0; key < ORACLE_KEYS; key++)
        if (oracle_has(generation, key))
            add(ruleset, oracle_id(generation, key), (enum ckf_match)((generation + key) % 4),
                oracle_action(generation, key), oracle->keys[key], false);
    return ruleset;
}

static void check_oracle(const struct ckf_verdict *verdict, uint32_t key, uint64_t first,
                         uint64_t last)
{
    uint64_t generation = verdict->generation;
    bool has = oracle_has(generation, key);
    assert_true(generation >= first && generation <= last);
    assert_int_equal(verdict->reason, has ? CKF_REASON_RULE : CKF_REASON_DEFAULT);
    assert_int_equal(verdict->rule_id, has ? oracle_id(generation, key) : 0);
    assert_int_equal(verdict->action, has ? oracle_action(generation, key) : CKF_ACTION_PASS);
}

static int ask_the_oracle(void *arg)
{
    struct oracle *oracle = arg;
    uint64_t last_seen = 1, evaluated = 0, passed = 0;
    for (uint32_t round = 0; !atomic_load(&oracle->stop); round++) {
        struct ckf_record records[ORACLE_BATCH];
        struct ckf_verdict verdicts[ORACLE_BATCH];
        size_t count = round % 2 == 0 ? 1 : ORACLE_BATCH;
        for (size_t i = 0; i < count; i++)
            records[i] = text(oracle->keys[(round + i) % ORACLE_KEYS]);
        uint64_t first = ckf_filter_generation(oracle->filter);
        assert_true(first >= last_seen);
        if (count == 1)
            verdicts[0] = ckf_filter_evaluate(oracle->filter, records[0]);
        else
            ckf_filter_evaluate_many(oracle->filter, records, verdicts, count);
        uint64_t last = ckf_filter_generation(oracle->filter);
        for (size_t i = 0; i < count; i++) {
            check_oracle(&verdicts[i], (uint32_t)((round + i) % ORACLE_KEYS), first, last);
            assert_true(verdicts[i].generation == verdicts[0].generation);
            passed += verdicts[i].action == CKF_ACTION_PASS;
        }
        evaluated += count;
        last_seen = last;
    }
    atomic_fetch_add(&oracle->evaluated, evaluated);
    atomic_fetch_add(&oracle->passed, passed);
    return 0;
}

static void every_verdict_is_that_of_one_whole_generation(void **state)
{
    enum { GENERATIONS = 3000 };
    static struct oracle oracle;
    struct test_thread readers[ORACLE_READERS];
    memset(&oracle, 0, sizeof oracle);
    oracle.filter = new_filter(state, CKF_ACTION_PASS);
    for (uint32_t key = 0; key < ORACLE_KEYS; key++)
        snprintf(oracle.keys[key], sizeof oracle.keys[key], "<key %02u>", key);
    for (int i = 0; i < ORACLE_READERS; i++)
        thread_start(&readers[i], ask_the_oracle, &oracle);
    for (uint64_t generation = 2; generation <= GENERATIONS; generation++) {
        uint64_t published = 0;
        struct ckf_ruleset *ruleset = oracle_ruleset(&oracle, generation);
        assert_int_equal(ckf_filter_publish(oracle.filter, ruleset, generation - 1, &published),
                         CKF_OK);
        assert_int_equal(published, generation);
        ckf_ruleset_destroy(ruleset);
    }
    atomic_store(&oracle.stop, true);
    for (int i = 0; i < ORACLE_READERS; i++)
        thread_join(&readers[i]);
    struct ckf_filter_stats stats;
    ckf_filter_read_stats(oracle.filter, &stats);
    assert_true(stats.evaluated == atomic_load(&oracle.evaluated));
    assert_true(stats.passed == atomic_load(&oracle.passed));
    assert_true(stats.dropped == stats.evaluated - stats.passed);
    ckf_filter_destroy(oracle.filter);
}

/* ---- Counts ---- */

enum { COUNT_RULES = 100, COUNT_ROUNDS = 3000, COUNT_THREADS = 4 };

struct counted {
    struct ckf_filter *filter;
    _Atomic(uint64_t) hits[COUNT_RULES + 1]; /* [0]: the default */
    _Atomic(unsigned) running;
};

static int hit_rules(void *arg)
{
    struct counted *counted = arg;
    uint64_t hits[COUNT_RULES + 1] = {0};
    for (uint32_t i = 0; i < COUNT_ROUNDS; i++) {
        char record[16];
        snprintf(record, sizeof record, "r%u", i * 7 % (COUNT_RULES + 20));
        hits[ckf_filter_evaluate(counted->filter, text(record)).rule_id]++;
    }
    for (uint32_t id = 0; id <= COUNT_RULES; id++)
        atomic_fetch_add(&counted->hits[id], hits[id]);
    atomic_fetch_sub(&counted->running, 1);
    return 0;
}

static void publish_some_of_the_rules(struct ckf_filter *filter, uint32_t which)
{
    struct ckf_ruleset *ruleset = new_ruleset();
    for (uint32_t id = 1; id <= COUNT_RULES; id++) {
        char pattern[16];
        if ((id + which) % 3 == 0)
            continue;
        snprintf(pattern, sizeof pattern, "r%u", id);
        add(ruleset, id, CKF_MATCH_EXACT, (enum ckf_action)((id + which) % 2), pattern, false);
    }
    publish(filter, ruleset);
    ckf_ruleset_destroy(ruleset);
}

static bool check_hits(uint32_t id, uint64_t hits, void *arg)
{
    struct counted *counted = arg;
    assert_true(hits == atomic_exchange(&counted->hits[id], 0));
    return true;
}

static void hits_are_exact_across_publishes_and_thread_exits(void **state)
{
    static struct counted counted;
    struct test_thread threads[COUNT_THREADS];
    struct ckf_filter_stats stats, before = {0};
    memset(&counted, 0, sizeof counted);
    counted.filter = new_filter(state, CKF_ACTION_DROP);
    atomic_store(&counted.running, COUNT_THREADS);
    for (int i = 0; i < COUNT_THREADS; i++)
        thread_start(&threads[i], hit_rules, &counted);
    for (uint32_t which = 0; atomic_load(&counted.running) > 0; which++) {
        publish_some_of_the_rules(counted.filter, which);
        ckf_filter_read_stats(counted.filter, &stats);
        assert_true(stats.evaluated == stats.passed + stats.dropped);
        assert_true(stats.evaluated >= before.evaluated && stats.passed >= before.passed);
        before = stats;
    }
    for (int i = 0; i < COUNT_THREADS; i++)
        thread_join(&threads[i]);
    ckf_filter_read_stats(counted.filter, &stats);
    assert_int_equal(stats.evaluated, COUNT_THREADS * COUNT_ROUNDS);
    uint64_t by_rules = stats.evaluated - atomic_load(&counted.hits[0]);
    for (uint32_t id = 1; id <= COUNT_RULES; id++)
        by_rules -= atomic_load(&counted.hits[id]);
    assert_int_equal(by_rules, 0);
    ckf_filter_for_each_rule(counted.filter, check_hits, &counted);
    for (uint32_t id = 1; id <= COUNT_RULES; id++)
        assert_int_equal(atomic_load(&counted.hits[id]), 0);
    ckf_filter_destroy(counted.filter);
}

static void hits_stay_with_the_id(void **state)
{
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    struct ckf_ruleset *first = new_ruleset(), *second = new_ruleset(), *none = new_ruleset();
    add(first, 5, CKF_MATCH_EXACT, CKF_ACTION_DROP, "a", false);
    add(second, 5, CKF_MATCH_PREFIX, CKF_ACTION_PASS, "b", false);
    publish(filter, first);
    for (int i = 0; i < 3; i++)
        speaks(filter, "a");
    publish(filter, none);
    speaks(filter, "a");
    assert_int_equal(hits(filter, 5), 3);
    publish(filter, second);
    for (int i = 0; i < 4; i++)
        speaks(filter, "bcd");
    assert_int_equal(hits(filter, 5), 7);
    struct ckf_filter_stats stats;
    ckf_filter_read_stats(filter, &stats);
    assert_int_equal(stats.dropped, 3);
    assert_int_equal(stats.passed, 5);
    ckf_ruleset_destroy(first);
    ckf_ruleset_destroy(second);
    ckf_ruleset_destroy(none);
    ckf_filter_destroy(filter);
}

/* More threads at once than have cells of their own, and ids that came a few and many at a time. */
enum { ID_THREADS = 20, ID_STEPS = 4, IDS = 5300 };

struct many_ids {
    struct ckf_filter *filter;
    char patterns[IDS + 1][16];
    uint32_t ids;
    pthread_barrier_t all_here;
    bool visited[IDS + 1];
};

static void *evaluate_each_id(void *arg)
{
    struct many_ids *many = arg;
    speaks(many->filter, "none of them");
    pthread_barrier_wait(&many->all_here);
    for (uint32_t id = 1; id <= many->ids; id++)
        ckf_filter_evaluate(many->filter, text(many->patterns[id]));
    pthread_barrier_wait(&many->all_here);
    return NULL;
}

static bool each_once_a_thread(uint32_t id, uint64_t hits, void *arg)
{
    struct many_ids *many = arg;
    assert_false(many->visited[id]);
    many->visited[id] = true;
    assert_int_equal(hits, ID_THREADS);
    return true;
}

static void hits_are_exact_however_many_ids_come_at_once(void **state)
{
    static const uint32_t counts[ID_STEPS] = {3, 70, 200, IDS};
    static struct many_ids many;
    many.filter = new_filter(state, CKF_ACTION_PASS);
    many.ids = 0;
    memset(many.visited, 0, sizeof many.visited);
    struct ckf_ruleset *ruleset = new_ruleset();
    pthread_t threads[ID_THREADS];
    for (int step = 0; step < ID_STEPS; step++) {
        while (many.ids < counts[step]) {
            char *pattern = many.patterns[++many.ids];
            snprintf(pattern, sizeof many.patterns[0], "id %u", many.ids);
            add(ruleset, many.ids, CKF_MATCH_EXACT, many.ids % 2, pattern, many.ids % 3 == 0);
        }
        publish(many.filter, ruleset);
    }
    pthread_barrier_init(&many.all_here, NULL, ID_THREADS);
    for (int i = 0; i < ID_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, evaluate_each_id, &many), 0);
    for (int i = 0; i < ID_THREADS; i++)
        pthread_join(threads[i], NULL);
    ckf_filter_for_each_rule(many.filter, each_once_a_thread, &many);
    for (uint32_t id = 1; id <= IDS; id++)
        assert_true(many.visited[id]);
    struct ckf_filter_stats stats;
    ckf_filter_read_stats(many.filter, &stats);
    assert_int_equal(stats.evaluated, ID_THREADS * (IDS + 1));
    pthread_barrier_destroy(&many.all_here);
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(many.filter);
}

struct visits {
    struct ckf_filter *filter;
    uint32_t last, count, stop_after;
};

static bool visit_and_call_back(uint32_t id, uint64_t hits, void *arg)
{
    struct visits *visits = arg;
    assert_int_equal(id, visits->last + 1);
    assert_int_equal(hits, 0);
    visits->last = id;
    if (visits->count == 0)
        publish_some_of_the_rules(visits->filter, 0);
    ckf_filter_generation(visits->filter);
    return ++visits->count != visits->stop_after;
}

static void visitors_may_stop_and_may_call_back(void **state)
{
    enum { RULES = 300 };
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    struct ckf_ruleset *ruleset = new_ruleset();
    for (uint32_t id = 1; id <= RULES; id++)
        add(ruleset, id, CKF_MATCH_EXACT, CKF_ACTION_DROP, "same", false);
    publish(filter, ruleset);
    struct visits all = {.filter = filter}, some = {.filter = filter, .stop_after = 70};
    assert_int_equal(ckf_filter_for_each_rule(filter, visit_and_call_back, &all), CKF_OK);
    assert_int_equal(all.count, RULES);
    assert_int_equal(ckf_filter_for_each_rule(filter, visit_and_call_back, &some), CKF_OK);
    assert_int_equal(some.count, 70);
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
}

/* ---- Bounds ---- */

static void rule_ids_are_bounded(void **state)
{
    struct ckf_filter *filter;
    struct ckf_filter_options options = {.variant = VARIANT(state), .max_rule_ids = 3};
    assert_int_equal(ckf_filter_create(&filter, &options), CKF_OK);
    struct ckf_ruleset *two = new_ruleset(), *others = new_ruleset(), *again = new_ruleset();
    add(two, 1, CKF_MATCH_EXACT, CKF_ACTION_DROP, "a", false);
    add(two, 2, CKF_MATCH_EXACT, CKF_ACTION_DROP, "b", false);
    add(others, 3, CKF_MATCH_EXACT, CKF_ACTION_DROP, "a", false);
    add(others, 4, CKF_MATCH_EXACT, CKF_ACTION_DROP, "b", false);
    add(again, 1, CKF_MATCH_EXACT, CKF_ACTION_PASS, "c", false);
    add(again, 3, CKF_MATCH_EXACT, CKF_ACTION_PASS, "d", false);
    publish(filter, two);
    uint64_t generation = 77;
    assert_int_equal(ckf_filter_publish(filter, others, 0, &generation), CKF_BUSY);
    assert_int_equal(generation, 77);
    assert_int_equal(speaks(filter, "a"), 1);
    assert_int_equal(ckf_filter_generation(filter), 2);
    publish(filter, again);
    assert_int_equal(speaks(filter, "d"), 3);
    assert_int_equal(ckf_filter_publish(filter, others, 0, NULL), CKF_BUSY);
    assert_int_equal(speaks(filter, "c"), 1);
    assert_int_equal(hits(filter, 1), 2);
    ckf_ruleset_destroy(two);
    ckf_ruleset_destroy(others);
    ckf_ruleset_destroy(again);
    ckf_filter_destroy(filter);
}

static void without_memory_the_old_rules_go_on(void **state)
{
    AWAIT(live_allocations() == 0); /* what earlier tests retired */
    struct ckf_filter *filter;
    struct ckf_filter_options options = {.name = "named", .variant = VARIANT(state)};
    struct ckf_ruleset *old = new_ruleset(), *fresh = new_ruleset();
    add(old, 1, CKF_MATCH_EXACT, CKF_ACTION_DROP, "a", false);
    for (uint32_t id = 2; id < 700; id++) {
        char pattern[32];
        snprintf(pattern, sizeof pattern, "%u of many", id * 7919 % 1009);
        add(fresh, id, (enum ckf_match)(id % 4), CKF_ACTION_DROP, pattern, id % 3 == 0);
    }
    bool failed = true;
    for (unsigned nth = 1; failed; nth++) {
        errno = 1234;
        fail_allocation(nth);
        enum ckf_status created = ckf_filter_create(&filter, &options);
        failed = allocation_failed();
        assert_int_equal(errno, 1234);
        assert_int_equal(created, failed ? CKF_NO_MEMORY : CKF_OK);
        if (failed)
            assert_null(filter);
    }
    fail_allocation(0);
    publish(filter, old);
    failed = true;
    for (unsigned nth = 1; failed; nth++) {
        uint64_t generation = 77;
        errno = 1234;
        fail_allocation(nth);
        enum ckf_status published = ckf_filter_publish(filter, fresh, 2, &generation);
        failed = allocation_failed();
        fail_allocation(0);
        assert_int_equal(errno, 1234);
        assert_int_equal(published, failed ? CKF_NO_MEMORY : CKF_OK);
        assert_int_equal(generation, failed ? 77 : 3);
        assert_int_equal(ckf_filter_generation(filter), failed ? 2 : 3);
        assert_int_equal(speaks(filter, "a"), failed ? 1 : 0);
    }
    ckf_filter_destroy(filter);
    ckf_ruleset_destroy(old);
    ckf_ruleset_destroy(fresh);
    AWAIT(live_allocations() == 0);
}

/* ---- Forks and misuse ---- */

struct forked {
    struct ckf_filter *filter;
    _Atomic(bool) stop;
};

static int evaluate_until_told(void *arg)
{
    struct forked *forked = arg;
    while (!atomic_load(&forked->stop))
        ckf_filter_evaluate(forked->filter, text("a"));
    return 0;
}

static int evaluate_many_until_told(void *arg)
{
    struct forked *forked = arg;
    const struct ckf_record records[2] = {text("a"), text("b")};
    struct ckf_verdict verdicts[2];
    while (!atomic_load(&forked->stop))
        ckf_filter_evaluate_many(forked->filter, records, verdicts, 2);
    return 0;
}

static int publish_until_told(void *arg)
{
    struct forked *forked = arg;
    struct ckf_ruleset *ruleset = new_ruleset();
    add(ruleset, 1, CKF_MATCH_EXACT, CKF_ACTION_DROP, "a", false);
    while (!atomic_load(&forked->stop))
        publish(forked->filter, ruleset);
    ckf_ruleset_destroy(ruleset);
    return 0;
}

/* Returns what is wrong, as an exit status. */
static int use_inherited(struct ckf_filter *filter)
{
    struct ckf_filter_stats before, after;
    struct ckf_ruleset *ruleset;
    struct ckf_rule rule = {2, CKF_MATCH_EXACT, CKF_ACTION_DROP, "a", 1, false};
    ckf_filter_read_stats(filter, &before);
    if (before.evaluated != before.passed + before.dropped)
        return 1;
    const struct ckf_record records[2] = {text("a"), text("b")};
    struct ckf_verdict verdicts[2];
    for (int i = 0; i < 8; i++)
        ckf_filter_evaluate(filter, text("a"));
    ckf_filter_evaluate_many(filter, records, verdicts, 2);
    if (ckf_ruleset_create(&ruleset) != CKF_OK || ckf_ruleset_add(ruleset, &rule) != CKF_OK)
        return 2;
    if (ckf_filter_publish(filter, ruleset, before.generation, NULL) != CKF_OK)
        return 3;
    if (ckf_filter_evaluate(filter, text("a")).rule_id != 2)
        return 4;
    ckf_filter_read_stats(filter, &after);
    if (after.evaluated != before.evaluated + 11)
        return 5;
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
    return 0;
}

static void a_forked_child_may_use_what_it_inherits(void **state)
{
    enum { FORKS = 20 };
    struct forked forked = {.filter = new_filter(state, CKF_ACTION_PASS)};
    struct test_thread evaluator, batches, publisher;
    thread_start(&evaluator, evaluate_until_told, &forked);
    thread_start(&batches, evaluate_many_until_told, &forked);
    thread_start(&publisher, publish_until_told, &forked);
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(CAN_WORK_AFTER_ALLOCATING_FORK ? use_inherited(forked.filter) : 0);
        assert_child_succeeds(child);
    }
    atomic_store(&forked.stop, true);
    thread_join(&evaluator);
    thread_join(&batches);
    thread_join(&publisher);
    struct ckf_filter_stats stats;
    ckf_filter_read_stats(forked.filter, &stats);
    assert_true(stats.evaluated == stats.passed + stats.dropped);
    ckf_filter_destroy(forked.filter);
}

static void evaluate_nothing(void *arg)
{
    ckf_filter_evaluate(arg, text("a"));
}

static void evaluate_many_of_nothing(void *arg)
{
    ckf_filter_evaluate_many(arg, NULL, NULL, 1);
}

static void publish_nothing(void *arg)
{
    if (ckf_filter_publish(arg, NULL, 0, NULL) != CKF_OK)
        _exit(1);
}

static void describe_nothing(void *arg)
{
    ckf_filter_read_compiled(arg, NULL);
}

static int call_while_cancelled(void *arg)
{
    struct ckf_filter *filter;
    struct ckf_ruleset *ruleset;
    struct ckf_filter_stats stats;
    int old;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    pthread_cancel(pthread_self()); /* takes effect at the first cancellation point */
    (void)!ckf_filter_create(&filter, arg);
    (void)!ckf_ruleset_create(&ruleset);
    struct ckf_rule rule = {7, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "b", 1, false};
    (void)!ckf_ruleset_add(ruleset, &rule);
    (void)!ckf_filter_publish(filter, ruleset, 0, NULL);
    (void)ckf_filter_evaluate(filter, text("abc"));
    ckf_filter_read_stats(filter, &stats);
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    return 5;
}

static void no_call_is_a_cancellation_point(void **state)
{
    struct ckf_filter_options options = {.variant = VARIANT(state)};
    struct test_thread thread;
    thread_start(&thread, call_while_cancelled, &options);
    assert_int_equal(thread_join(&thread), 5);
}

static void misuse_ends_the_program(void **state)
{
    struct ckf_filter *filter = new_filter(state, CKF_ACTION_PASS);
    assert_true(aborts_in("ckf_filter_evaluate", evaluate_nothing, NULL));
    assert_true(aborts_in("ckf_filter_evaluate_many", evaluate_many_of_nothing, filter));
    assert_true(aborts_in("ckf_filter_publish", publish_nothing, filter));
    assert_true(aborts_in("ckf_filter_read_compiled", describe_nothing, filter));
    ckf_filter_evaluate_many(filter, NULL, NULL, 0);
    ckf_filter_destroy(filter);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS(a_new_filter_has_generation_1_and_no_rules),
        cmocka_unit_test(defaults_come_without_options),
        cmocka_unit_test(bad_options_are_refused),
        BOTH_VARIANTS(null_records_are_not_empty_ones),
        BOTH_VARIANTS(the_order_of_precedence_holds),
        BOTH_VARIANTS(only_ascii_letters_fold),
        BOTH_VARIANTS(verdicts_are_those_of_a_naive_matcher),
        BOTH_VARIANTS(a_filter_tells_what_its_rules_became),
        BOTH_VARIANTS(large_rulesets_decide_like_small_ones),
        BOTH_VARIANTS(patterns_may_be_very_long),
        BOTH_VARIANTS(exact_rules_hold_for_every_length),
        BOTH_VARIANTS(a_published_ruleset_is_independent_of_its_builder),
        BOTH_VARIANTS(a_stale_publish_changes_nothing),
        BOTH_VARIANTS(publishers_who_expect_a_generation_lose_no_rule),
        BOTH_VARIANTS(every_verdict_is_that_of_one_whole_generation),
        BOTH_VARIANTS(hits_are_exact_across_publishes_and_thread_exits),
        BOTH_VARIANTS(hits_stay_with_the_id),
        BOTH_VARIANTS(hits_are_exact_however_many_ids_come_at_once),
        BOTH_VARIANTS(visitors_may_stop_and_may_call_back),
        BOTH_VARIANTS(rule_ids_are_bounded),
        BOTH_VARIANTS(without_memory_the_old_rules_go_on),
        BOTH_VARIANTS(a_forked_child_may_use_what_it_inherits),
        BOTH_VARIANTS(no_call_is_a_cancellation_point),
        BOTH_VARIANTS(misuse_ends_the_program),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
