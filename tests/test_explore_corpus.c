/* tests/test_explore_corpus.c - the engine's verdicts on structures that are known to be right or
 * wrong, and its replays of the wrong ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explore.h"
#include "explore_corpus.h"
#include "explore_snapshots.h"

/* A right program whose space is larger than this has been looked at well enough. */
enum { EXECUTIONS = 300000 };

struct finding {
    enum ckf_explore_verdict verdict;
    char message[256];
    struct ckf_choice choices[4096];
    size_t count;
    uint64_t hash;
    uint32_t epoch;
};

static bool look(const struct ckf_explore_end *end, void *arg)
{
    struct finding *finding = arg;
    if (end->verdict == CKF_VERDICT_OK)
        return true;
    finding->verdict = end->verdict;
    strncpy(finding->message, end->message, sizeof finding->message - 1);
    finding->hash = end->hash;
    finding->epoch = end->epoch;
    finding->count = end->choice_count < 4096 ? end->choice_count : 4096;
    memcpy(finding->choices, end->choices, finding->count * sizeof *end->choices);
    return false;
}

static struct ckf_explore_options options_of(const struct corpus_program *program)
{
    return (struct ckf_explore_options){.strategy = CKF_EXPLORE_DFS,
                                        .preemptions = program->preemptions,
                                        .timeouts = program->timeouts,
                                        .spurious = program->spurious,
                                        .failed_allocation = program->failed_allocation,
                                        .executions = EXECUTIONS};
}

/* To be freed. */
static struct finding *search(const struct corpus_program *program,
                              const struct ckf_explore_options *options,
                              struct ckf_explore_stats *stats)
{
    struct finding *finding = calloc(1, sizeof *finding);
    assert_non_null(finding);
    ckf_explore_run(program->body, NULL, options, look, finding, stats);
    return finding;
}

static bool same_again(const struct ckf_explore_end *end, void *arg)
{
    const struct finding *finding = arg;
    assert_int_equal(end->verdict, finding->verdict);
    assert_int_equal(end->hash, finding->hash);
    return true;
}

static void every_program_gets_the_verdict_it_deserves(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < corpus_count; i++) {
        struct ckf_explore_options options = options_of(&corpus[i]);
        struct ckf_explore_stats stats;
        struct finding *finding = search(&corpus[i], &options, &stats);
        bool good = finding->verdict == corpus[i].verdict;
        wrong += !good;
        print_message("%s %-46s %-15s %7llu executions, %s, %.3f s  %s\n", good ? " " : "!",
                      corpus[i].name, ckf_explore_verdict_name(finding->verdict),
                      (unsigned long long)stats.executions,
                      stats.complete ? "complete" : "not complete", (double)stats.elapsed_ns / 1e9,
                      finding->message);
        options.epoch = finding->epoch;
        if (finding->verdict != CKF_VERDICT_OK)
            ckf_explore_replay(corpus[i].body, NULL, &options, finding->choices, finding->count,
                               true, same_again, finding);
        free(finding);
    }
    assert_int_equal(wrong, 0);
}

/* Other strategies find most of it too; none may accuse a right program. */
static void no_strategy_accuses_a_right_program(void **state)
{
    (void)state;
    static const enum ckf_explore_strategy strategies[] = {CKF_EXPLORE_SEQUENTIAL,
                                                           CKF_EXPLORE_RANDOM, CKF_EXPLORE_PCT};
    for (size_t i = 0; i < corpus_count; i++) {
        for (int model = 0; model < 3; model++) {
            bool found = false;
            for (size_t s = 0; s < 3; s++) {
                struct ckf_explore_options options = options_of(&corpus[i]);
                options.model = (enum ckf_explore_model)model;
                options.strategy = strategies[s];
                options.executions = s == 0 ? 6 : 5000;
                options.seed = 3;
                options.spurious = 1;
                struct finding *finding = search(&corpus[i], &options, NULL);
                if (corpus[i].verdict == CKF_VERDICT_OK && finding->verdict != CKF_VERDICT_OK)
                    fail_msg("%s: strategy %zu, model %d: %s: %s", corpus[i].name, s, model,
                             ckf_explore_verdict_name(finding->verdict), finding->message);
                found |= finding->verdict == corpus[i].verdict;
                free(finding);
            }
            if (!found && model == CKF_EXPLORE_C11)
                print_message("not found by sampling: %s\n", corpus[i].name);
        }
    }
}

/* What a search has seen: verdicts, and what executions that ended well have left behind. */
enum { MAX_STATES = 1 << 14, PLAIN_EXECUTIONS = 20000 };
struct harvest {
    unsigned verdicts; /* a set */
    uint64_t states[MAX_STATES];
    size_t count;
};

/* Where the state is among those seen, or may be put. */
static size_t place_of(const struct harvest *harvest, uint64_t state)
{
    size_t place = state % MAX_STATES;
    while (harvest->states[place] != 0 && harvest->states[place] != state)
        place = (place + 1) % MAX_STATES;
    return place;
}

static bool gather(const struct ckf_explore_end *end, void *arg)
{
    struct harvest *harvest = arg;
    harvest->verdicts |= 1u << end->verdict;
    if (end->verdict != CKF_VERDICT_OK)
        return true;
    size_t place = place_of(harvest, end->state);
    harvest->count += harvest->states[place] == 0;
    harvest->states[place] = end->state;
    return harvest->count < MAX_STATES - 1;
}

static bool same_states(const struct harvest *a, const struct harvest *b)
{
    for (size_t i = 0; i < MAX_STATES; i++)
        if (a->states[i] != 0 && b->states[place_of(b, a->states[i])] == 0)
            return false;
    return a->count == b->count;
}

/* What a search does without. (Snapshots serve the states, and change nothing themselves.) */
enum {
    ALL_BUT_STATES = CKF_WITHOUT_SLEEP_SETS | CKF_WITHOUT_CHOICE_OF_READS,
    EVERYTHING = ALL_BUT_STATES | CKF_WITHOUT_STATES | CKF_WITHOUT_SNAPSHOTS
};

/* Whether the search came to its end. */
static bool harvest_by(const struct corpus_program *program, struct ckf_explore_options *options,
                       struct harvest *harvest, uint64_t *executions)
{
    struct ckf_explore_stats stats;
    *harvest = (struct harvest){.count = 0};
    options->executions = PLAIN_EXECUTIONS;
    ckf_explore_run(program->body, NULL, options, gather, harvest, &stats);
    *executions += stats.executions + stats.pruned;
    return stats.complete;
}

enum { ANY_READS = 100 }; /* and fewer are a bound */

static bool harvest_all(const struct corpus_program *program, unsigned preemptions, unsigned reads,
                        unsigned without, struct harvest *harvest, uint64_t *executions)
{
    struct ckf_explore_options options = options_of(program);
    options.preemptions = preemptions;
    options.reads_are_bounded = reads != ANY_READS;
    options.stale_reads = reads;
    options.without = without;
    return harvest_by(program, &options, harvest, executions);
}

/* The search may leave out only what it has seen: it must come to the same verdicts as without, and,
 * where states alone are left out, to the same ends. */
static void what_the_search_leaves_out_loses_nothing(void **state)
{
    (void)state;
    static const struct {
        unsigned preemptions, reads;
    } bounds[] = {{0, 1},         {1, 1},         {2, 0},
                  {2, 2},         {0, ANY_READS}, {1, ANY_READS},
                  {2, ANY_READS}, {3, ANY_READS}, {CKF_EXPLORE_UNBOUNDED, ANY_READS}};
    static struct harvest plain, remembering, all;
    uint64_t executions = 0, remembering_executions = 0, plain_executions = 0;
    unsigned compared = 0;
    for (size_t i = 0; i < corpus_count; i++) {
        for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
            unsigned bound = bounds[k].preemptions, reads = bounds[k].reads;
            if (!harvest_all(&corpus[i], bound, reads, EVERYTHING, &plain, &plain_executions))
                continue;
            assert_true(harvest_all(&corpus[i], bound, reads, ALL_BUT_STATES, &remembering,
                                    &remembering_executions));
            assert_true(harvest_all(&corpus[i], bound, reads, 0, &all, &executions));
            if (plain.verdicts != remembering.verdicts || !same_states(&plain, &remembering))
                fail_msg("%s, bounds %zu: verdicts %#x and %zu ends, without states %#x and %zu",
                         corpus[i].name, k, remembering.verdicts, remembering.count, plain.verdicts,
                         plain.count);
            if (plain.verdicts != all.verdicts)
                fail_msg("%s, bounds %zu: verdicts %#x, plain %#x", corpus[i].name, k, all.verdicts,
                         plain.verdicts);
            compared++;
        }
    }
    print_message("%u searches: %llu executions, %llu with states alone, %llu without anything\n",
                  compared, (unsigned long long)executions,
                  (unsigned long long)remembering_executions, (unsigned long long)plain_executions);
}

static void going_on_from_snapshots_changes_nothing(void **state)
{
    (void)state;
    static const unsigned bounds[] = {0, 1, 2, CKF_EXPLORE_UNBOUNDED};
    uint64_t executions = 0;
    for (size_t i = 0; i < corpus_count; i++) {
        for (int k = 0; k < 4 * 3; k++) {
            struct ckf_explore_options options = options_of(&corpus[i]);
            options.preemptions = bounds[k % 4];
            options.model = (enum ckf_explore_model)(k / 4);
            options.executions = 2000;
            if (!explore_snapshots_change_nothing(corpus[i].body, NULL, options, NULL, &executions))
                fail_msg("%s, bound %u, model %d", corpus[i].name, bounds[k % 4], k / 4);
        }
    }
    print_message("%llu executions\n", (unsigned long long)executions);
}

static bool reduce(const struct corpus_program *program, unsigned without, struct harvest *harvest,
                   uint64_t *executions)
{
    struct ckf_explore_options options = options_of(program);
    options.strategy = CKF_EXPLORE_DPOR;
    options.ends = true;
    options.without = without;
    return harvest_by(program, &options, harvest, executions);
}

static void partial_order_reduction_loses_nothing(void **state)
{
    (void)state;
    static struct harvest plain, reduced, all;
    uint64_t plain_executions = 0, executions = 0, all_executions = 0;
    unsigned compared = 0, wrong = 0;
    for (size_t i = 0; i < corpus_count; i++) {
        uint64_t before = executions, plain_before = plain_executions;
        if (!harvest_all(&corpus[i], CKF_EXPLORE_UNBOUNDED, ANY_READS, EVERYTHING, &plain,
                         &plain_executions))
            continue;
        bool whole = reduce(&corpus[i], CKF_WITHOUT_CHOICE_OF_READS, &reduced, &executions);
        bool all_whole = reduce(&corpus[i], 0, &all, &all_executions);
        bool good = whole && all_whole && plain.verdicts == reduced.verdicts &&
                    plain.verdicts == all.verdicts && same_states(&plain, &reduced);
        print_message("%s %-46s %7llu instead of %llu; verdicts %#x %#x %#x, ends %zu %zu\n",
                      good ? " " : "!", corpus[i].name, (unsigned long long)(executions - before),
                      (unsigned long long)(plain_executions - plain_before), plain.verdicts,
                      reduced.verdicts, all.verdicts, plain.count, reduced.count);
        compared++;
        wrong += !good;
    }
    print_message("%u searches: %llu executions, %llu with a choice of reads, %llu in all\n",
                  compared, (unsigned long long)executions, (unsigned long long)all_executions,
                  (unsigned long long)plain_executions);
    assert_int_equal(wrong, 0);
}

static void what_needs_a_choice_is_found_only_with_it(void **state)
{
    (void)state;
    unsigned programs = 0;
    for (size_t i = 0; i < corpus_count; i++) {
        bool needs_deadline = corpus[i].timeouts > 0 && corpus[i].verdict != CKF_VERDICT_OK;
        if (corpus[i].spurious == 0 && corpus[i].failed_allocation == 0 &&
            !corpus[i].takes_others && !needs_deadline)
            continue;
        struct ckf_explore_options options = options_of(&corpus[i]);
        struct ckf_explore_stats stats;
        options.spurious = options.failed_allocation = options.timeouts = 0;
        options.without = corpus[i].takes_others ? CKF_WITHOUT_CHOICE_OF_SLEEPERS : 0;
        struct finding *finding = search(&corpus[i], &options, &stats);
        if (finding->verdict != CKF_VERDICT_OK || !stats.complete)
            fail_msg("%s: without the choice: %s: %s", corpus[i].name,
                     ckf_explore_verdict_name(finding->verdict), finding->message);
        free(finding);
        programs++;
    }
    assert_int_equal(programs, 6);
}

struct parking {
    bool parked, ended_well;
};

static bool see_parking(const struct ckf_explore_end *end, void *arg)
{
    *(struct parking *)arg = (struct parking){end->parked, end->verdict == CKF_VERDICT_OK};
    return true;
}

/* In how many of the places where T1 can be parked for ever the others cannot end any more. */
static unsigned places_that_stop_others(const char *name)
{
    unsigned stopped = 0;
    for (size_t i = 0; i < corpus_count; i++) {
        if (strcmp(corpus[i].name, name) != 0)
            continue;
        struct parking parking = {.parked = true};
        struct ckf_explore_options options = options_of(&corpus[i]);
        options.strategy = CKF_EXPLORE_SEQUENTIAL;
        options.executions = 1;
        ckf_explore_run(corpus[i].body, NULL, &options, see_parking, &parking, NULL);
        parking.parked = options.informed = true;
        options.parked_thread = 1;
        for (options.parked_step = 1; parking.parked; options.parked_step++) {
            ckf_explore_run(corpus[i].body, NULL, &options, see_parking, &parking, NULL);
            stopped += parking.parked && !parking.ended_well;
        }
    }
    return stopped;
}

static void only_lock_holders_stop_others(void **state)
{
    (void)state;
    assert_int_not_equal(places_that_stop_others("spinlock"), 0);
    assert_int_not_equal(places_that_stop_others("two locks in one order"), 0);
    assert_int_equal(places_that_stop_others("Treiber's stack, with versions"), 0);
    assert_int_equal(places_that_stop_others("Michael and Scott's queue"), 0);
    assert_int_equal(places_that_stop_others("reference count"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_program_gets_the_verdict_it_deserves),
        cmocka_unit_test(no_strategy_accuses_a_right_program),
        cmocka_unit_test(what_the_search_leaves_out_loses_nothing),
        cmocka_unit_test(going_on_from_snapshots_changes_nothing),
        cmocka_unit_test(partial_order_reduction_loses_nothing),
        cmocka_unit_test(what_needs_a_choice_is_found_only_with_it),
        cmocka_unit_test(only_lock_holders_stop_others),
    };
    return cmocka_run_group_tests_name("explore_corpus", tests, NULL, NULL);
}
