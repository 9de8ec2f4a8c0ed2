/* tests/test_filter_memory.c - replaced rulesets: how much of them may be kept, what a reader that
 * does not move on does to publishing, and that all memory comes back. */
#include "support.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ck_filter/filter.h>

#include "filter/grams.h"
#include "filter/id_index.h"
#include "filter/pattern.h"
#include "filter/state.h"
#include "filter/teddy.h"
#include "sync/reclaim.h"

static struct ckf_filter *new_filter(void **state, size_t max_retired_bytes)
{
    struct ckf_filter *filter;
    struct ckf_filter_options options = {.variant = VARIANT(state),
                                         .max_retired_bytes = max_retired_bytes};
    assert_int_equal(ckf_filter_create(&filter, &options), CKF_OK);
    return filter;
}

/* Rules 1 to count. Two rulesets of one count are equally large. */
static struct ckf_ruleset *new_rules(uint32_t count)
{
    struct ckf_ruleset *ruleset;
    assert_int_equal(ckf_ruleset_create(&ruleset), CKF_OK);
    for (uint32_t id = 1; id <= count; id++) {
        char pattern[16];
        snprintf(pattern, sizeof pattern, "rule %06u", id);
        struct ckf_rule rule = {id,      CKF_MATCH_SUBSTRING, CKF_ACTION_DROP,
                                pattern, strlen(pattern),     false};
        assert_int_equal(ckf_ruleset_add(ruleset, &rule), CKF_OK);
    }
    return ruleset;
}

static uint32_t speaks(struct ckf_filter *filter, const char *record)
{
    return ckf_filter_evaluate(filter, (struct ckf_record){record, strlen(record)}).rule_id;
}

static struct ckf_filter_stats stats_of(struct ckf_filter *filter)
{
    struct ckf_filter_stats stats;
    ckf_filter_read_stats(filter, &stats);
    return stats;
}

/* An evaluation that stopped in the middle. */
struct stuck {
    struct ckf_filter *filter;
    struct ckf_snapshot *snapshot;
    _Atomic(bool) inside, leave;
    struct test_thread thread;
};

static int evaluate_for_ever(void *arg)
{
    struct stuck *stuck = arg;
    struct ckf_filter *filter = stuck->filter;
    bool locked = filter->variant == CKF_VARIANT_MUTEX;
    if (locked)
        stuck->snapshot = ckf_locked_pin(filter);
    else
        ckf_read_begin();
    atomic_store(&stuck->inside, true);
    while (!atomic_load(&stuck->leave))
        give_way();
    if (locked)
        ckf_locked_count(filter, NULL, 0, stuck->snapshot);
    else
        ckf_read_end();
    return 0;
}

static void start_stuck(struct stuck *stuck, struct ckf_filter *filter)
{
    *stuck = (struct stuck){.filter = filter};
    thread_start(&stuck->thread, evaluate_for_ever, stuck);
    AWAIT(atomic_load(&stuck->inside));
}

static void end_stuck(struct stuck *stuck)
{
    atomic_store(&stuck->leave, true);
    thread_join(&stuck->thread);
}

static void one_replaced_ruleset_is_always_allowed(void **state)
{
    struct ckf_filter *filter = new_filter(state, 1);
    struct ckf_ruleset *large = new_rules(3000);
    struct stuck stuck;
    assert_int_equal(ckf_filter_publish(filter, large, 0, NULL), CKF_OK);
    AWAIT(stats_of(filter).retired_snapshots == 0);
    start_stuck(&stuck, filter);
    assert_int_equal(ckf_filter_publish(filter, large, 0, NULL), CKF_OK);
    assert_int_equal(stats_of(filter).retired_snapshots, 1);
    assert_true(stats_of(filter).retired_bytes > 3000);
    uint64_t generation = 77;
    assert_int_equal(ckf_filter_publish(filter, large, 0, &generation), CKF_BUSY);
    assert_int_equal(generation, 77);
    assert_int_equal(stats_of(filter).generation, 3);
    assert_int_equal(speaks(filter, "a rule 003000."), 3000);
    end_stuck(&stuck);
    AWAIT(ckf_filter_publish(filter, large, 3, &generation) == CKF_OK);
    assert_int_equal(generation, 4);
    AWAIT(stats_of(filter).retired_snapshots == 0);
    assert_int_equal(stats_of(filter).retired_bytes, 0);
    ckf_ruleset_destroy(large);
    ckf_filter_destroy(filter);
}

static void publishes_are_busy_at_the_bound_until_readers_move_on(void **state)
{
    enum { ALLOWED = 5 };
    struct ckf_ruleset *rules = new_rules(200);
    struct ckf_filter *probe = new_filter(state, 0);
    assert_int_equal(ckf_filter_publish(probe, rules, 0, NULL), CKF_OK);
    const struct ckf_snapshot *snapshot =
        VARIANT(state) == CKF_VARIANT_MUTEX ? probe->locked_current : atomic_load(&probe->current);
    size_t bytes = snapshot->bytes;
    ckf_filter_destroy(probe);

    struct ckf_filter *filter = new_filter(state, ALLOWED * bytes);
    struct stuck stuck[ALLOWED];
    assert_int_equal(ckf_filter_publish(filter, rules, 0, NULL), CKF_OK);
    AWAIT(stats_of(filter).retired_snapshots == 0);
    for (int i = 0; i < ALLOWED; i++) {
        start_stuck(&stuck[i], filter);
        assert_int_equal(ckf_filter_publish(filter, rules, 0, NULL), CKF_OK);
    }
    assert_int_equal(stats_of(filter).retired_snapshots, ALLOWED);
    assert_int_equal(stats_of(filter).retired_bytes, ALLOWED * bytes);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ckf_filter_publish(filter, rules, 0, NULL), CKF_BUSY);
    assert_int_equal(speaks(filter, "rule 000200"), 200);
    assert_int_equal(ckf_filter_generation(filter), ALLOWED + 2);
    for (int i = 0; i < ALLOWED; i++)
        end_stuck(&stuck[i]);
    AWAIT(ckf_filter_publish(filter, rules, 0, NULL) == CKF_OK);
    assert_int_equal(stats_of(filter).evaluated, 1);
    ckf_ruleset_destroy(rules);
    ckf_filter_destroy(filter);
}

static void a_publish_does_not_wait_for_evaluations(void **state)
{
    struct ckf_filter *filter = new_filter(state, 0);
    struct ckf_ruleset *rules = new_rules(10);
    struct stuck stuck;
    start_stuck(&stuck, filter);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ckf_filter_publish(filter, rules, 0, NULL), CKF_OK);
    assert_int_equal(speaks(filter, "rule 000010"), 10);
    end_stuck(&stuck);
    ckf_ruleset_destroy(rules);
    ckf_filter_destroy(filter);
}

struct storm {
    struct ckf_filter *filter;
    _Atomic(bool) stop;
    uint64_t evaluated; /* by the reader; to be read when it has ended */
};

static int evaluate_in_the_storm(void *arg)
{
    struct storm *storm = arg;
    while (!atomic_load(&storm->stop)) {
        speaks(storm->filter, "some rule 000017 or other");
        storm->evaluated++;
    }
    return 0;
}

static void a_storm_of_publishes_keeps_to_the_bound_and_leaks_nothing(void **state)
{
    enum { BOUND = 1 << 20 };
    const unsigned publishes = 2000 * test_times();
    ckf_wait_for_reclaim();
    size_t before = live_allocations();
    struct storm storm = {.filter = new_filter(state, BOUND)};
    struct ckf_ruleset *rules = new_rules(50);
    struct test_thread reader;
    thread_start(&reader, evaluate_in_the_storm, &storm);
    unsigned published = 0;
    while (published < publishes) {
        enum ckf_status status = ckf_filter_publish(storm.filter, rules, 0, NULL);
        assert_true(status == CKF_OK || status == CKF_BUSY);
        published += status == CKF_OK;
        assert_true(stats_of(storm.filter).retired_bytes <= BOUND);
    }
    atomic_store(&storm.stop, true);
    thread_join(&reader);
    assert_int_equal(ckf_filter_generation(storm.filter), publishes + 1);
    assert_true(stats_of(storm.filter).evaluated == storm.evaluated);
    assert_true(stats_of(storm.filter).passed + stats_of(storm.filter).dropped == storm.evaluated);
    ckf_filter_destroy(storm.filter);
    ckf_ruleset_destroy(rules);
    ckf_wait_for_reclaim();
    assert_int_equal(live_allocations(), before);
}

/* ThreadSanitizer knows no threads in forked children, so there nobody reclaims unless it is waited for. */
static bool is_over(int64_t end_ns)
{
#ifdef __SANITIZE_THREAD__
    ckf_wait_for_reclaim();
#endif
    return clock_ns() > end_ns;
}

/* Returns what is wrong, as an exit status. */
static int use_in_child(struct ckf_filter *filter, const struct ckf_ruleset *rules)
{
    int64_t end = clock_ns() + PATIENCE_NS;
    uint64_t generation = ckf_filter_generation(filter);
    for (int i = 0; i < 10; i++)
        while (ckf_filter_publish(filter, rules, 0, NULL) != CKF_OK)
            if (is_over(end))
                return 1;
    if (ckf_filter_generation(filter) != generation + 10)
        return 2;
    while (stats_of(filter).retired_snapshots > 1)
        if (is_over(end))
            return 3;
    ckf_filter_destroy(filter);
    return 0;
}

static void readers_that_a_fork_left_behind_hold_nothing_in_the_child(void **state)
{
    struct ckf_filter *filter = new_filter(state, 1);
    struct ckf_ruleset *rules = new_rules(20);
    struct stuck stuck;
    start_stuck(&stuck, filter);
    assert_int_equal(ckf_filter_publish(filter, rules, 0, NULL), CKF_OK);
    assert_int_equal(ckf_filter_publish(filter, rules, 0, NULL), CKF_BUSY);
    pid_t child = fork();
    if (child == 0)
        _exit(use_in_child(filter, rules));
    assert_child_succeeds(child);
    assert_int_equal(ckf_filter_publish(filter, rules, 0, NULL), CKF_BUSY);
    end_stuck(&stuck);
    AWAIT(ckf_filter_publish(filter, rules, 0, NULL) == CKF_OK);
    ckf_ruleset_destroy(rules);
    ckf_filter_destroy(filter);
}

/* Rules of one kind, patterns of min_len to max_len bytes, of few letters or of all. */
struct shape {
    enum ckf_match match;
    uint32_t rules;
    size_t min_len, max_len;
    unsigned letters;
    bool folds;
};

static struct ckf_ruleset *shaped_rules(const struct shape *shape, size_t *pattern_bytes)
{
    struct ckf_ruleset *ruleset;
    uint32_t random = 1;
    unsigned char *text = malloc(shape->max_len);
    assert_non_null(text);
    assert_int_equal(ckf_ruleset_create(&ruleset), CKF_OK);
    for (uint32_t i = 0; i < shape->rules; i++) {
        size_t len = shape->min_len + i % (shape->max_len - shape->min_len + 1);
        for (size_t at = 0; at < len; at++)
            text[at] =
                (unsigned char)((random = random * 1103515245 + 12345) / 65536 % shape->letters);
        struct ckf_rule rule = {i + 1, shape->match, CKF_ACTION_DROP, text, len, shape->folds};
        assert_int_equal(ckf_ruleset_add(ruleset, &rule), CKF_OK);
        *pattern_bytes += len;
    }
    free(text);
    return ruleset;
}

static struct ckf_compiled compiled_of(struct ckf_filter *filter)
{
    struct ckf_compiled compiled;
    ckf_filter_read_compiled(filter, &compiled);
    return compiled;
}

static void publish_and_reclaim(struct ckf_filter *filter, const struct ckf_ruleset *ruleset)
{
    assert_int_equal(ckf_filter_publish(filter, ruleset, 0, NULL), CKF_OK);
    ckf_wait_for_reclaim();
}

/* As <ck_filter/filter.h> has it. */
static size_t bound_of(uint32_t rules, size_t pattern_bytes)
{
    return ((size_t)6 << 20) + 350 * (size_t)rules + 16 * pattern_bytes;
}

static void check_bound(struct ckf_filter *filter, const struct shape *shape)
{
    size_t pattern_bytes = 0;
    struct ckf_ruleset *rules = shaped_rules(shape, &pattern_bytes), *none = new_rules(0);
    publish_and_reclaim(filter, rules); /* ids get their counters, which stay */
    publish_and_reclaim(filter, none);
    size_t before = live_bytes(), of_none = (size_t)compiled_of(filter).bytes;
    size_t bound = bound_of(shape->rules, pattern_bytes);
    forget_peak();
    int64_t since_ns = clock_ns();
    assert_int_equal(ckf_filter_publish(filter, rules, 0, NULL), CKF_OK);
    int64_t took_ns = clock_ns() - since_ns;
    assert_true(peak_bytes() - before <= 2 * bound);
    ckf_wait_for_reclaim();
    struct ckf_compiled compiled = compiled_of(filter);
    size_t held = live_bytes() - before + of_none;
    assert_in_range(compiled.bytes, held - held / 16 - 4096, held);
    assert_true(compiled.bytes <= bound);
    assert_in_range(compiled.compile_ns, 1, took_ns);
    ckf_ruleset_destroy(rules);
    ckf_ruleset_destroy(none);
}

static void compiled_rules_keep_to_the_bound_and_say_what_they_are(void **state)
{
    static const struct shape shapes[] = {
        {CKF_MATCH_EXACT, 20000, 1, 40, 256, false},
        {CKF_MATCH_EXACT, 20000, 30, 30, 26, true},
        {CKF_MATCH_PREFIX, 20000, 1, 40, 256, false},
        {CKF_MATCH_SUFFIX, 3000, 100, 300, 2, true},
        {CKF_MATCH_SUBSTRING, 256, 1, 1, 256, false},
        {CKF_MATCH_SUBSTRING, 30, 1, 40, 256, false},
        {CKF_MATCH_SUBSTRING, 20000, 16, 16, 256, true},
        {CKF_MATCH_SUBSTRING, 20000, 1, 8, 256, false},
        {CKF_MATCH_SUBSTRING, 300, 5000, 5299, 1, false}, /* beginnings of each other */
        {CKF_MATCH_SUBSTRING, 4, 250000, 250003, 256, false},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct ckf_filter *filter = new_filter(state, 0);
        check_bound(filter, &shapes[i]);
        ckf_filter_destroy(filter);
    }
}

static void sorting_survives_patterns_with_long_common_parts(void **state)
{
    (void)state;
    enum { COUNT = 300, LEN = 20000 };
    static unsigned char bytes[LEN + COUNT];
    static struct ckf_pattern patterns[COUNT];
    uint32_t ranks[COUNT];
    memset(bytes, 'a', sizeof bytes);
    for (uint32_t i = 0; i < COUNT; i++) {
        patterns[i] = (struct ckf_pattern){bytes, LEN + i / 2}; /* each twice */
        ranks[i] = COUNT - 1 - i;
    }
    assert_int_equal(ckf_sort_patterns(patterns, ranks, COUNT), COUNT / 2);
    for (uint32_t i = 0; i < COUNT / 2; i++)
        assert_int_equal(ranks[i], 2 * i);
    assert_int_equal(ckf_common_prefix(&patterns[0], &patterns[COUNT - 1]), LEN);
}

/* Grams as they are found with and without vectors, in records of many lengths; from 4 bytes on the
 * two ways differ. */
static void grams_are_found_alike_with_and_without_vectors(void **state)
{
    (void)state;
    enum { PATTERNS = 60, ROOM = 20, RECORDS = 4000, LONGEST = 150 };
    static unsigned char texts[PATTERNS][ROOM];
    struct ckf_pattern patterns[PATTERNS];
    bool folds[PATTERNS];
    uint32_t ranks[PATTERNS], random = 1;
    for (size_t min_len = 4; min_len < ROOM; min_len++) {
        for (uint32_t i = 0; i < PATTERNS; i++) {
            for (size_t at = 0; at < ROOM; at++)
                texts[i][at] =
                    (unsigned char)('a' + (random = random * 1103515245 + 12345) / 65536 % 3);
            patterns[i] = (struct ckf_pattern){texts[i], min_len + i % (ROOM - min_len + 1)};
            folds[i] = i % 5 == 0;
            ranks[i] = i;
        }
        struct ckf_grams grams;
        assert_true(ckf_grams_build(&grams, patterns, folds, ranks, PATTERNS, min_len));
        struct ckf_grams plain = grams;
        plain.vectors = false;
        for (unsigned record = 0; record < RECORDS; record++) {
            unsigned char bytes[LONGEST];
            size_t len = record % LONGEST;
            for (size_t at = 0; at < len; at++)
                bytes[at] =
                    (unsigned char)('a' + (random = random * 1103515245 + 12345) / 65536 % 3);
            uint32_t with = CKF_NO_RANK, without = CKF_NO_RANK;
            bool sure = ckf_grams_find(&grams, bytes, len, &with);
            assert_int_equal(ckf_grams_find(&plain, bytes, len, &without), sure);
            assert_int_equal(with, without);
        }
        ckf_grams_destroy(&grams);
    }
}

static uint32_t naive_rank(const struct ckf_pattern *patterns, const bool *folds, uint32_t count,
                           const unsigned char *data, size_t len)
{
    for (uint32_t rank = 0; rank < count; rank++)
        for (size_t at = 0; at + patterns[rank].len <= len; at++) {
            size_t same = 0;
            while (same < patterns[rank].len &&
                   patterns[rank].bytes[same] ==
                       (folds[rank] ? tolower(data[at + same]) : data[at + same]))
                same++;
            if (same == patterns[rank].len)
                return rank;
        }
    return CKF_NO_RANK;
}

/* Few letters and many, some beyond ASCII and some that differ in one bit from letters; records of many
 * lengths, each in memory of its own, so that who reads beyond one is seen. */
static void teddy_finds_what_a_naive_search_finds(void **state)
{
    (void)state;
    enum { ROOM = 12, RECORDS = 1500, LONGEST = 200, ALPHABETS = 3 };
    static const unsigned char alphabets[ALPHABETS][8] = {
        "abAB", "abcdEFGH", {'a', 'A', '!', 0, 0x80, 0xe1, 'b', 0xff}};
    static const unsigned letters[ALPHABETS] = {4, 8, 8};
    if (!ckf_teddy_takes(1))
        skip();
    uint32_t random = 1, sure = 0, all = 0;
    for (size_t round = 0; round < 3 * ROOM; round++) {
        const unsigned char *alphabet = alphabets[round % ALPHABETS];
        unsigned bytes_of = letters[round % ALPHABETS];
        uint32_t count = 1 + (uint32_t)round * 7 % CKF_TEDDY_PATTERNS;
        size_t min_len = 1 + round % ROOM;
        unsigned char texts[CKF_TEDDY_PATTERNS][ROOM];
        struct ckf_pattern patterns[CKF_TEDDY_PATTERNS];
        bool folds[CKF_TEDDY_PATTERNS];
        uint32_t ranks[CKF_TEDDY_PATTERNS];
        for (uint32_t i = 0; i < count; i++) {
            folds[i] = i % 3 == 0;
            for (size_t at = 0; at < ROOM; at++) {
                texts[i][at] = alphabet[(random = random * 1103515245 + 12345) / 65536 % bytes_of];
                if (folds[i])
                    texts[i][at] = (unsigned char)tolower(texts[i][at]);
            }
            patterns[i] = (struct ckf_pattern){texts[i], min_len + i % (ROOM - min_len + 1)};
            ranks[i] = i;
        }
        struct ckf_teddy teddy;
        assert_true(ckf_teddy_takes(count));
        ckf_teddy_build(&teddy, patterns, folds, ranks, count, min_len);
        for (size_t record = 0; record < RECORDS; record++, all++) {
            size_t len = record % LONGEST;
            unsigned char *bytes = malloc(len + (len == 0));
            for (size_t at = 0; at < len; at++)
                bytes[at] = alphabet[(random = random * 1103515245 + 12345) / 65536 % bytes_of];
            uint32_t found = CKF_NO_RANK;
            if (ckf_teddy_find(&teddy, bytes, len, &found)) {
                sure++;
                assert_int_equal(found, naive_rank(patterns, folds, count, bytes, len));
            }
            free(bytes);
        }
    }
    assert_false(ckf_teddy_takes(CKF_TEDDY_PATTERNS + 1));
    assert_true(sure > all / 2);
}

static void an_id_index_grows_and_can_be_cleared(void **state)
{
    (void)state;
    struct ckf_id_index index = {0};
    uint32_t value = 0;
    assert_false(ckf_id_index_find(&index, 1, &value));
    for (uint32_t id = 1; id <= 1000; id++) {
        assert_true(ckf_id_index_reserve(&index, 1));
        ckf_id_index_insert(&index, id << 20 | id, id);
    }
    for (uint32_t id = 1; id <= 1000; id++) {
        assert_true(ckf_id_index_find(&index, id << 20 | id, &value));
        assert_int_equal(value, id);
    }
    assert_false(ckf_id_index_find(&index, 7, &value));
    fail_allocation(1);
    assert_false(ckf_id_index_reserve(&index, 100000));
    assert_true(ckf_id_index_find(&index, 1 << 20 | 1, &value));
    ckf_id_index_clear(&index);
    assert_false(ckf_id_index_find(&index, 1 << 20 | 1, &value));
    ckf_id_index_destroy(&index);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS(one_replaced_ruleset_is_always_allowed),
        BOTH_VARIANTS(publishes_are_busy_at_the_bound_until_readers_move_on),
        BOTH_VARIANTS(a_publish_does_not_wait_for_evaluations),
        BOTH_VARIANTS(a_storm_of_publishes_keeps_to_the_bound_and_leaks_nothing),
        BOTH_VARIANTS(readers_that_a_fork_left_behind_hold_nothing_in_the_child),
        BOTH_VARIANTS(compiled_rules_keep_to_the_bound_and_say_what_they_are),
        cmocka_unit_test(sorting_survives_patterns_with_long_common_parts),
        cmocka_unit_test(grams_are_found_alike_with_and_without_vectors),
        cmocka_unit_test(teddy_finds_what_a_naive_search_finds),
        cmocka_unit_test(an_id_index_grows_and_can_be_cleared),
    };
    return cmocka_run_group_tests_name("filter_memory", tests, NULL, NULL);
}
