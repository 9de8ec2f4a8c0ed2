/* tests/test_hyperscan.c - rulesets whose substrings Hyperscan looks for: verdicts are those of the
 * library's own matchers and of a naive one, whatever runs out, and all memory comes back.
 *
 * Where the library was built without it, that is what is tested, and the rest is skipped. */
#include "support.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef CKF_HYPERSCAN
#include <hs.h>
#endif

#include <ck_filter/filter.h>

#include "filter/state.h"
#include "fuzz/naive.h"
#include "sync/reclaim.h"

static struct ckf_ruleset *new_ruleset(void)
{
    struct ckf_ruleset *ruleset;
    assert_int_equal(ckf_ruleset_create(&ruleset), CKF_OK);
    return ruleset;
}

static struct ckf_filter *new_filter(enum ckf_variant variant)
{
    struct ckf_filter *filter;
    struct ckf_filter_options options = {.variant = variant};
    assert_int_equal(ckf_filter_create(&filter, &options), CKF_OK);
    return filter;
}

static uint32_t speaks(struct ckf_filter *filter, const void *data, size_t len)
{
    return ckf_filter_evaluate(filter, (struct ckf_record){data, len}).rule_id;
}

static struct ckf_compiled compiled_of(struct ckf_filter *filter)
{
    struct ckf_compiled compiled;
    ckf_filter_read_compiled(filter, &compiled);
    return compiled;
}

/* ---- The choice ---- */

static void a_build_says_whether_it_has_it(void **state)
{
    (void)state;
    struct ckf_ruleset *ruleset = new_ruleset();
#ifndef CKF_HYPERSCAN
    assert_int_equal(ckf_ruleset_set_backend(ruleset, CKF_BACKEND_HYPERSCAN), CKF_UNSUPPORTED);
#endif
    assert_int_equal(ckf_ruleset_set_backend(ruleset, CKF_BACKEND_OWN), CKF_OK);
    assert_int_equal(ckf_ruleset_set_backend(ruleset, (enum ckf_backend)2), CKF_INVALID);
    struct ckf_rule rule = {7, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "x", 1, false};
    assert_int_equal(ckf_ruleset_add(ruleset, &rule), CKF_OK);
    struct ckf_filter *filter = new_filter(CKF_VARIANT_ATOMIC);
    assert_int_equal(ckf_filter_publish(filter, ruleset, 0, NULL), CKF_OK);
    assert_int_equal(speaks(filter, "axa", 3), 7);
    assert_int_equal(compiled_of(filter).backend, CKF_BACKEND_OWN);
    assert_int_equal(compiled_of(filter).hyperscan, 0);
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
}

#ifdef CKF_HYPERSCAN

#define SKIP_IF_TOO_OLD()                                                                          \
    do {                                                                                           \
        if (hs_valid_platform() != HS_SUCCESS) {                                                   \
            print_message("this processor cannot run Hyperscan\n");                                \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static struct ckf_ruleset *ruleset_of(const struct ckf_rule *rules, size_t count,
                                      enum ckf_backend backend)
{
    struct ckf_ruleset *ruleset = new_ruleset();
    assert_int_equal(ckf_ruleset_set_backend(ruleset, backend), CKF_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ckf_ruleset_add(ruleset, &rules[i]), CKF_OK);
    return ruleset;
}

static void publish(struct ckf_filter *filter, const struct ckf_rule *rules, size_t count,
                    enum ckf_backend backend)
{
    struct ckf_ruleset *ruleset = ruleset_of(rules, count, backend);
    assert_int_equal(ckf_filter_publish(filter, ruleset, 0, NULL), CKF_OK);
    ckf_ruleset_destroy(ruleset);
}

static uint32_t seeded = 2463534242;

static uint32_t random_below(uint32_t bound)
{
    return random_u32(&seeded) % bound;
}

static void it_looks_for_substrings_and_for_nothing_else(void **state)
{
    static const struct ckf_rule rules[] = {
        {1, CKF_MATCH_EXACT, CKF_ACTION_DROP, "a", 1, false},
        {2, CKF_MATCH_PREFIX, CKF_ACTION_DROP, "b", 1, false},
        {3, CKF_MATCH_SUFFIX, CKF_ACTION_DROP, "c", 1, false},
        {4, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "d", 1, true},
        {5, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "e", 1, false}};
    SKIP_IF_TOO_OLD();
    struct ckf_filter *filter = new_filter(VARIANT(state));
    publish(filter, rules, 5, CKF_BACKEND_HYPERSCAN);
    struct ckf_compiled compiled = compiled_of(filter);
    assert_int_equal(compiled.backend, CKF_BACKEND_HYPERSCAN);
    assert_int_equal(compiled.exact + compiled.prefix + compiled.suffix, 3);
    assert_int_equal(compiled.substring, 2);
    assert_int_equal(compiled.hyperscan, 2);
    assert_int_equal(compiled.needles + compiled.teddy + compiled.grams, 0);
    assert_int_equal(speaks(filter, "a", 1), 1);
    assert_int_equal(speaks(filter, "bed", 3), 2);
    assert_int_equal(speaks(filter, "edc", 3), 3);
    assert_int_equal(speaks(filter, ".eD.", 4), 4);
    assert_int_equal(speaks(filter, ".E", 2), 0);
    assert_int_equal(speaks(filter, "", 0), 0);
    publish(filter, rules, 3, CKF_BACKEND_HYPERSCAN);
    assert_int_equal(speaks(filter, ".eD.", 4), 0);
    publish(filter, rules, 5, CKF_BACKEND_OWN);
    assert_int_equal(speaks(filter, ".eD.", 4), 4);
    assert_int_equal(compiled_of(filter).hyperscan, 0);
    ckf_filter_destroy(filter);
}

/* ---- Verdicts ---- */

enum { MAX_RULES = 120, MAX_LEN = 40, MAX_RECORD = 400, RECORDS = 40 };

struct random_rules {
    struct ckf_rule rules[MAX_RULES];
    char texts[MAX_RULES][MAX_LEN];
    size_t count;
};

struct alphabet {
    const char *letters;
    uint32_t count;
};

static void random_bytes(char *bytes, size_t len, const struct alphabet *alphabet)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = alphabet->letters[random_below(alphabet->count)];
}

/* Mostly substrings; lengths and folding in changing mixtures, ids in no order, patterns repeated. */
static void make_rules(struct random_rules *random, const struct alphabet *alphabet)
{
    uint32_t max_len = 1 + random_below(MAX_LEN), folding = random_below(3);
    random->count = random_below(random_below(2) == 0 ? 8 : MAX_RULES) + 1;
    for (size_t i = 0; i < random->count; i++) {
        struct ckf_rule *rule = &random->rules[i];
        *rule = (struct ckf_rule){
            .id = (uint32_t)(i * 37 % 127 + 1),
            .match = (enum ckf_match)(random_below(8) == 0 ? random_below(4) : CKF_MATCH_SUBSTRING),
            .action = (enum ckf_action)random_below(2),
            .pattern = random->texts[i],
            .pattern_len = 1 + random_below(max_len),
            .fold_ascii_case = folding == 2 ? random_below(2) : folding};
        random_bytes(random->texts[i], rule->pattern_len, alphabet);
        if (i > 0 && random_below(8) == 0) {
            rule->pattern = random->rules[i - 1].pattern;
            rule->pattern_len = random->rules[i - 1].pattern_len;
        }
    }
}

/* Random bytes with a pattern or two among them, in memory of its own. */
static struct ckf_record make_record(const struct random_rules *random,
                                     const struct alphabet *alphabet)
{
    char bytes[MAX_RECORD];
    size_t len = random_below(random_below(2) == 0 ? 2 * MAX_LEN : MAX_RECORD);
    random_bytes(bytes, len, alphabet);
    for (uint32_t times = random_below(3); times > 0; times--) {
        const struct ckf_rule *rule = &random->rules[random_below((uint32_t)random->count)];
        if (rule->pattern_len > len)
            continue;
        char *place = bytes + random_below((uint32_t)(len - rule->pattern_len + 1));
        memcpy(place, rule->pattern, rule->pattern_len);
        if (random_below(4) == 0)
            place[random_below((uint32_t)rule->pattern_len)] ^= 0x20;
    }
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return (struct ckf_record){copy, len};
}

static void compare(struct ckf_filter *filter, struct ckf_filter *own,
                    const struct random_rules *random, const struct alphabet *alphabet)
{
    struct ckf_record records[RECORDS];
    struct ckf_verdict verdicts[RECORDS];
    for (size_t i = 0; i < RECORDS; i++)
        records[i] = make_record(random, alphabet);
    ckf_filter_evaluate_many(filter, records, verdicts, RECORDS);
    for (size_t i = 0; i < RECORDS; i++) {
        const struct ckf_record record = records[i];
        const struct ckf_rule *rule =
            naive_find(random->rules, random->count, record.data, record.len);
        struct ckf_verdict alone = ckf_filter_evaluate(filter, record);
        struct ckf_verdict of_own = ckf_filter_evaluate(own, record);
        if (verdicts[i].rule_id != (rule != NULL ? rule->id : 0))
            fail_msg("record \"%.*s\": rule %u, naively %u", (int)record.len,
                     (const char *)record.data, verdicts[i].rule_id, rule != NULL ? rule->id : 0);
        assert_int_equal(alone.rule_id, verdicts[i].rule_id);
        assert_int_equal(of_own.rule_id, verdicts[i].rule_id);
        assert_int_equal(of_own.action, verdicts[i].action);
        assert_int_equal(of_own.reason, verdicts[i].reason);
        free((void *)(uintptr_t)record.data);
    }
}

static void verdicts_are_those_of_own_matchers_and_of_a_naive_one(void **state)
{
    static const struct alphabet alphabets[] = {{"ab", 2},
                                                {"abAB", 4},
                                                {"aAbBzZ@[`{", 10},
                                                {"a\0\xff\x80\xc0\xe0\xe1\xc1", 8},
                                                {"k\xe2\x84\xaaKs\xc5\xbfS", 8},
                                                {"abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", 36}};
    static struct random_rules random;
    const unsigned rulesets = 1200 * test_times();
    SKIP_IF_TOO_OLD();
    struct ckf_filter *filter = new_filter(VARIANT(state)), *own = new_filter(VARIANT(state));
    for (unsigned i = 0; i < rulesets; i++) {
        const struct alphabet *alphabet = &alphabets[i % 6];
        make_rules(&random, alphabet);
        publish(filter, random.rules, random.count, CKF_BACKEND_HYPERSCAN);
        publish(own, random.rules, random.count, CKF_BACKEND_OWN);
        compare(filter, own, &random, alphabet);
    }
    ckf_filter_destroy(filter);
    ckf_filter_destroy(own);
}

/* Thousands of them, each met once, and once with a byte that is wrong. */
static void large_rulesets_decide_like_small_ones(void **state)
{
    enum { RULES = 4000, LEN = 24 };
    static const struct alphabet alphabet = {
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 62};
    static char texts[RULES][LEN];
    static struct ckf_rule rules[RULES];
    SKIP_IF_TOO_OLD();
    struct ckf_filter *filter = new_filter(VARIANT(state));
    for (uint32_t i = 0; i < RULES; i++) {
        random_bytes(texts[i], LEN, &alphabet);
        rules[i] = (struct ckf_rule){i + 1,    CKF_MATCH_SUBSTRING, CKF_ACTION_DROP,
                                     texts[i], LEN - i % 12,        i % 3 == 0};
    }
    publish(filter, rules, RULES, CKF_BACKEND_HYPERSCAN);
    for (uint32_t i = 0; i < RULES; i++) {
        char record[LEN + 8] = "....";
        size_t len = rules[i].pattern_len;
        memcpy(record + i % 4, texts[i], len);
        memcpy(record + i % 4 + len, "!!!!", 4);
        assert_int_equal(speaks(filter, record, i % 4 + len + 4), i + 1);
        record[i % 4 + len / 2] = '~';
        assert_int_equal(speaks(filter, record, i % 4 + len + 4), 0);
    }
    ckf_filter_destroy(filter);
}

/* Around what its compiler takes; those beyond are looked for beside it. */
static void patterns_may_be_very_long(void **state)
{
    enum { ROOM = 40000 };
    static const size_t lens[] = {1000, 7999, 8000, 8001, 20000, ROOM - 10};
    static unsigned char text[ROOM], record[ROOM];
    struct ckf_rule rules[6];
    SKIP_IF_TOO_OLD();
    for (size_t i = 0; i < ROOM; i++)
        text[i] = (unsigned char)random_below(256);
    for (uint32_t i = 0; i < 6; i++)
        rules[i] = (struct ckf_rule){i + 1,   CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, text,
                                     lens[i], i % 2 == 0};
    struct ckf_filter *filter = new_filter(VARIANT(state));
    publish(filter, rules, 6, CKF_BACKEND_HYPERSCAN);
    assert_int_equal(compiled_of(filter).hyperscan, 3);
    for (uint32_t i = 0; i < 6; i++) {
        memcpy(record + 3, text, lens[i]);
        assert_int_equal(speaks(filter, record, lens[i] + 3), i + 1);
        assert_int_equal(speaks(filter, record, lens[i] + 2), i);
        record[3 + lens[i] - 1] ^= 0x80;
        assert_int_equal(speaks(filter, record, lens[i] + 3), i);
    }
    publish(filter, rules + 3, 3, CKF_BACKEND_HYPERSCAN);
    assert_int_equal(compiled_of(filter).hyperscan, 0);
    memcpy(record, text, ROOM);
    assert_int_equal(speaks(filter, record, ROOM), 6);
    ckf_filter_destroy(filter);
}

/* ---- What runs out ---- */

static struct ckf_hyperscan *hyperscan_of(struct ckf_filter *filter)
{
    struct ckf_snapshot *snapshot = filter->variant == CKF_VARIANT_MUTEX
                                        ? filter->locked_current
                                        : atomic_load(&filter->current);
    return snapshot->matcher.hyperscan;
}

static void verdicts_are_the_same_while_all_scratches_are_out(void **state)
{
    enum { MOST = 64 };
    static const struct alphabet alphabet = {"abAB", 4};
    static struct random_rules random;
    SKIP_IF_TOO_OLD();
    struct ckf_filter *filter = new_filter(VARIANT(state)), *own = new_filter(VARIANT(state));
    for (unsigned i = 0; i < 50; i++) {
        do
            make_rules(&random, &alphabet);
        while (random.rules[0].match != CKF_MATCH_SUBSTRING);
        publish(filter, random.rules, random.count, CKF_BACKEND_HYPERSCAN);
        publish(own, random.rules, random.count, CKF_BACKEND_OWN);
        struct ckf_hyperscan *hyperscan = hyperscan_of(filter);
        struct ckf_loan *taken[MOST];
        unsigned count = hyperscan->scratch_count;
        assert_in_range(count, 1, MOST);
        for (unsigned loan = 0; loan < count; loan++) {
            taken[loan] = ckf_loan_take(hyperscan->scratches, count, i);
            assert_non_null(taken[loan]);
            compare(filter, own, &random, &alphabet);
        }
        assert_null(ckf_loan_take(hyperscan->scratches, count, i));
        for (unsigned loan = 0; loan < count; loan++)
            ckf_loan_return(taken[loan]);
        compare(filter, own, &random, &alphabet);
    }
    ckf_filter_destroy(filter);
    ckf_filter_destroy(own);
}

/* What Hyperscan allocates of what lasts: of a compiler's inner needs it does not ask. */
static unsigned hs_countdown;
static _Atomic(size_t) hs_live, hs_bytes;

enum { HEADER = 64 }; /* the size, and alignment that a cache line would like */

static void *hs_allocate(size_t size)
{
    if (hs_countdown > 0 && --hs_countdown == 0)
        return NULL;
    unsigned char *memory = malloc(HEADER + size);
    if (memory == NULL)
        return NULL;
    memcpy(memory, &size, sizeof size);
    atomic_fetch_add(&hs_live, 1);
    atomic_fetch_add(&hs_bytes, size);
    return memory + HEADER;
}

static void hs_release(void *memory)
{
    size_t size;
    if (memory == NULL)
        return;
    unsigned char *block = (unsigned char *)memory - HEADER;
    memcpy(&size, block, sizeof size);
    atomic_fetch_sub(&hs_live, 1);
    atomic_fetch_sub(&hs_bytes, size);
    free(block);
}

static int watch_hyperscan(void **state)
{
    (void)state;
    return hs_set_allocator(hs_allocate, hs_release) == HS_SUCCESS ? 0 : -1;
}

static void fail_either(unsigned of_ours, unsigned of_its)
{
    fail_allocation(of_ours);
    hs_countdown = of_its;
}

/* One of the two numbers goes up until nothing fails any more. */
static void fail_each_in_turn(struct ckf_filter *filter, const struct ckf_ruleset *fresh, bool its)
{
    unsigned failures = 0;
    for (bool failed = true; failed; failures += failed) {
        uint64_t generation = 77, before = ckf_filter_generation(filter);
        ckf_wait_for_reclaim();
        size_t live = live_allocations(), live_its = atomic_load(&hs_live);
        fail_either(its ? 0 : failures + 1, its ? failures + 1 : 0);
        enum ckf_status published = ckf_filter_publish(filter, fresh, 0, &generation);
        failed = its ? hs_countdown == 0 : allocation_failed();
        fail_either(0, 0);
        assert_int_equal(published, failed ? CKF_NO_MEMORY : CKF_OK);
        assert_int_equal(generation, failed ? 77 : before + 1);
        assert_int_equal(ckf_filter_generation(filter), failed ? before : before + 1);
        assert_int_equal(speaks(filter, "a record", 8), failed ? 1 : 2);
        if (failed) {
            assert_int_equal(live_allocations(), live);
            assert_int_equal(atomic_load(&hs_live), live_its);
        }
    }
    assert_true(failures > 2);
}

static void without_memory_the_old_rules_go_on(void **state)
{
    static const struct ckf_rule old = {1, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "rec", 3, false};
    static const struct ckf_rule rules[] = {
        {2, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "a", 1, true},
        {3, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "b", 1, false}};
    SKIP_IF_TOO_OLD();
    ckf_wait_for_reclaim();
    size_t live = live_allocations(), live_its = atomic_load(&hs_live);
    struct ckf_filter *filter = new_filter(VARIANT(state));
    struct ckf_ruleset *fresh = ruleset_of(rules, 2, CKF_BACKEND_HYPERSCAN);
    for (int its = 0; its < 2; its++) {
        publish(filter, &old, 1, CKF_BACKEND_HYPERSCAN);
        fail_each_in_turn(filter, fresh, its);
    }
    ckf_ruleset_destroy(fresh);
    ckf_filter_destroy(filter);
    ckf_wait_for_reclaim();
    assert_int_equal(live_allocations(), live);
    assert_int_equal(atomic_load(&hs_live), live_its);
}

static void its_memory_is_in_the_account(void **state)
{
    enum { RULES = 500, ROOM = 16 };
    static struct ckf_rule rules[RULES];
    static char texts[RULES][ROOM];
    SKIP_IF_TOO_OLD();
    for (uint32_t i = 0; i < RULES; i++) {
        int len = snprintf(texts[i], ROOM, "word%u", i);
        rules[i] = (struct ckf_rule){i + 1,    CKF_MATCH_SUBSTRING, CKF_ACTION_DROP,
                                     texts[i], (size_t)len,         false};
    }
    struct ckf_filter *filter = new_filter(VARIANT(state));
    ckf_wait_for_reclaim();
    size_t before = atomic_load(&hs_bytes);
    publish(filter, rules, RULES, CKF_BACKEND_HYPERSCAN);
    size_t held = atomic_load(&hs_bytes) - before, said = hyperscan_of(filter)->bytes;
    assert_in_range(said, held - held / 20, held + held / 20);
    assert_true(compiled_of(filter).bytes > said);
    assert_true(compiled_of(filter).compile_ns > 0);
    publish(filter, rules, 1, CKF_BACKEND_OWN);
    ckf_wait_for_reclaim();
    assert_int_equal(atomic_load(&hs_bytes), before);
    ckf_filter_destroy(filter);
}

/* ---- Threads and forks ---- */

struct crowd {
    struct ckf_filter *filter;
    _Atomic(bool) stop;
};

static const struct ckf_rule crowd_rules[] = {
    {1, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "needle", 6, true},
    {2, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "eedl", 4, false},
    {3, CKF_MATCH_SUBSTRING, CKF_ACTION_DROP, "hay", 3, false}};

/* Returns what is wrong. */
static int judge(struct ckf_filter *filter)
{
    static const struct ckf_record records[] = {
        {"some hay and a NEEDLE", 21}, {"an eedl is no needl", 19}, {"hay", 3}, {"nothing", 7}};
    static const uint32_t due[] = {1, 2, 3, 0};
    struct ckf_verdict verdicts[4];
    ckf_filter_evaluate_many(filter, records, verdicts, 4);
    for (int i = 0; i < 4; i++)
        if (verdicts[i].rule_id != due[i] ||
            ckf_filter_evaluate(filter, records[i]).rule_id != due[i])
            return i + 1;
    return 0;
}

static int judge_until_told(void *arg)
{
    struct crowd *crowd = arg;
    int wrong = 0;
    while (wrong == 0 && !atomic_load(&crowd->stop))
        wrong = judge(crowd->filter);
    return wrong;
}

static void threads_use_it_at_once_while_it_comes_and_goes(void **state)
{
    enum { THREADS = 6, PUBLISHES = 200 };
    struct test_thread threads[THREADS];
    SKIP_IF_TOO_OLD();
    struct crowd crowd = {.filter = new_filter(VARIANT(state))};
    publish(crowd.filter, crowd_rules, 3, CKF_BACKEND_HYPERSCAN);
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], judge_until_told, &crowd);
    for (unsigned i = 0; i < PUBLISHES * test_times(); i++)
        publish(crowd.filter, crowd_rules, 3, (enum ckf_backend)(i % 3 != 0));
    atomic_store(&crowd.stop, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_join(&threads[i]), 0);
    ckf_filter_destroy(crowd.filter);
}

static void a_forked_child_may_use_what_it_inherits(void **state)
{
    enum { FORKS = 20 };
    struct test_thread thread;
    SKIP_IF_TOO_OLD();
    struct crowd crowd = {.filter = new_filter(VARIANT(state))};
    publish(crowd.filter, crowd_rules, 3, CKF_BACKEND_HYPERSCAN);
    thread_start(&thread, judge_until_told, &crowd);
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(CAN_WORK_AFTER_ALLOCATING_FORK ? judge(crowd.filter) : 0);
        assert_child_succeeds(child);
    }
    atomic_store(&crowd.stop, true);
    assert_int_equal(thread_join(&thread), 0);
    ckf_filter_destroy(crowd.filter);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_says_whether_it_has_it),
        BOTH_VARIANTS(it_looks_for_substrings_and_for_nothing_else),
        BOTH_VARIANTS(verdicts_are_those_of_own_matchers_and_of_a_naive_one),
        BOTH_VARIANTS(large_rulesets_decide_like_small_ones),
        BOTH_VARIANTS(patterns_may_be_very_long),
        BOTH_VARIANTS(verdicts_are_the_same_while_all_scratches_are_out),
        BOTH_VARIANTS(without_memory_the_old_rules_go_on),
        BOTH_VARIANTS(its_memory_is_in_the_account),
        BOTH_VARIANTS(threads_use_it_at_once_while_it_comes_and_goes),
        BOTH_VARIANTS(a_forked_child_may_use_what_it_inherits),
    };
    return cmocka_run_group_tests_name("hyperscan", tests, watch_hyperscan, NULL);
}

#else

static void verdicts_are_those_of_own_matchers_and_of_a_naive_one(void **state)
{
    (void)state;
    print_message("the library was built without Hyperscan (-Dhyperscan=enabled)\n");
    skip();
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_says_whether_it_has_it),
        cmocka_unit_test(verdicts_are_those_of_own_matchers_and_of_a_naive_one),
    };
    return cmocka_run_group_tests_name("hyperscan", tests, NULL, NULL);
}

#endif
