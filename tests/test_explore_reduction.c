/* tests/test_explore_reduction.c - what searches leave out is equivalent to what they see: random programs are
 * explored with each reduction and with none, and must come to the same ends.
 *
 * Then partial-order reduction is made to forget, class by class, what makes steps dependent, and the
 * comparison must notice each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explore.h"
#include "explore_reduction.h"
#include "explore_snapshots.h"

enum { PROGRAMS = 800, MAX_ENDS = 1 << 12, PLAIN_EXECUTIONS = 10000, MODELS = 3 };

/* What a search has come to: verdicts with registers, a set. */
struct ends {
    uint64_t ends[MAX_ENDS];
    size_t count;
};

static uint64_t mixed(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 29;
}

static bool gather(const struct ckf_explore_end *end, void *arg)
{
    struct ends *ends = arg;
    uint64_t hash = UINT64_C(0x2545f4914f6cdd1d) + (uint64_t)end->verdict;
    for (unsigned i = 0; i < CKF_EXPLORE_REGISTERS && end->verdict == CKF_VERDICT_OK; i++)
        hash = mixed(hash, (uint64_t)end->registers[i]);
    size_t place = hash % MAX_ENDS;
    while (ends->ends[place] != 0 && ends->ends[place] != hash)
        place = (place + 1) % MAX_ENDS;
    ends->count += ends->ends[place] == 0;
    ends->ends[place] = hash;
    return ends->count < MAX_ENDS / 2;
}

static bool equal(const struct ends *a, const struct ends *b)
{
    for (size_t i = 0; i < MAX_ENDS; i++) {
        if (a->ends[i] == 0)
            continue;
        size_t place = a->ends[i] % MAX_ENDS;
        while (b->ends[place] != 0 && b->ends[place] != a->ends[i])
            place = (place + 1) % MAX_ENDS;
        if (b->ends[place] == 0)
            return false;
    }
    return a->count == b->count;
}

/* SplitMix64. */
static unsigned below(uint64_t *state, unsigned bound)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ (z >> 31)) >> 32) % bound;
}

enum { KINDS = 3, THEMES = 10 };

/* Every other program is about something. */
static const uint8_t themes[THEMES][KINDS] = {
    {DO_LOAD, DO_STORE, DO_FENCE},
    {DO_LOAD, DO_STORE, DO_BARRIER},
    {DO_LOAD, DO_STORE, DO_CAS},
    {DO_READ_IN_SECTION, DO_REPLACE, DO_LOAD},
    {DO_WEAK_CAS, DO_PARK, DO_UNPARK},
    {DO_DRAW, DO_UNPARK, DO_NOTHING},
    {DO_LOOK_AT_CLOCK, DO_UNPARK, DO_NOTHING},
    {DO_WAIT, DO_SIGNAL, DO_PARK},
    {DO_LOCK_BOTH, DO_TRY_LOCK, DO_LOCKED_ADD},
    {DO_START_THREAD, DO_LOAD, DO_SPIN},
};

/* One of 12,000 programs of loads, stores and fences that need the order S to be whole. */
static const struct reduction_program about_s = {
    .steps = {{{DO_STORE, 1, 2, 1}, {DO_STORE, 0, 2, 3}, {DO_FENCE, 0, 0, 4}, {DO_FENCE, 0, 0, 4}},
              {{DO_STORE, 0, 1, 1}, {DO_LOAD, 1, 0, 4}, {DO_LOAD, 1, 0, 2}}}};

/* Few kinds in one program, so that they meet. */
static struct reduction_program make_program(uint64_t seed)
{
    if (seed == 0)
        return about_s;
    struct reduction_program program = {.steps = {{{0}}}};
    uint64_t state = seed;
    unsigned kinds[KINDS];
    unsigned threads = 2 + below(&state, 2), steps = threads == 2 ? REDUCTION_STEPS : 2;
    bool theme = below(&state, 2) == 0, in_s = below(&state, 2) == 0;
    unsigned which = below(&state, THEMES);
    for (int i = 0; i < KINDS; i++)
        kinds[i] = theme ? themes[which][i] : 1 + below(&state, REDUCTION_KINDS - 1);
    for (unsigned thread = 0; thread < threads; thread++)
        for (unsigned i = 0; i < steps; i++)
            program.steps[thread][i] = (struct reduction_step){
                .kind = (uint8_t)(below(&state, 8) == 0 ? DO_NOTHING : kinds[below(&state, KINDS)]),
                .word = (uint8_t)below(&state, 2),
                .value = (uint8_t)(1 + below(&state, 2)),
                .order = (uint8_t)(in_s ? 4 : below(&state, 5))};
    return program;
}

static struct ckf_explore_options options_of(uint64_t seed)
{
    return (struct ckf_explore_options){.model = (enum ckf_explore_model)(seed % MODELS),
                                        .preemptions = CKF_EXPLORE_UNBOUNDED,
                                        .timeouts = seed / MODELS % 3,
                                        .spurious = seed / MODELS / 3 % 4 == 0,
                                        .executions = PLAIN_EXECUTIONS};
}

/* Again, if it turns out that words are shared which were taken for private ones: before, there were fewer
 * points, and between some of them what is no point of its own (a look at the clock) came at other times. */
static bool explore(struct reduction_program *program, struct ckf_explore_options options,
                    struct ends *ends, uint64_t *executions)
{
    struct ckf_explore_stats stats;
    do {
        *ends = (struct ends){.count = 0};
        ckf_explore_run(reduction_run, program, &options, gather, ends, &stats);
        options.informed = true;
    } while (stats.discoveries > 0);
    *executions += stats.executions + stats.pruned;
    return stats.complete;
}

static bool explore_all(struct reduction_program *program, uint64_t seed, struct ends *ends,
                        uint64_t *executions)
{
    struct ckf_explore_options options = options_of(seed);
    options.strategy = CKF_EXPLORE_DFS;
    options.without = CKF_WITHOUT_SLEEP_SETS | CKF_WITHOUT_STATES | CKF_WITHOUT_CHOICE_OF_READS |
                      CKF_WITHOUT_SNAPSHOTS;
    return explore(program, options, ends, executions);
}

static bool explore_reduced(struct reduction_program *program, uint64_t seed, unsigned forgotten,
                            struct ends *ends, uint64_t *executions)
{
    struct ckf_explore_options options = options_of(seed);
    options.strategy = CKF_EXPLORE_DPOR;
    options.forgotten = forgotten;
    options.informed = true;
    return explore(program, options, ends, executions);
}

static void print_program(const struct reduction_program *program)
{
    for (unsigned thread = 0; thread < REDUCTION_THREADS; thread++) {
        for (unsigned i = 0; i < REDUCTION_STEPS; i++)
            print_message(" %u(%u %u %u)", program->steps[thread][i].kind,
                          program->steps[thread][i].word, program->steps[thread][i].value,
                          program->steps[thread][i].order);
        print_message("\n");
    }
}

static void partial_order_reduction_comes_to_the_same_ends(void **state)
{
    (void)state;
    static struct ends plain, reduced;
    uint64_t executions = 0, plain_executions = 0;
    unsigned compared = 0, wrong = 0;
    for (uint64_t seed = 0; seed < PROGRAMS; seed++) {
        struct reduction_program program = make_program(seed);
        if (!explore_all(&program, seed, &plain, &plain_executions))
            continue;
        bool complete = explore_reduced(&program, seed, 0, &reduced, &executions);
        compared++;
        if (complete && equal(&plain, &reduced))
            continue;
        wrong++;
        print_message("program %llu, model %u: %zu ends of %zu, %s\n", (unsigned long long)seed,
                      (unsigned)(seed % MODELS), reduced.count, plain.count,
                      complete ? "complete" : "not complete");
        print_program(&program);
    }
    print_message("%u programs: %llu executions instead of %llu\n", compared,
                  (unsigned long long)executions, (unsigned long long)plain_executions);
    assert_int_equal(wrong, 0);
}

static void going_on_from_snapshots_changes_nothing(void **state)
{
    (void)state;
    enum { SOME_EXECUTIONS = 1000 };
    uint64_t executions = 0;
    for (uint64_t seed = 0; seed < PROGRAMS; seed++) {
        struct reduction_program program = make_program(seed);
        struct ckf_explore_options options = options_of(seed);
        options.executions = SOME_EXECUTIONS;
        options.preemptions = seed % 2 == 0 ? 2 : CKF_EXPLORE_UNBOUNDED;
        if (explore_snapshots_change_nothing(reduction_run, &program, options, NULL, &executions))
            continue;
        print_program(&program);
        fail_msg("program %llu", (unsigned long long)seed);
    }
    print_message("%llu executions\n", (unsigned long long)executions);
}

static void a_forgotten_dependency_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned flag;
    } faults[] = {
        {"memory", CKF_TOUCH_MEMORY},       {"mutexes", CKF_TOUCH_MUTEXES},
        {"sleepers", CKF_TOUCH_SLEEPERS},   {"the clock", CKF_TOUCH_CLOCK},
        {"the order S", CKF_TOUCH_ORDER_S}, {"sections", CKF_TOUCH_SECTIONS},
        {"counters", CKF_TOUCH_COUNTERS},   {"everything", CKF_TOUCH_EVERYTHING},
    };
    enum { FAULTS = sizeof faults / sizeof *faults };
    static struct ends plain, reduced;
    unsigned noticed[FAULTS] = {0};
    uint64_t unused = 0;
    for (uint64_t seed = 0; seed < PROGRAMS; seed++) {
        struct reduction_program program = make_program(seed);
        if (!explore_all(&program, seed, &plain, &unused))
            continue;
        for (size_t fault = 0; fault < FAULTS; fault++) {
            explore_reduced(&program, seed, faults[fault].flag, &reduced, &unused);
            noticed[fault] += !equal(&plain, &reduced);
        }
    }
    bool all = true;
    for (size_t fault = 0; fault < FAULTS; fault++) {
        print_message("forgotten: %-12s noticed by %u of %d programs\n", faults[fault].name,
                      noticed[fault], PROGRAMS);
        all = all && noticed[fault] > 0;
    }
    assert_true(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partial_order_reduction_comes_to_the_same_ends),
        cmocka_unit_test(a_forgotten_dependency_is_noticed),
        cmocka_unit_test(going_on_from_snapshots_changes_nothing),
    };
    return cmocka_run_group_tests_name("explore_reduction", tests, NULL, NULL);
}
