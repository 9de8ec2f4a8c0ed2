/* tests/test_explore_litmus.c - the memory model against litmus tests with known outcomes.
 *
 * Every test is explored completely in every model. Then the model is broken on purpose, in each
 * way there is, and the same table must notice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explore.h"
#include "explore_litmus.h"
#include "explore_snapshots.h"

enum { MAX_SEEN = 64, MODELS = 3 };

struct seen {
    char outcomes[MAX_SEEN][32];
    size_t count;
    bool race;
    const char *trouble; /* a verdict that no litmus test should have */
};

static void format_registers(const struct ckf_explore_end *end, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < end->registers_used; i++)
        length += (size_t)snprintf(text + length, size - length, i == 0 ? "%lld" : ",%lld",
                                   (long long)end->registers[i]);
}

static bool look(const struct ckf_explore_end *end, void *arg)
{
    struct seen *seen = arg;
    char text[32];
    if (end->verdict == CKF_VERDICT_RACE) {
        seen->race = true;
        return true;
    }
    if (end->verdict != CKF_VERDICT_OK) {
        seen->trouble = ckf_explore_verdict_name(end->verdict);
        return false;
    }
    format_registers(end, text, sizeof text);
    for (size_t i = 0; i < seen->count; i++)
        if (strcmp(seen->outcomes[i], text) == 0)
            return true;
    if (seen->count == MAX_SEEN)
        return false;
    strcpy(seen->outcomes[seen->count++], text);
    return true;
}

static bool was_seen(const struct seen *seen, const char *outcome)
{
    for (size_t i = 0; i < seen->count; i++)
        if (strcmp(seen->outcomes[i], outcome) == 0)
            return true;
    return false;
}

static struct ckf_explore_options exhaustive(enum ckf_explore_model model, unsigned broken)
{
    return (struct ckf_explore_options){.model = model,
                                        .strategy = CKF_EXPLORE_DFS,
                                        .preemptions = CKF_EXPLORE_UNBOUNDED,
                                        .broken = broken};
}

static void explore(const struct litmus *litmus, const struct ckf_explore_options *options,
                    struct seen *seen, struct ckf_explore_stats *stats)
{
    *seen = (struct seen){.count = 0};
    ckf_explore_run(litmus_run, (void *)(uintptr_t)litmus, options, look, seen, stats);
}

static enum litmus_rule rule_of(const struct litmus_outcome *outcome, enum ckf_explore_model model)
{
    return model == CKF_EXPLORE_C11   ? outcome->c11
           : model == CKF_EXPLORE_TSO ? outcome->tso
                                      : outcome->sc;
}

static bool as_expected(const struct litmus *litmus, enum ckf_explore_model model,
                        const struct seen *seen, bool complain)
{
    bool good = seen->trouble == NULL;
    for (size_t i = 0; i < 4 && litmus->outcomes[i].registers != NULL; i++) {
        const struct litmus_outcome *outcome = &litmus->outcomes[i];
        enum litmus_rule rule = rule_of(outcome, model);
        bool fine = rule == RACES
                        ? seen->race
                        : !seen->race && was_seen(seen, outcome->registers) == (rule == ALLOWED);
        if (!fine && complain)
            print_error("%s: %s under model %d\n", litmus->name, outcome->registers, (int)model);
        good = good && fine;
    }
    return good;
}

static const char *rule_name(enum litmus_rule rule)
{
    static const char *const names[] = {"forbidden", "allowed", "(allowed)", "race"};
    return names[rule];
}

static void print_row(const struct litmus *litmus, const uint64_t executions[MODELS])
{
    for (size_t i = 0; i < 4 && litmus->outcomes[i].registers != NULL; i++) {
        const struct litmus_outcome *outcome = &litmus->outcomes[i];
        print_message("%-40s %-8s %-10s %-10s %-10s", i == 0 ? litmus->name : "",
                      outcome->registers, rule_name(outcome->c11), rule_name(outcome->tso),
                      rule_name(outcome->sc));
        if (i == 0)
            print_message(" %llu/%llu/%llu", (unsigned long long)executions[0],
                          (unsigned long long)executions[1], (unsigned long long)executions[2]);
        print_message("\n");
    }
}

static void every_outcome_is_as_the_models_say(void **state)
{
    (void)state;
    unsigned wrong = 0;
    print_message("%-40s %-8s %-10s %-10s %-10s executions\n", "test", "outcome", "C11", "TSO",
                  "SC");
    for (size_t i = 0; i < litmus_count; i++) {
        uint64_t executions[MODELS];
        for (int model = 0; model < MODELS; model++) {
            struct ckf_explore_options options = exhaustive((enum ckf_explore_model)model, 0);
            struct ckf_explore_stats stats;
            struct seen seen;
            explore(&litmus_tests[i], &options, &seen, &stats);
            executions[model] = stats.executions;
            if (!stats.complete || !as_expected(&litmus_tests[i], options.model, &seen, true))
                wrong++;
        }
        print_row(&litmus_tests[i], executions);
    }
    print_message("(allowed): the model allows it; the engine is documented not to show it\n");
    assert_int_equal(wrong, 0);
}

enum {
    EVERYTHING = CKF_WITHOUT_SLEEP_SETS | CKF_WITHOUT_STATES | CKF_WITHOUT_CHOICE_OF_READS |
                 CKF_WITHOUT_SNAPSHOTS
};

static bool same_outcomes(const struct seen *a, const struct seen *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (!was_seen(b, a->outcomes[i]))
            return false;
    return a->count == b->count && a->race == b->race;
}

/* The search leaves executions out; no outcome may be lost by that. */
static void what_the_search_leaves_out_loses_no_outcome(void **state)
{
    (void)state;
    static const struct {
        unsigned preemptions;
        bool reads_are_bounded;
        unsigned stale_reads;
    } bounds[] = {{CKF_EXPLORE_UNBOUNDED, false, 0},
                  {0, false, 0},
                  {1, false, 0},
                  {2, false, 0},
                  {0, true, 1},
                  {1, true, 1},
                  {2, true, 0},
                  {2, true, 2}};
    uint64_t executions = 0, plain_executions = 0;
    for (size_t i = 0; i < litmus_count; i++) {
        for (int model = 0; model < MODELS; model++) {
            for (size_t bound = 0; bound < sizeof bounds / sizeof *bounds; bound++) {
                struct ckf_explore_options options = exhaustive((enum ckf_explore_model)model, 0);
                struct ckf_explore_stats stats, plain_stats;
                struct seen seen, plain;
                options.preemptions = bounds[bound].preemptions;
                options.reads_are_bounded = bounds[bound].reads_are_bounded;
                options.stale_reads = bounds[bound].stale_reads;
                explore(&litmus_tests[i], &options, &seen, &stats);
                options.informed = true; /* no second start is in the figures then */
                explore(&litmus_tests[i], &options, &seen, &stats);
                options.without = EVERYTHING;
                explore(&litmus_tests[i], &options, &plain, &plain_stats);
                assert_true(stats.complete && plain_stats.complete);
                if (!same_outcomes(&seen, &plain))
                    fail_msg("%s: model %d, bounds %zu: %zu outcomes of %zu", litmus_tests[i].name,
                             model, bound, seen.count, plain.count);
                assert_true(stats.executions <= plain_stats.executions);
                executions += stats.executions;
                plain_executions += plain_stats.executions;
            }
        }
    }
    print_message("%llu executions instead of %llu\n", (unsigned long long)executions,
                  (unsigned long long)plain_executions);
}

static void going_on_from_snapshots_changes_nothing(void **state)
{
    (void)state;
    static const unsigned bounds[] = {CKF_EXPLORE_UNBOUNDED, 0, 1, 2};
    uint64_t executions = 0;
    for (size_t i = 0; i < litmus_count; i++) {
        for (int k = 0; k < MODELS * 4; k++) {
            struct ckf_explore_options options = exhaustive((enum ckf_explore_model)(k / 4), 0);
            options.preemptions = bounds[k % 4];
            if (!explore_snapshots_change_nothing(litmus_run, (void *)(uintptr_t)&litmus_tests[i],
                                                  options, NULL, &executions))
                fail_msg("%s: model %d, bound %u", litmus_tests[i].name, k / 4, bounds[k % 4]);
        }
    }
    print_message("%llu executions\n", (unsigned long long)executions);
}

/* A search of the weak model in which no load may read a stale store is one of the strong model, and
 * any number of stale reads shows what it shows without a bound. */
static void a_bound_on_stale_reads_lies_between_the_models(void **state)
{
    (void)state;
    enum { MANY = 100 };
    for (size_t i = 0; i < litmus_count; i++) {
        struct ckf_explore_options options = exhaustive(CKF_EXPLORE_C11, 0);
        struct ckf_explore_stats stats;
        struct seen fresh, strong, many, all;
        options.preemptions = 3;
        explore(&litmus_tests[i], &options, &all, &stats);
        options.reads_are_bounded = true;
        explore(&litmus_tests[i], &options, &fresh, &stats);
        options.stale_reads = MANY;
        explore(&litmus_tests[i], &options, &many, &stats);
        options = exhaustive(CKF_EXPLORE_SC, 0);
        options.preemptions = 3;
        explore(&litmus_tests[i], &options, &strong, &stats);
        if (!same_outcomes(&fresh, &strong) || !same_outcomes(&many, &all))
            fail_msg(
                "%s: %zu outcomes without stale reads, %zu in the strong model; %zu with many, "
                "%zu without a bound",
                litmus_tests[i].name, fresh.count, strong.count, many.count, all.count);
    }
}

static struct ckf_explore_options reducing(enum ckf_explore_model model)
{
    return (struct ckf_explore_options){.model = model, .strategy = CKF_EXPLORE_DPOR};
}

/* Partial-order reduction comes to the same outcomes as a search that leaves nothing out. */
static void partial_order_reduction_loses_no_outcome(void **state)
{
    (void)state;
    uint64_t executions = 0, pruned = 0, sleepers = 0, plain_executions = 0;
    for (size_t i = 0; i < litmus_count; i++) {
        for (int model = 0; model < MODELS; model++) {
            struct ckf_explore_options options = reducing((enum ckf_explore_model)model);
            struct ckf_explore_stats stats, plain_stats;
            struct seen seen, plain;
            explore(&litmus_tests[i], &options, &seen, &stats);
            options.informed = true; /* no second start is in the figures then */
            explore(&litmus_tests[i], &options, &seen, &stats);
            assert_true(stats.complete);
            assert_true(as_expected(&litmus_tests[i], options.model, &seen, true));
            executions += stats.executions;
            pruned += stats.pruned;
            options = exhaustive((enum ckf_explore_model)model, 0);
            options.informed = true;
            options.without = CKF_WITHOUT_STATES;
            explore(&litmus_tests[i], &options, &plain, &plain_stats);
            sleepers += plain_stats.executions;
            options.without = EVERYTHING;
            explore(&litmus_tests[i], &options, &plain, &plain_stats);
            plain_executions += plain_stats.executions;
            if (!same_outcomes(&seen, &plain))
                fail_msg("%s: model %d: %zu outcomes of %zu", litmus_tests[i].name, model,
                         seen.count, plain.count);
        }
    }
    print_message("%llu executions and %llu cut off, %llu with sleep sets alone, %llu in all\n",
                  (unsigned long long)executions, (unsigned long long)pruned,
                  (unsigned long long)sleepers, (unsigned long long)plain_executions);
}

static void a_broken_model_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned flag;
    } faults[] = {
        {"acquire is relaxed", CKF_BREAK_ACQUIRE},
        {"release is relaxed", CKF_BREAK_RELEASE},
        {"seq_cst loads are acquire loads", CKF_BREAK_SC_LOAD},
        {"seq_cst fences are acq_rel", CKF_BREAK_FENCE},
        {"read-modify-writes may read stale stores", CKF_BREAK_RMW},
        {"reads are forgotten", CKF_BREAK_COHERENCE},
        {"read-modify-writes end release sequences", CKF_BREAK_RELEASE_SEQUENCE},
        {"nobody is told of stale reads in S", CKF_BREAK_S},
    };
    for (size_t fault = 0; fault < sizeof faults / sizeof *faults; fault++) {
        unsigned noticed = 0;
        for (size_t i = 0; i < litmus_count; i++) {
            struct ckf_explore_options options = exhaustive(CKF_EXPLORE_C11, faults[fault].flag);
            struct seen seen;
            explore(&litmus_tests[i], &options, &seen, NULL);
            noticed += !as_expected(&litmus_tests[i], CKF_EXPLORE_C11, &seen, false);
        }
        print_message("broken: %-42s noticed by %u of %zu tests\n", faults[fault].name, noticed,
                      litmus_count);
        assert_true(noticed > 0);
    }
}

/* The prototype's own bug, once: run one after the other, threads see all that came before. */
static void sequential_runs_are_sequentially_consistent(void **state)
{
    (void)state;
    for (size_t i = 0; i < litmus_count; i++) {
        struct ckf_explore_options options = {.strategy = CKF_EXPLORE_SEQUENTIAL, .executions = 24};
        struct seen seen;
        explore(&litmus_tests[i], &options, &seen, NULL);
        for (size_t k = 0; k < 4 && litmus_tests[i].outcomes[k].registers != NULL; k++)
            if (litmus_tests[i].outcomes[k].sc == FORBIDDEN)
                assert_false(was_seen(&seen, litmus_tests[i].outcomes[k].registers));
    }
}

static bool sum_hash(const struct ckf_explore_end *end, void *arg)
{
    *(uint64_t *)arg = *(uint64_t *)arg * 31 + end->hash;
    return true;
}

static void equal_seeds_give_equal_executions(void **state)
{
    (void)state;
    static const enum ckf_explore_strategy strategies[] = {CKF_EXPLORE_RANDOM, CKF_EXPLORE_PCT,
                                                           CKF_EXPLORE_DFS};
    for (size_t s = 0; s < 3; s++) {
        for (size_t i = 0; i < litmus_count; i++) {
            struct ckf_explore_options options = {.strategy = strategies[s],
                                                  .preemptions = CKF_EXPLORE_UNBOUNDED,
                                                  .executions = 200,
                                                  .seed = 7};
            uint64_t first = 0, second = 0, other = 0;
            ckf_explore_run(litmus_run, (void *)(uintptr_t)&litmus_tests[i], &options, sum_hash,
                            &first, NULL);
            ckf_explore_run(litmus_run, (void *)(uintptr_t)&litmus_tests[i], &options, sum_hash,
                            &second, NULL);
            assert_int_equal(first, second);
            options.seed = 8;
            ckf_explore_run(litmus_run, (void *)(uintptr_t)&litmus_tests[i], &options, sum_hash,
                            &other, NULL);
            if (strategies[s] == CKF_EXPLORE_RANDOM && first != 0)
                assert_int_not_equal(first, other);
        }
    }
}

struct recording {
    struct ckf_choice choices[64];
    size_t count;
    uint64_t hash;
    uint32_t epoch;
    struct seen seen;
};

static bool record(const struct ckf_explore_end *end, void *arg)
{
    struct recording *recording = arg;
    recording->count = end->choice_count;
    assert_true(end->choice_count <= 64);
    memcpy(recording->choices, end->choices, end->choice_count * sizeof *end->choices);
    recording->hash = end->hash;
    recording->epoch = end->epoch;
    return look(end, &recording->seen);
}

static bool compare(const struct ckf_explore_end *end, void *arg)
{
    const struct recording *recording = arg;
    assert_int_not_equal(end->verdict, CKF_VERDICT_DIVERGED);
    assert_int_equal(end->hash, recording->hash);
    return true;
}

static bool expect_divergence(const struct ckf_explore_end *end, void *arg)
{
    *(bool *)arg = end->verdict == CKF_VERDICT_DIVERGED;
    return true;
}

static void a_schedule_replays_exactly_and_only_on_its_own_program(void **state)
{
    (void)state;
    for (size_t i = 0; i < litmus_count; i++) {
        for (unsigned seed = 0; seed < 20; seed++) {
            struct ckf_explore_options options = {
                .strategy = CKF_EXPLORE_RANDOM, .executions = 20, .seed = seed};
            struct recording recording = {.count = 0};
            ckf_explore_run(litmus_run, (void *)(uintptr_t)&litmus_tests[i], &options, record,
                            &recording, NULL);
            options.epoch = recording.epoch;
            ckf_explore_replay(litmus_run, (void *)(uintptr_t)&litmus_tests[i], &options,
                               recording.choices, recording.count, true, compare, &recording);
            if (recording.count == 0)
                continue;
            bool diverged = false;
            recording.choices[0].alternatives++;
            ckf_explore_replay(litmus_run, (void *)(uintptr_t)&litmus_tests[i], &options,
                               recording.choices, recording.count, true, expect_divergence,
                               &diverged);
            assert_true(diverged);
        }
    }
}

static bool go_on(const struct ckf_explore_end *end, void *arg)
{
    (void)end;
    (void)arg;
    return true;
}

static void print_rate(const struct litmus *litmus, uint64_t executions, double fewest)
{
    struct ckf_explore_options options = {
        .strategy = CKF_EXPLORE_RANDOM, .executions = executions, .seed = 1};
    struct ckf_explore_stats stats;
    ckf_explore_run(litmus_run, (void *)(uintptr_t)litmus, &options, go_on, NULL, &stats);
    double seconds = (double)stats.cpu_ns / 1e9;
    print_message("%-10s %.2f M executions/s, %.1f M steps/s of CPU time\n", litmus->name,
                  (double)stats.executions / seconds / 1e6, (double)stats.steps / seconds / 1e6);
    /* A tenth of what an idle machine does: see docs/EXPLORE.md. */
    assert_true((double)stats.executions / seconds > fewest);
    assert_true((double)stats.steps / seconds > 500e3);
}

static void rates_are_not_far_from_what_is_claimed(void **state)
{
    (void)state;
    for (size_t i = 0; i < litmus_count; i++)
        if (strcmp(litmus_tests[i].name, "MP") == 0 || strcmp(litmus_tests[i].name, "SB") == 0)
            print_rate(&litmus_tests[i], 300000, 100e3);
    print_rate(&litmus_long, 20000, 4e3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome_is_as_the_models_say),
        cmocka_unit_test(what_the_search_leaves_out_loses_no_outcome),
        cmocka_unit_test(going_on_from_snapshots_changes_nothing),
        cmocka_unit_test(a_bound_on_stale_reads_lies_between_the_models),
        cmocka_unit_test(partial_order_reduction_loses_no_outcome),
        cmocka_unit_test(a_broken_model_is_noticed),
        cmocka_unit_test(sequential_runs_are_sequentially_consistent),
        cmocka_unit_test(equal_seeds_give_equal_executions),
        cmocka_unit_test(a_schedule_replays_exactly_and_only_on_its_own_program),
        cmocka_unit_test(rates_are_not_far_from_what_is_claimed),
    };
    return cmocka_run_group_tests_name("explore_litmus", tests, NULL, NULL);
}
