/* explore/cli.c - explores each variant of each case by a portfolio of strategies, replays schedule
 * files, and says what was found and how far the search got.
 *
 * A failure is minimised, run again under the recorder, and written to a schedule file: at once, as long as
 * the engine knows the program that failed.
 */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exploration.h"
#include "harness/catalog.h"
#include "harness/json.h"
#include "mutate.h"
#include "progress.h"
#include "trace.h"

#define SURE_NS           INT64_C(10000000)
#define DEFAULT_BUDGET_NS INT64_C(2000000000)

extern const struct ckf_stress_case *const __start_ckf_stress_cases[] __attribute__((weak));
extern const struct ckf_stress_case *const __stop_ckf_stress_cases[] __attribute__((weak));

/* Failures. */

struct target {
    struct ckf_exploration *exploration;
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
    target->hit = outcome != NULL &&
                  ckf_explore_is_outcome(target->exploration->failure.outcome, outcome) &&
                  end->choice_count <= CKF_EXPLORE_CHOICES;
    target->hash = end->hash;
    *target->count = end->choice_count;
    *target->steps = end->steps;
    memcpy(target->choices, end->choices, end->choice_count * sizeof *end->choices);
    return true;
}

static bool still_fails(struct ckf_choice *choices, size_t *count, unsigned *steps, void *arg)
{
    struct ckf_exploration *exploration = arg;
    struct target target = {exploration, choices, count, steps, false, 0};
    ckf_explore_replay(ckf_explore_case_run, &exploration->program, &exploration->stage, choices,
                       *count, false, compare_outcome, &target);
    if (target.hit)
        exploration->failure.hash = target.hash;
    return target.hit;
}

static void minimise_failure(struct ckf_exploration *exploration)
{
    struct ckf_schedule *failure = &exploration->failure;
    if (failure->choices == NULL)
        return;
    exploration->minimise_attempts = ckf_explore_minimise(
        failure->choices, &failure->choice_count, CKF_EXPLORE_CHOICES, still_fails, exploration);
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
static void record_failure(struct ckf_exploration *exploration)
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

static void save_failure(struct ckf_exploration *exploration, const char *folder)
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
    bool written = ferror(out) == 0;
    if (fclose(out) != 0 || !written) {
        fprintf(stderr, "ckf-stress: %s could not be written whole\n", path);
        unlink(path);
        path[0] = '\0';
    }
}

/* Reports. */

static const char *verdict_of(const struct ckf_exploration *exploration)
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

static void describe_extent(const struct ckf_exploration *exploration, char *text, size_t size)
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
        snprintf(text, size, "%.3f s", (double)exploration->ns_to_failure / 1e9);
    else
        ckf_exploration_describe_bounds(exploration, text, size);
}

/* What makes a search large. */
static void print_branches(const uint64_t branches[CKF_CHOICES])
{
    static const char *const names[CKF_CHOICES] = {"who goes on",  "which store is read",
                                                   "who is woken", "a deadline fires",
                                                   "spurious",     "the program's own"};
    const char *before = "    searched by choices of: ";
    for (unsigned i = 0; i < CKF_CHOICES; i++) {
        if (branches[i] == 0)
            continue;
        printf("%s%s %" PRIu64, before, names[i], branches[i]);
        before = ", ";
    }
    if (before[0] == ',')
        putchar('\n');
}

static void print_stats(const struct ckf_exploration *exploration)
{
    const struct ckf_explore_stats *total = &exploration->total;
    double seconds = (double)total->cpu_ns / 1e9;
    printf("    %.0f executions/s and %.1f M steps/s of CPU time, at most %u steps, %" PRIu64
           " cut off, %" PRIu64 " states\n",
           (double)total->executions / seconds, (double)total->steps / seconds / 1e6,
           total->deepest, total->pruned, total->states);
    print_branches(total->branches);
}

static void print_result(const struct ckf_exploration *exploration)
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
    if (exploration->settings->stats && exploration->total.cpu_ns > 0)
        print_stats(exploration);
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
static void print_json(FILE *out, const struct ckf_exploration *exploration, bool first)
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
            "\"complete_by_stale_reads\":[%d,%d,%d],\"complete\":%s,\"early_deadlines\":%u,"
            "\"outcomes\":[",
            ckf_explore_model_name(exploration->settings->model), exploration->total.executions,
            exploration->total.steps, exploration->total.elapsed_ns,
            exploration->complete[CKF_READS_ALL],
            ckf_exploration_bound(exploration, CKF_READS_FRESH),
            ckf_exploration_bound(exploration, CKF_READS_ONE_STALE),
            ckf_exploration_bound(exploration, CKF_READS_TWO_STALE),
            exploration->complete_wholly ? "true" : "false", exploration->settings->timeouts);
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

/* How many of the fixed variants were searched up to which bounds: those with the most preemptions, and of
 * these with the most reads. */
struct extents {
    unsigned complete, not_complete;
    unsigned bounded[CKF_EXPLORE_HIGHEST_BOUND + 1][CKF_READS];
};

struct report {
    FILE *json;
    bool first;
    unsigned failed, not_reproduced, troubled, reproduced, clean;
    struct extents extents;
};

static void account_extent(struct extents *extents, const struct ckf_exploration *exploration)
{
    int bound = ckf_exploration_bound(exploration, CKF_READS_FRESH);
    unsigned reads = CKF_READS_ALL;
    while (reads > 0 && exploration->complete[reads] < bound)
        reads--;
    if (exploration->complete_wholly)
        extents->complete++;
    else if (bound < 0)
        extents->not_complete++;
    else
        extents->bounded[bound][reads]++;
}

static void account(struct report *report, const struct ckf_exploration *exploration)
{
    bool racy = exploration->program.variant == CKF_STRESS_RACY;
    if (exploration->trouble[0] != '\0') {
        report->troubled++;
    } else if (racy) {
        *(exploration->failed ? &report->reproduced : &report->not_reproduced) += 1;
    } else if (exploration->failed) {
        report->failed++;
    } else {
        report->clean++;
        account_extent(&report->extents, exploration);
    }
}

/* "searched completely: 104 without a bound, 70 up to 2 preemptions, 30 with 2 stale reads" */
static void print_extents(const struct extents *extents)
{
    printf("of the clean ones were searched: %u completely", extents->complete);
    for (unsigned bound = CKF_EXPLORE_HIGHEST_BOUND + 1; bound-- > 0;)
        for (unsigned reads = CKF_READS; reads-- > 0;)
            if (extents->bounded[bound][reads] > 0)
                printf(", %u up to %u preemption%s%s", extents->bounded[bound][reads], bound,
                       plural(bound), ckf_exploration_reads(reads));
    if (extents->not_complete > 0)
        printf(", %u only in samples", extents->not_complete);
    putchar('\n');
}

static void report_variant(struct report *report, struct ckf_exploration *exploration)
{
    const struct ckf_explore_settings *settings = exploration->settings;
    bool racy = exploration->program.variant == CKF_STRESS_RACY;
    bool wanted = exploration->failed &&
                  (!racy || settings->trace || settings->save_path != NULL || report->json != NULL);
    if (wanted)
        minimise_failure(exploration);
    print_result(exploration);
    if (wanted) {
        if (!settings->no_files && (!racy || settings->save_path != NULL))
            save_failure(exploration, settings->save_path != NULL ? settings->save_path : ".");
        record_failure(exploration);
        if (!racy || settings->trace) {
            ckf_explore_trace_print(stdout, exploration->failure.outcome);
            ckf_explore_case_print_history(stdout);
        }
    }
    if (report->json != NULL) {
        print_json(report->json, exploration, report->first);
        report->first = false;
    }
    if (exploration->saved_path[0] != '\0')
        printf("    schedule: %s (to replay it: %s replay %s)\n", exploration->saved_path,
               program_invocation_name, exploration->saved_path);
    fflush(stdout);
    account(report, exploration);
}

/* The variants that are to be explored, and the time there is for them. */
struct work {
    struct ckf_exploration **open;
    size_t count;
    bool in_rounds;           /* one strategy takes all its time at once */
    int64_t equal_ns, end_ns; /* an equal share of each; when all have to be done */
};

static bool selected(const struct ckf_explore_settings *settings,
                     const struct ckf_stress_case *test, int variant)
{
    return settings->variants[variant] && test->operations[variant] != NULL;
}

static bool gather(struct work *work, const struct ckf_explore_settings *settings,
                   const struct ckf_stress_catalog *catalog)
{
    *work = (struct work){.open = calloc(catalog->count * CKF_STRESS_VARIANTS, sizeof *work->open),
                          .in_rounds = settings->strategy < 0};
    if (work->open == NULL)
        return false;
    for (size_t i = 0; i < catalog->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++) {
            if (!selected(settings, catalog->cases[i], v))
                continue;
            work->open[work->count] =
                ckf_exploration_start(settings, catalog->cases[i], (enum ckf_stress_variant)v);
            if (work->open[work->count++] == NULL)
                return false;
        }
    int64_t count = work->count > 0 ? (int64_t)work->count : 1;
    work->equal_ns = settings->budget_ns == 0 ? DEFAULT_BUDGET_NS : settings->budget_ns / count;
    work->end_ns = ckf_explore_real_time_ns() + work->equal_ns * count;
    return true;
}

static void put_away(struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->open[i] != NULL)
            ckf_exploration_free(work->open[i]);
    free(work->open);
}

/* Most searches are complete at once. So in a first round each variant gets part of an equal share, in the second
 * half of what all have left, and in the last one the rest. Something is sure even when others took longer to
 * stop than they should: nobody goes without a search. */
enum round { ROUND_FIRST, ROUND_SECOND, ROUND_LAST };

static int64_t share_of(const struct work *work, size_t explorations, enum round round)
{
    int64_t left = (work->end_ns - ckf_explore_real_time_ns()) / (int64_t)explorations;
    int64_t share = left;
    if (work->in_rounds && round == ROUND_FIRST)
        share = work->equal_ns / 4;
    else if (work->in_rounds && round == ROUND_SECOND)
        share /= 2;
    return share > SURE_NS ? share : SURE_NS;
}

static void explore_round(struct work *work, enum round round, struct report *report)
{
    size_t still_open = 0;
    for (size_t i = 0; i < work->count; i++) {
        struct ckf_exploration *exploration = work->open[i];
        work->open[i] = NULL;
        ckf_exploration_go_on(exploration, share_of(work, work->count - i, round), work->equal_ns,
                              round == ROUND_LAST);
        if (!exploration->settled) {
            work->open[still_open++] = exploration;
            continue;
        }
        report_variant(report, exploration);
        ckf_exploration_free(exploration);
    }
    work->count = still_open;
}

static bool open_json(struct report *report, const char *path)
{
    if (path == NULL)
        return true;
    report->json = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (report->json == NULL) {
        perror(path);
        return false;
    }
    fprintf(report->json, "[");
    return true;
}

static bool close_json(struct report *report, const char *path)
{
    if (report->json == NULL)
        return true;
    fprintf(report->json, "\n]\n");
    bool written = fflush(report->json) == 0 && ferror(report->json) == 0;
    if (report->json != stdout)
        written = fclose(report->json) == 0 && written;
    if (!written)
        fprintf(stderr, "ckf-stress: '%s' could not be written whole\n", path);
    return written;
}

/* Where schedules are to go, if that was said. */
static bool can_save(const char *folder)
{
    if (folder == NULL || access(folder, W_OK | X_OK) == 0)
        return true;
    fprintf(stderr, "ckf-stress: no schedule can be saved in '%s': %s\n", folder, strerror(errno));
    return false;
}

static int explore_all(const struct ckf_explore_settings *settings,
                       const struct ckf_stress_catalog *catalog)
{
    struct report report = {.first = true};
    struct work work;
    bool ready = gather(&work, settings, catalog);
    if (!ready)
        fprintf(stderr, "ckf-stress: no memory for the results\n");
    else if (work.count == 0)
        fprintf(stderr, "ckf-stress: there is nothing to explore: none of these cases has such a "
                        "variant\n");
    ready = ready && work.count > 0 && can_save(settings->save_path) &&
            open_json(&report, settings->json_path);
    for (enum round round = ROUND_FIRST; ready && round <= ROUND_LAST; round++)
        explore_round(&work, round, &report);
    put_away(&work);
    if (!ready)
        return 2;
    bool written = close_json(&report, settings->json_path);
    if (report.clean > 0)
        print_extents(&report.extents);
    printf("%u reproduced, %u not reproduced, %u clean, %u failed, %u without a verdict\n",
           report.reproduced, report.not_reproduced, report.clean, report.failed, report.troubled);
    if (report.troubled > 0 || !written)
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
    struct ckf_exploration *exploration = arg;
    const char *outcome = ckf_explore_case_outcome(end);
    exploration->failed = outcome != NULL &&
                          ckf_explore_is_outcome(exploration->failure.outcome, outcome) &&
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

static bool find_program(struct ckf_exploration *exploration,
                         const struct ckf_stress_catalog *catalog)
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

static bool replay_schedule(struct ckf_exploration *exploration)
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
    static struct ckf_exploration exploration;
    exploration = (struct ckf_exploration){.failed = false};
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
