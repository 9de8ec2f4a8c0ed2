/* explore/cli.c - explores each variant of each case by a portfolio of strategies, replays schedule
 * files, and says what was found.
 *
 * The portfolio goes from cheap and tame to thorough: threads one after the other, no preemption,
 * samples, one preemption, two, ... up to the bound; then a while without a bound, or else samples again for the
 * rest of the time. It stops at the first forbidden outcome.
 * A failure is minimised, run again under the recorder, and written to a schedule file.
 */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cases.h"
#include "harness/catalog.h"
#include "harness/json.h"
#include "mutate.h"
#include "progress.h"
#include "schedule.h"
#include "trace.h"

enum { MAX_CHOICES = 1 << 16, MAX_ROWS = 32 };
#define ASIDE_NS          INT64_C(300000000)
#define SURE_NS           INT64_C(10000000)
#define DEFAULT_BUDGET_NS INT64_C(2000000000)

extern const struct ckf_stress_case *const __start_ckf_stress_cases[] __attribute__((weak));
extern const struct ckf_stress_case *const __stop_ckf_stress_cases[] __attribute__((weak));

struct row {
    char outcome[128];
    enum ckf_stress_grade grade;
    uint64_t count;
};

/* What is known of one variant of one case. */
struct exploration {
    struct ckf_case_program program;
    const struct ckf_explore_settings *settings;
    struct ckf_explore_stats total;
    struct row rows[MAX_ROWS];
    unsigned row_count;
    bool failed; /* a forbidden outcome was seen */
    struct ckf_schedule failure;
    uint64_t executions_to_failure;
    unsigned failure_stage_bound;
    int64_t ns_to_failure, started_ns;
    char saved_path[512]; /* of the schedule file; empty: there is none */
    char trouble[512];    /* why there is no verdict; empty: there is one */
    unsigned failed_allocation, first_allocation, last_allocation; /* which may fail in samples */
    int complete_bound;   /* the search was complete within so many preemptions; -1: not even 0 */
    bool complete_wholly; /* without a bound */
    int fresh_bound;      /* as complete_bound, if loads read the newest store only */
    bool may_give_up;     /* what the stage cannot follow others can */
    enum ckf_explore_model model;
    unsigned saved_steps, minimise_attempts;
    struct ckf_explore_options stage; /* of the stage that runs; its epoch: the failure's */
};

static int64_t real_time_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void count_outcome(struct exploration *exploration, const char *outcome,
                          enum ckf_stress_grade grade)
{
    unsigned i = 0;
    while (i < exploration->row_count && strcmp(exploration->rows[i].outcome, outcome) != 0)
        i++;
    if (i == MAX_ROWS)
        i = MAX_ROWS - 1;
    if (i == exploration->row_count) {
        exploration->row_count++;
        snprintf(exploration->rows[i].outcome, sizeof exploration->rows[i].outcome, "%s", outcome);
        exploration->rows[i].grade = grade;
        exploration->rows[i].count = 0;
    }
    exploration->rows[i].count++;
}

static void describe_schedule(struct ckf_schedule *schedule, const struct exploration *exploration,
                              const struct ckf_explore_end *end, const char *outcome)
{
    const struct ckf_explore_options *options = &exploration->stage;
    *schedule = (struct ckf_schedule){
        .model = options->model,
        .steps = options->steps,
        .timeouts = options->timeouts,
        .spurious = options->spurious,
        .failed_allocation = options->failed_allocation,
        .copies = exploration->program.copies,
        .rounds = exploration->program.rounds,
        .seed = options->seed,
        .hash = end->hash,
        .choices = calloc(MAX_CHOICES, sizeof *schedule->choices),
        .choice_count = end->choice_count,
    };
    snprintf(schedule->case_id, sizeof schedule->case_id, "%s", exploration->program.test->id);
    snprintf(schedule->variant, sizeof schedule->variant, "%s",
             ckf_stress_variant_name(exploration->program.variant));
    snprintf(schedule->outcome, sizeof schedule->outcome, "%s", outcome);
    if (schedule->choices != NULL)
        memcpy(schedule->choices, end->choices, end->choice_count * sizeof *end->choices);
    schedule->contended_count = ckf_explore_contended(end->epoch, NULL, 0);
    schedule->contended = calloc(schedule->contended_count + 1, sizeof *schedule->contended);
    if (schedule->contended != NULL)
        ckf_explore_contended(end->epoch, schedule->contended, schedule->contended_count);
    else
        schedule->contended_count = 0;
}

static bool look(const struct ckf_explore_end *end, void *arg)
{
    struct exploration *exploration = arg;
    const char *outcome = ckf_explore_case_outcome(end);
    struct ckf_case_allocations allocations = ckf_explore_case_allocations();
    exploration->first_allocation = allocations.before_actors + 1;
    if (allocations.after_actors > exploration->last_allocation)
        exploration->last_allocation = allocations.after_actors;
    if (outcome == NULL && exploration->may_give_up)
        return false;
    if (outcome == NULL) {
        snprintf(exploration->trouble, sizeof exploration->trouble, "%s: %s",
                 ckf_explore_verdict_name(end->verdict), end->message);
        return false;
    }
    const struct ckf_stress_grading *grading =
        ckf_explore_case_grade(exploration->program.test, outcome);
    count_outcome(exploration, outcome, grading->grade);
    if (grading->grade != CKF_STRESS_FORBIDDEN)
        return true;
    exploration->failed = true;
    exploration->ns_to_failure = real_time_ns() - exploration->started_ns;
    describe_schedule(&exploration->failure, exploration, end, outcome);
    exploration->stage.epoch = end->epoch;
    return false;
}

static void add_stats(struct ckf_explore_stats *sum, const struct ckf_explore_stats *stats)
{
    sum->executions += stats->executions;
    sum->steps += stats->steps;
    sum->pruned += stats->pruned;
    sum->states = stats->states;
    sum->elapsed_ns += stats->elapsed_ns;
    sum->cpu_ns += stats->cpu_ns;
    if (stats->deepest > sum->deepest)
        sum->deepest = stats->deepest;
}

/* One strategy, within what is left of the budget. Returns true if the search was complete. */
static bool run_stage(struct exploration *exploration, enum ckf_explore_strategy strategy,
                      unsigned bound, uint64_t executions, int64_t budget_ns)
{
    const struct ckf_explore_settings *settings = exploration->settings;
    if (exploration->failed || exploration->trouble[0] != '\0' || budget_ns <= 0)
        return false;
    if (settings->executions != 0) {
        if (exploration->total.executions >= settings->executions)
            return false;
        uint64_t left = settings->executions - exploration->total.executions;
        executions = executions == 0 || executions > left ? left : executions;
    }
    bool samples = strategy == CKF_EXPLORE_RANDOM || strategy == CKF_EXPLORE_PCT;
    exploration->stage = (struct ckf_explore_options){
        .model = exploration->model,
        .strategy = strategy,
        .depth = bound,
        .preemptions = bound,
        .executions = executions,
        .budget_ns = budget_ns,
        .seed = settings->seed,
        .timeouts = settings->timeouts,
        .timed = exploration->program.test->specification != NULL,
        .failed_allocation = exploration->failed_allocation,
        .informed = exploration->total.executions > 0,
        .without = settings->plain ? CKF_WITHOUT_SLEEP_SETS | CKF_WITHOUT_STATES |
                                         CKF_WITHOUT_CHOICE_OF_READS | CKF_WITHOUT_SNAPSHOTS
                                   : 0,
        .spurious = samples && settings->spurious == 0 ? 1 : settings->spurious,
    };
    struct ckf_explore_stats stats;
    ckf_explore_run(ckf_explore_case_run, &exploration->program, &exploration->stage, look,
                    exploration, &stats);
    add_stats(&exploration->total, &stats);
    if (exploration->failed && exploration->executions_to_failure == 0)
        exploration->executions_to_failure = exploration->total.executions;
    return stats.complete;
}

static int64_t left_of(const struct exploration *exploration, int64_t budget_ns)
{
    return budget_ns - (real_time_ns() - exploration->started_ns);
}

static void sample(struct exploration *exploration, uint64_t executions, int64_t budget_ns)
{
    run_stage(exploration, CKF_EXPLORE_RANDOM, 0, executions, budget_ns / 4);
    for (unsigned depth = 1; depth <= 3; depth++)
        run_stage(exploration, CKF_EXPLORE_PCT, depth, executions, budget_ns / 4);
}

enum {
    FIRST_SAMPLES = 500,
    MORE_SAMPLES = 20000,
    SEQUENCES = 24,
    SEARCH_SHARE = 80 /* percent of the budget */
};

/* Searches with a growing bound, as long as each is complete: the small ones cost little, and learn for the
 * next one which words are shared, which lets a search begin again when it finds out by itself. */
static bool search(struct exploration *exploration, unsigned highest, int64_t budget_ns,
                   unsigned percent)
{
    bool complete = true;
    for (unsigned bound = 0; complete && bound <= highest && bound <= 8; bound++) {
        if (bound == 1)
            sample(exploration, FIRST_SAMPLES, left_of(exploration, budget_ns) / 2);
        complete = run_stage(exploration, CKF_EXPLORE_DFS, bound, 0,
                             left_of(exploration, budget_ns) * percent / 100);
        if (complete)
            exploration->complete_bound = (int)bound;
    }
    if (complete && highest == CKF_EXPLORE_UNBOUNDED)
        exploration->complete_wholly = complete =
            run_stage(exploration, CKF_EXPLORE_DFS, highest, 0, left_of(exploration, budget_ns));
    return complete;
}

/* Where the weak reads are too many, all interleavings may still be few enough. */
static void search_without_weak_reads(struct exploration *exploration, int64_t budget_ns)
{
    unsigned highest = exploration->settings->preemptions;
    bool complete = exploration->settings->model == CKF_EXPLORE_C11;
    exploration->model = CKF_EXPLORE_SC;
    exploration->fresh_bound = exploration->complete_bound;
    while (complete &&
           (exploration->fresh_bound < 0 || (unsigned)exploration->fresh_bound < highest)) {
        unsigned bound = (unsigned)(exploration->fresh_bound + 1);
        complete = bound <= 8 && run_stage(exploration, CKF_EXPLORE_DFS, bound, 0,
                                           left_of(exploration, budget_ns) / 2);
        exploration->fresh_bound += complete;
    }
    exploration->model = exploration->settings->model;
}

enum { SAMPLES_WITHOUT_MEMORY = 100, MOST_FAILED_ALLOCATIONS = 40 };

/* Lets each allocation of the actors fail in turn, for cases whose bodies cope. Racy twins are to fail for
 * what is racy in them. */
static void sample_without_memory(struct exploration *exploration, int64_t budget_ns)
{
    if ((exploration->program.test->flags & CKF_STRESS_COPES_WITHOUT_MEMORY) == 0 ||
        exploration->program.variant == CKF_STRESS_RACY ||
        exploration->settings->failed_allocation != 0)
        return;
    unsigned first = exploration->first_allocation, last = exploration->last_allocation;
    if (last - first >= MOST_FAILED_ALLOCATIONS && last > first)
        last = first + MOST_FAILED_ALLOCATIONS - 1;
    for (unsigned nth = first; nth <= last; nth++) {
        exploration->failed_allocation = nth;
        run_stage(exploration, CKF_EXPLORE_SEQUENTIAL, 0, SEQUENCES, budget_ns);
        run_stage(exploration, CKF_EXPLORE_RANDOM, 0, SAMPLES_WITHOUT_MEMORY, budget_ns);
        run_stage(exploration, CKF_EXPLORE_DFS, 0, SAMPLES_WITHOUT_MEMORY, budget_ns);
    }
    exploration->failed_allocation = 0;
}

enum { EXECUTIONS_WITHOUT_BOUND = 10000 };

/* Where dependent steps are few, all orders of them may be gone through soon after those within a bound. */
static void search_without_bound(struct exploration *exploration, int64_t budget_ns)
{
    if (exploration->complete_wholly || exploration->settings->plain)
        return;
    exploration->may_give_up = true;
    exploration->complete_wholly =
        run_stage(exploration, CKF_EXPLORE_DPOR, 0, EXECUTIONS_WITHOUT_BOUND,
                  left_of(exploration, budget_ns) / 4);
    exploration->may_give_up = false;
}

static void run_portfolio(struct exploration *exploration, int64_t budget_ns)
{
    run_stage(exploration, CKF_EXPLORE_SEQUENTIAL, 0, SEQUENCES, budget_ns);
    sample_without_memory(exploration, budget_ns / 8);
    bool complete =
        search(exploration, exploration->settings->preemptions, budget_ns, SEARCH_SHARE);
    if (!complete) {
        search_without_weak_reads(exploration, budget_ns);
        sample(exploration, 0, left_of(exploration, budget_ns));
        return;
    }
    search_without_bound(exploration, budget_ns);
    if (exploration->program.test->specification != NULL) {
        /* What spoils a history may take more switches than a bound allows, at places that hardly
         * matter: chance finds them. */
        run_stage(exploration, CKF_EXPLORE_RANDOM, 0, MORE_SAMPLES,
                  left_of(exploration, budget_ns));
    }
}

static void run_one_strategy(struct exploration *exploration, int64_t budget_ns)
{
    const struct ckf_explore_settings *settings = exploration->settings;
    enum ckf_explore_strategy strategy = (enum ckf_explore_strategy)settings->strategy;
    if (strategy == CKF_EXPLORE_DFS)
        search(exploration, settings->preemptions, budget_ns, 100);
    else if (strategy == CKF_EXPLORE_DPOR)
        exploration->complete_wholly = run_stage(exploration, strategy, 0, 0, budget_ns);
    else
        run_stage(exploration, strategy, settings->depth,
                  strategy == CKF_EXPLORE_SEQUENTIAL ? SEQUENCES : 0, budget_ns);
}

/* Failures. */

struct target {
    struct exploration *exploration;
    struct ckf_choice *choices;
    size_t *count;
    unsigned *steps;
    bool hit;
    uint64_t hash;
};

static bool compare_outcome(const struct ckf_explore_end *end, void *arg)
{
    struct target *target = arg;
    const char *outcome = ckf_explore_case_outcome(end);
    target->hit = outcome != NULL && strcmp(outcome, target->exploration->failure.outcome) == 0 &&
                  end->choice_count <= MAX_CHOICES;
    target->hash = end->hash;
    *target->count = end->choice_count;
    *target->steps = end->steps;
    memcpy(target->choices, end->choices, end->choice_count * sizeof *end->choices);
    return true;
}

static bool still_fails(struct ckf_choice *choices, size_t *count, unsigned *steps, void *arg)
{
    struct exploration *exploration = arg;
    struct target target = {exploration, choices, count, steps, false, 0};
    ckf_explore_replay(ckf_explore_case_run, &exploration->program, &exploration->stage, choices,
                       *count, false, compare_outcome, &target);
    if (target.hit)
        exploration->failure.hash = target.hash;
    return target.hit;
}

static void minimise_failure(struct exploration *exploration)
{
    struct ckf_schedule *failure = &exploration->failure;
    if (failure->choices == NULL)
        return;
    exploration->minimise_attempts = ckf_explore_minimise(failure->choices, &failure->choice_count,
                                                          MAX_CHOICES, still_fails, exploration);
    still_fails(failure->choices, &failure->choice_count, &exploration->saved_steps, exploration);
}

static bool ignore(const struct ckf_explore_end *end, void *arg)
{
    (void)end;
    (void)arg;
    return true;
}

/* Runs the failure under the recorder: once to learn which word it is about, and once more with
 * the plain accesses to that word. */
static void record_failure(struct exploration *exploration)
{
    struct ckf_explore_options options = exploration->stage;
    options.trace = true;
    for (int i = 0; i < 2; i++) {
        ckf_explore_trace_this_address(i == 1);
        ckf_explore_replay(ckf_explore_case_run, &exploration->program, &options,
                           exploration->failure.choices, exploration->failure.choice_count, true,
                           ignore, NULL);
    }
    ckf_explore_trace_this_address(false);
}

static void save_failure(struct exploration *exploration, const char *folder)
{
    char *path = exploration->saved_path;
    snprintf(path, sizeof exploration->saved_path, "%s/%s-%s.schedule", folder,
             exploration->program.test->id, ckf_stress_variant_name(exploration->program.variant));
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        perror(path);
        path[0] = '\0';
        return;
    }
    ckf_explore_schedule_write(&exploration->failure, out);
    fclose(out);
}

/* Reports. */

static const char *verdict_of(const struct exploration *exploration)
{
    if (exploration->trouble[0] != '\0')
        return "NO VERDICT";
    if (exploration->program.variant == CKF_STRESS_RACY)
        return exploration->failed ? "REPRODUCED" : "NOT REPRODUCED";
    return exploration->failed ? "FAILED" : "clean";
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void describe_extent(const struct exploration *exploration, char *text, size_t size)
{
    uint64_t executions =
        exploration->failed ? exploration->executions_to_failure : exploration->total.executions;
    if (exploration->trouble[0] != '\0') {
        snprintf(text, size, "%s", exploration->trouble);
        return;
    }
    int length = snprintf(text, size, "%s%" PRIu64 " execution%s, ",
                          exploration->failed ? "in " : "", executions, plural(executions));
    text += length;
    size -= (size_t)length;
    if (exploration->failed)
        length = snprintf(text, size, "%.3f s", (double)exploration->ns_to_failure / 1e9);
    else if (exploration->complete_wholly)
        length = snprintf(text, size, "complete");
    else if (exploration->complete_bound >= 0)
        length = snprintf(text, size, "complete up to %d preemption%s", exploration->complete_bound,
                          plural((uint64_t)exploration->complete_bound));
    else
        length = snprintf(text, size, "not complete");
    if (!exploration->failed && exploration->fresh_bound > exploration->complete_bound)
        snprintf(text + length, size - (size_t)length, ", %d without weak reads",
                 exploration->fresh_bound);
}

static void print_result(const struct exploration *exploration)
{
    char extent[sizeof exploration->trouble];
    describe_extent(exploration, extent, sizeof extent);
    printf("%-32s %-7s %-14s %-16s %s\n", exploration->program.test->id,
           ckf_stress_variant_name(exploration->program.variant), verdict_of(exploration),
           exploration->failed ? exploration->failure.outcome : "", extent);
    for (unsigned i = 0; i < exploration->row_count; i++)
        if (exploration->settings->stats || exploration->rows[i].grade == CKF_STRESS_INTERESTING)
            printf("    %-24s %-12s %" PRIu64 "\n", exploration->rows[i].outcome,
                   ckf_stress_grade_name(exploration->rows[i].grade), exploration->rows[i].count);
    if (exploration->settings->stats && exploration->total.cpu_ns > 0) {
        double seconds = (double)exploration->total.cpu_ns / 1e9;
        printf("    %.0f executions/s and %.1f M steps/s of CPU time, at most %u steps, %" PRIu64
               " cut off, %" PRIu64 " states\n",
               (double)exploration->total.executions / seconds,
               (double)exploration->total.steps / seconds / 1e6, exploration->total.deepest,
               exploration->total.pruned, exploration->total.states);
    }
}

static void print_json_history(FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL)
        return;
    ckf_explore_case_print_history(memory);
    fclose(memory);
    fprintf(out, ",\"history\":\"");
    ckf_stress_json_escape(out, text);
    fputc('"', out);
    free(text);
}

/* One line: whoever reads it line by line finds the head of it in this order. */
static void print_json(FILE *out, const struct exploration *exploration, bool first)
{
    char extent[sizeof exploration->trouble];
    describe_extent(exploration, extent, sizeof extent);
    fprintf(out, "%s\n{\"case\":\"%s\",\"variant\":\"%s\",\"verdict\":\"%s\",\"outcome\":\"",
            first ? "" : ",", exploration->program.test->id,
            ckf_stress_variant_name(exploration->program.variant), verdict_of(exploration));
    ckf_stress_json_escape(out, exploration->failed ? exploration->failure.outcome : "");
    fprintf(out, "\",\"extent\":\"");
    ckf_stress_json_escape(out, extent);
    fprintf(out,
            "\",\"model\":\"%s\",\"executions\":%" PRIu64 ",\"steps\":%" PRIu64
            ",\"elapsed_ns\":%" PRId64 ",\"complete_preemptions\":%d,"
            "\"complete_without_weak_reads\":%d,\"complete\":%s,"
            "\"outcomes\":[",
            ckf_explore_model_name(exploration->settings->model), exploration->total.executions,
            exploration->total.steps, exploration->total.elapsed_ns, exploration->complete_bound,
            exploration->fresh_bound > exploration->complete_bound ? exploration->fresh_bound
                                                                   : exploration->complete_bound,
            exploration->complete_wholly ? "true" : "false");
    for (unsigned i = 0; i < exploration->row_count; i++) {
        fprintf(out, "%s{\"outcome\":\"", i == 0 ? "" : ",");
        ckf_stress_json_escape(out, exploration->rows[i].outcome);
        fprintf(out, "\",\"grade\":\"%s\",\"count\":%" PRIu64 "}",
                ckf_stress_grade_name(exploration->rows[i].grade), exploration->rows[i].count);
    }
    fprintf(out, "]");
    if (exploration->failed) {
        fprintf(out, ",\"failure\":{\"outcome\":\"");
        ckf_stress_json_escape(out, exploration->failure.outcome);
        fprintf(out, "\",\"schedule\":\"");
        ckf_stress_json_escape(out, exploration->saved_path);
        fprintf(out, "\",\"executions\":%" PRIu64 ",\"ns\":%" PRId64 ",",
                exploration->executions_to_failure, exploration->ns_to_failure);
        ckf_explore_trace_print_json(out);
        print_json_history(out);
        fprintf(out, "}");
    }
    fprintf(out, "}");
}

/* Commands. */

struct report {
    FILE *json;
    bool first;
    unsigned failed, not_reproduced, troubled, reproduced, clean;
};

static void account(struct report *report, const struct exploration *exploration)
{
    bool racy = exploration->program.variant == CKF_STRESS_RACY;
    if (exploration->trouble[0] != '\0')
        report->troubled++;
    else if (racy)
        *(exploration->failed ? &report->reproduced : &report->not_reproduced) += 1;
    else
        *(exploration->failed ? &report->failed : &report->clean) += 1;
}

static void explore_variant(const struct ckf_explore_settings *settings,
                            const struct ckf_stress_case *test, enum ckf_stress_variant variant,
                            int64_t budget_ns, struct report *report)
{
    struct exploration *exploration = calloc(1, sizeof *exploration);
    if (exploration == NULL)
        return;
    exploration->program =
        (struct ckf_case_program){test, variant, settings->copies, settings->rounds};
    exploration->settings = settings;
    exploration->failed_allocation = settings->failed_allocation;
    exploration->complete_bound = exploration->fresh_bound = -1;
    exploration->model = settings->model;
    exploration->started_ns = real_time_ns();
    if (settings->strategy < 0)
        run_portfolio(exploration, budget_ns);
    else
        run_one_strategy(exploration, budget_ns);
    bool wanted = exploration->failed && (variant != CKF_STRESS_RACY || settings->trace ||
                                          settings->save_path != NULL || report->json != NULL);
    if (wanted)
        minimise_failure(exploration);
    print_result(exploration);
    if (wanted) {
        if (!settings->no_files && (variant != CKF_STRESS_RACY || settings->save_path != NULL))
            save_failure(exploration, settings->save_path != NULL ? settings->save_path : ".");
        record_failure(exploration);
        if (variant != CKF_STRESS_RACY || settings->trace) {
            ckf_explore_trace_print(stdout, exploration->failure.outcome);
            ckf_explore_case_print_history(stdout);
        }
    }
    if (report->json != NULL) {
        print_json(report->json, exploration, report->first);
        report->first = false;
    }
    if (exploration->saved_path[0] != '\0')
        printf("    schedule: %s (to replay it: ckf-stress replay %s)\n", exploration->saved_path,
               exploration->saved_path);
    fflush(stdout);
    account(report, exploration);
    ckf_explore_schedule_clear(&exploration->failure);
    free(exploration);
}

static bool selected(const struct ckf_explore_settings *settings,
                     const struct ckf_stress_case *test, int variant)
{
    return settings->variants[variant] && test->operations[variant] != NULL;
}

/* Most searches are complete at once. One that is not may take an eighth of what is left, after something
 * has been set aside for each that is still to come. Something is sure even when others took longer
 * to stop than they should: nobody goes without a search. */
static int64_t share_of(const struct ckf_explore_settings *settings, unsigned explorations,
                        int64_t start)
{
    if (settings->budget_ns == 0)
        return DEFAULT_BUDGET_NS;
    int64_t left = settings->budget_ns - (real_time_ns() - start);
    int64_t equal = left / explorations, aside = equal < ASIDE_NS ? equal : ASIDE_NS;
    int64_t eighth = (left - aside * explorations) / 8;
    int64_t share = eighth > equal ? eighth : equal;
    return share > SURE_NS ? share : SURE_NS;
}

static int explore_all(const struct ckf_explore_settings *settings,
                       const struct ckf_stress_catalog *catalog)
{
    struct report report = {.first = true};
    unsigned explorations = 0;
    for (size_t i = 0; i < catalog->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            explorations += selected(settings, catalog->cases[i], v);
    if (settings->json_path != NULL) {
        report.json =
            strcmp(settings->json_path, "-") == 0 ? stdout : fopen(settings->json_path, "w");
        if (report.json == NULL) {
            perror(settings->json_path);
            return 2;
        }
        fprintf(report.json, "[");
    }
    int64_t start = real_time_ns();
    for (size_t i = 0; i < catalog->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            if (selected(settings, catalog->cases[i], v))
                explore_variant(settings, catalog->cases[i], (enum ckf_stress_variant)v,
                                share_of(settings, explorations--, start), &report);
    if (report.json != NULL) {
        fprintf(report.json, "\n]\n");
        if (report.json != stdout)
            fclose(report.json);
    }
    printf("%u reproduced, %u not reproduced, %u clean, %u failed, %u without a verdict\n",
           report.reproduced, report.not_reproduced, report.clean, report.failed, report.troubled);
    if (report.troubled > 0)
        return 2;
    if (report.failed > 0)
        return 1;
    return report.not_reproduced > 0 && settings->require_repro ? 3 : 0;
}

static void list_all(const struct ckf_stress_catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++) {
        printf("%-32s", catalog->cases[i]->id);
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            if (catalog->cases[i]->operations[v] != NULL)
                printf(" %s", ckf_stress_variant_name((enum ckf_stress_variant)v));
        printf("\n    %s\n", catalog->cases[i]->title);
    }
}

static bool check_replay(const struct ckf_explore_end *end, void *arg)
{
    struct exploration *exploration = arg;
    const char *outcome = ckf_explore_case_outcome(end);
    exploration->failed = outcome != NULL && strcmp(outcome, exploration->failure.outcome) == 0 &&
                          end->hash == exploration->failure.hash &&
                          end->choice_count == exploration->failure.choice_count;
    if (end->verdict == CKF_VERDICT_DIVERGED)
        snprintf(exploration->trouble, sizeof exploration->trouble,
                 "after %u steps the program comes to a choice that the schedule does not have",
                 end->steps);
    else if (!exploration->failed)
        snprintf(exploration->trouble, sizeof exploration->trouble,
                 "the outcome is '%s' by another way; the schedule says '%s'",
                 outcome != NULL ? outcome : ckf_explore_verdict_name(end->verdict),
                 exploration->failure.outcome);
    return true;
}

static const struct ckf_stress_case *find_case(const struct ckf_stress_catalog *catalog,
                                               const char *id)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (strcmp(catalog->cases[i]->id, id) == 0)
            return catalog->cases[i];
    return NULL;
}

static bool find_program(struct exploration *exploration, const struct ckf_stress_catalog *catalog)
{
    const struct ckf_schedule *schedule = &exploration->failure;
    exploration->program = (struct ckf_case_program){
        find_case(catalog, schedule->case_id), CKF_STRESS_RACY, schedule->copies, schedule->rounds};
    if (exploration->program.test == NULL) {
        fprintf(stderr, "ckf-stress: the schedule is of a case that this program lacks: %s\n",
                schedule->case_id);
        return false;
    }
    for (int v = 0; v < CKF_STRESS_VARIANTS; v++) {
        exploration->program.variant = (enum ckf_stress_variant)v;
        if (strcmp(schedule->variant, ckf_stress_variant_name(exploration->program.variant)) == 0 &&
            exploration->program.test->operations[v] != NULL)
            return true;
    }
    fprintf(stderr, "ckf-stress: the case %s has no variant '%s'\n", schedule->case_id,
            schedule->variant);
    return false;
}

static bool replay_schedule(struct exploration *exploration)
{
    const struct ckf_schedule *schedule = &exploration->failure;
    exploration->stage = (struct ckf_explore_options){
        .model = schedule->model,
        .steps = schedule->steps,
        .timeouts = schedule->timeouts,
        .spurious = schedule->spurious,
        .failed_allocation = schedule->failed_allocation,
        .seed = schedule->seed,
        .epoch = CKF_EXPLORE_GIVEN_EPOCH,
    };
    if (!ckf_explore_set_contended(schedule->contended, schedule->contended_count)) {
        fprintf(stderr, "ckf-stress: the schedule is about memory that this program lacks\n");
        return false;
    }
    ckf_explore_replay(ckf_explore_case_run, &exploration->program, &exploration->stage,
                       schedule->choices, schedule->choice_count, true, check_replay, exploration);
    if (exploration->trouble[0] != '\0') {
        fprintf(stderr,
                "ckf-stress: the replay diverges: %s. The program is not the one that made it.\n",
                exploration->trouble);
        return false;
    }
    record_failure(exploration);
    ckf_explore_trace_print(stdout, schedule->outcome);
    ckf_explore_case_print_history(stdout);
    return true;
}

/* Exit 0: the execution was the recorded one, whatever its outcome. */
static int replay(const struct ckf_explore_settings *settings,
                  const struct ckf_stress_catalog *catalog)
{
    FILE *in = fopen(settings->schedule_path, "r");
    if (in == NULL) {
        perror(settings->schedule_path);
        return 2;
    }
    static struct exploration exploration;
    exploration = (struct exploration){.failed = false};
    bool good =
        ckf_explore_schedule_read(&exploration.failure, in, settings->schedule_path, stderr);
    fclose(in);
    good = good && find_program(&exploration, catalog) && replay_schedule(&exploration);
    ckf_explore_schedule_clear(&exploration.failure);
    return good ? 0 : 2;
}

int ckf_explore_main(int argc, char **argv)
{
    struct ckf_explore_settings settings;
    struct ckf_stress_catalog catalog;
    if (!ckf_explore_parse(&settings, argc, argv, stderr))
        return 2;
    if (settings.command == CKF_COMMAND_HELP) {
        ckf_explore_print_help(stdout);
        return 0;
    }
    if (!ckf_stress_catalog_load(&catalog, __start_ckf_stress_cases, __stop_ckf_stress_cases,
                                 stderr))
        return 2;
    int status = 2;
    if (settings.command == CKF_COMMAND_REPLAY)
        status = replay(&settings, &catalog);
    else if (ckf_stress_catalog_select(&catalog, settings.globs, settings.glob_count, stderr)) {
        status = 0;
        if (settings.command == CKF_COMMAND_LIST)
            list_all(&catalog);
        else if (settings.command == CKF_COMMAND_MUTATE)
            status = ckf_explore_mutate_all(&settings, &catalog);
        else if (settings.command == CKF_COMMAND_PROGRESS)
            status = ckf_explore_progress_all(&settings, &catalog);
        else
            status = explore_all(&settings, &catalog);
    }
    ckf_stress_catalog_unload(&catalog);
    return status;
}

int ckf_stress_main(int argc, char **argv)
{
    return ckf_explore_main(argc, argv);
}
