/* runner.c - rounds of interleaved runs.
 *
 * For each workload every contestant is opened and runs once as a pilot, which warms it up and finds
 * how much work fills its time. Then come rounds: in each, every contestant runs once, in an order
 * drawn anew, so that a slow phase of the machine meets all of them. Fixed work is the same amount
 * for all.
 *
 * A round in which a run did not get the CPUs that it needed is set aside and done again, up to
 * twice the repetitions. Where too few undisturbed rounds are found, all are kept and the results
 * concerned are marked: they are shown, but not compared.
 *   - Loops that never wait: CPU time over real time below 0.8 x min(threads, CPUs).
 *   - The others sleep rightly: judged by how much CPU time other processes took meanwhile. The
 *     kernel counts that in ticks, so it is taken over a round, or over some if they are short.
 */
#include "harness/runner.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/clock.h"
#include "harness/session.h"
#include "harness/watchdog.h"

static const double parallel_share = 0.8;
static const double shortest_run_seconds = 0.005, longest_run_seconds = 0.3;
static const double shortest_fixed_run_ns = 2e6, longest_fixed_run_ns = 1e9;
static const int64_t hang_ns = INT64_C(60) * 1000000000;
enum { FIRST_PILOT_WORK = 512, PILOT_GROWTH = 4, PILOT_LEAP = 64, FIRST_PROGRAM_WORK = 1 << 16 };

/* One workload under way: a session for each contestant, and the rounds done so far. */
struct contest {
    const struct bench_workload *workload;
    struct outcome *outcome;
    struct session *sessions; /* one for each result that is not skipped, else unused */
    struct result *results;
    unsigned count, cpus;
    const char *programs;
    bool parallel[BENCH_MAX_CONTESTANTS][MAX_SAMPLES];
    bool good[MAX_SAMPLES];
    double busy[BENCH_MAX_CONTESTANTS][MAX_SAMPLES];
    double foreign[MAX_SAMPLES];         /* CPUs that others kept busy */
    struct usage usage[MAX_SAMPLES + 1]; /* before the pilot, and after each round */
    unsigned rounds;
};

static const char *volatile current_workload = "", *volatile current_contestant = "";

void runner_current(const char **workload, const char **contestant)
{
    *workload = current_workload;
    *contestant = current_contestant;
}

unsigned workload_threads(const struct bench_workload *workload)
{
    unsigned threads = 0;
    for (unsigned i = 0; i < BENCH_MAX_ACTORS; i++)
        threads += workload->actors[i].copies;
    return threads;
}

static bool selected(const struct runner_options *options, const struct bench_workload *workload)
{
    if (options->thread_counts != 0 &&
        (options->thread_counts >> workload_threads(workload) & 1) == 0)
        return false;
    return options->filter == NULL || fnmatch(options->filter, workload->id, 0) == 0;
}

void runner_for_each(const struct runner_options *options,
                     void (*visit)(const struct bench_workload *, void *argument), void *argument)
{
    for (size_t s = 0; s < bench_contents.suite_count; s++) {
        const struct bench_suite *suite = bench_contents.suites[s];
        for (size_t w = 0; w < suite->count; w++)
            if (selected(options, &suite->workloads[w]))
                visit(&suite->workloads[w], argument);
    }
}

static unsigned at_most(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool result_is_program(const struct result *result)
{
    return result->contestant->program != NULL;
}

static bool result_runs(const struct result *result)
{
    return !result->skipped && result->failure[0] == '\0';
}

/* Where the program of a contestant is; false: nowhere. */
static bool program_path(const char *folder, const struct bench_contestant *contestant, char *path,
                         size_t size)
{
    if (folder == NULL)
        return false;
    int length = snprintf(path, size, "%s/%s", folder, contestant->program);
    return length > 0 && (size_t)length < size && access(path, X_OK) == 0;
}

/* Whether the contestant knows how to do all that the workload asks. */
static bool takes_part(const struct bench_workload *workload,
                       const struct bench_contestant *contestant)
{
    if (contestant->program != NULL)
        return workload->script != NULL;
    for (unsigned i = 0; i < BENCH_MAX_ACTORS; i++)
        if (workload->actors[i].copies > 0 && contestant->bodies[workload->actors[i].role] == NULL)
            return false;
    return workload->background.copies == 0 ||
           contestant->bodies[workload->background.role] != NULL;
}

/* The first of those that the process may use; threads and programs inherit it. */
static void to_one_cpu(cpu_set_t *before)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    sched_getaffinity(0, sizeof(*before), before);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, before)) {
            CPU_SET(cpu, &one);
            break;
        }
    sched_setaffinity(0, sizeof(one), &one);
}

/* Runs one contestant once. Its time per unit, or a negative number once it has failed. */
static double run_once(struct contest *contest, unsigned index, double min_seconds,
                       struct measurement *measurement)
{
    struct session *session = &contest->sessions[index];
    struct result *result = &contest->results[index];
    current_workload = contest->workload->id;
    current_contestant = result->contestant->name;
    watchdog_allow(hang_ns);
    cpu_set_t cpus;
    if (contest->workload->one_cpu)
        to_one_cpu(&cpus);
    char path[PATH_MAX];
    if (result->contestant->program != NULL) {
        program_path(contest->programs, result->contestant, path, sizeof(path));
        session_run_program(session, path, measurement);
    } else if (contest->workload->kind == BENCH_PER_OP)
        session_run_per_op(session, min_seconds, measurement);
    else
        session_run_fixed_work(session, measurement);
    if (contest->workload->one_cpu)
        sched_setaffinity(0, sizeof(cpus), &cpus);
    watchdog_allow(0);
    if (session_failed(session)) {
        snprintf(result->failure, sizeof(result->failure), "%s", session->failure);
        return -1;
    }
    return measurement->has_value ? measurement->value : measurement->span_ns / measurement->units;
}

/* How many times as much work comes next, given how many times as long a run has to become. */
static size_t pilot_leap(double wanted, size_t most)
{
    size_t leap = wanted > PILOT_LEAP ? PILOT_LEAP : (size_t)wanted;
    if (leap < PILOT_GROWTH)
        leap = PILOT_GROWTH;
    return leap < most ? leap : most;
}

/* Grows the work until a run takes long enough to say what a unit costs. */
static double pilot_fixed_work(struct contest *contest, unsigned index, double run_seconds)
{
    struct session *session = &contest->sessions[index];
    struct measurement measurement = {0};
    if (contest->workload->exact_work != 0) {
        session->work = contest->workload->exact_work;
        return run_once(contest, index, 0, &measurement);
    }
    if (result_is_program(&contest->results[index])) {
        session->work = FIRST_PROGRAM_WORK;
        return run_once(contest, index, 0, &measurement);
    }
    size_t max_work = contest->workload->max_work != 0 ? contest->workload->max_work : SIZE_MAX / 8;
    session->work = FIRST_PILOT_WORK;
    for (;;) {
        double cost = run_once(contest, index, 0, &measurement);
        if (cost < 0 || measurement.span_ns > run_seconds * 1e9 / PILOT_GROWTH ||
            session->work * PILOT_GROWTH > max_work)
            return cost;
        session->work *= pilot_leap(run_seconds * 1e9 / PILOT_GROWTH / measurement.span_ns,
                                    max_work / session->work);
    }
}

/* As much as fills the time of each; never so little that a message more or less matters. */
static void choose_own_work(struct contest *contest, const double *cost_ns, double run_seconds)
{
    for (unsigned i = 0; i < contest->count; i++) {
        if (!result_runs(&contest->results[i]))
            continue;
        double work = run_seconds * 1e9 / cost_ns[i];
        size_t max_work = contest->workload->max_work;
        if (max_work != 0 && work > (double)max_work)
            work = (double)max_work;
        if (work < FIRST_PILOT_WORK)
            work = FIRST_PILOT_WORK;
        contest->sessions[i].work = (uint64_t)work;
    }
    contest->outcome->work = contest->sessions[0].work;
}

/* The amount for all: on average a run fills its time, the quickest is long enough to be measured
 * and the slowest does not take for ever. */
static void choose_fixed_work(struct contest *contest, const double *cost_ns, double run_seconds)
{
    double sum = 0, quickest = 0, slowest = 0;
    unsigned running = 0;
    for (unsigned i = 0; i < contest->count; i++) {
        if (!result_runs(&contest->results[i]))
            continue;
        sum += cost_ns[i];
        if (running == 0 || cost_ns[i] < quickest)
            quickest = cost_ns[i];
        if (cost_ns[i] > slowest)
            slowest = cost_ns[i];
        running++;
    }
    if (running == 0)
        return;
    double work = run_seconds * 1e9 * running / sum;
    if (work < shortest_fixed_run_ns / quickest)
        work = shortest_fixed_run_ns / quickest;
    if (work > longest_fixed_run_ns / slowest)
        work = longest_fixed_run_ns / slowest;
    if (contest->workload->max_work != 0 && work > (double)contest->workload->max_work)
        work = (double)contest->workload->max_work;
    if (work < FIRST_PILOT_WORK)
        work = FIRST_PILOT_WORK;
    for (unsigned i = 0; i < contest->count; i++)
        contest->sessions[i].work = (uint64_t)work;
    contest->outcome->work = (uint64_t)work;
}

static void pilot(struct contest *contest, double run_seconds)
{
    double cost_ns[BENCH_MAX_CONTESTANTS] = {0};
    bool per_op = contest->workload->kind == BENCH_PER_OP;
    for (unsigned i = 0; i < contest->count; i++) {
        struct result *result = &contest->results[i];
        if (result->skipped)
            continue;
        if (!per_op) {
            cost_ns[i] = pilot_fixed_work(contest, i, run_seconds);
            continue;
        }
        session_setup(&contest->sessions[i]);
        struct measurement measurement = {0};
        if (session_failed(&contest->sessions[i]))
            snprintf(result->failure, sizeof(result->failure), "%s", contest->sessions[i].failure);
        else
            run_once(contest, i, run_seconds, &measurement);
    }
    if (per_op)
        return;
    if (contest->workload->exact_work != 0)
        contest->outcome->work = contest->workload->exact_work;
    else if (contest->workload->own_work)
        choose_own_work(contest, cost_ns, run_seconds);
    else
        choose_fixed_work(contest, cost_ns, run_seconds);
}

static void shuffle(unsigned *order, unsigned count)
{
    static uint64_t seed = 1;
    for (unsigned i = 0; i < count; i++)
        order[i] = i;
    for (unsigned i = count; i > 1; i--) {
        unsigned j = (unsigned)(bench_mix(seed++) % i), moved = order[i - 1];
        order[i - 1] = order[j];
        order[j] = moved;
    }
}

static bool never_waits(const struct bench_workload *workload, const struct result *result)
{
    if (workload->kind != BENCH_PER_OP || workload->waits)
        return false;
    bool alone = workload_threads(workload) == 1 && workload->background.copies == 0;
    return alone || !result->contestant->sleeps;
}

static bool run_was_parallel(const struct contest *contest, unsigned index, unsigned round)
{
    unsigned needed = at_most(contest->outcome->threads, contest->cpus);
    if (never_waits(contest->workload, &contest->results[index]))
        return contest->busy[index][round] >= parallel_share * needed;
    return contest->foreign[round] <= (contest->cpus - needed) + (1 - parallel_share) * needed;
}

/* CPUs that others kept busy during the round, and before it if it was too short to tell. */
static double foreign_in_round(const struct contest *contest, unsigned round)
{
    const struct usage *now = &contest->usage[round + 1], *then = now;
    do
        then--;
    while (then > contest->usage && now->at_ns - then->at_ns < USAGE_SHORTEST_NS);
    return usage_foreign_cpus(then, now);
}

static void judge_round(struct contest *contest)
{
    unsigned round = contest->rounds;
    contest->usage[round + 1] = usage_now();
    contest->foreign[round] = foreign_in_round(contest, round);
    contest->good[round] = true;
    for (unsigned i = 0; i < contest->count; i++) {
        if (!result_runs(&contest->results[i]))
            continue;
        contest->parallel[i][round] = run_was_parallel(contest, i, round);
        contest->good[round] &= contest->parallel[i][round];
    }
}

static void run_round(struct contest *contest)
{
    unsigned order[BENCH_MAX_CONTESTANTS], round = contest->rounds;
    shuffle(order, contest->count);
    for (unsigned i = 0; i < contest->count; i++) {
        unsigned index = order[i];
        struct result *result = &contest->results[index];
        if (!result_runs(result))
            continue;
        struct measurement measurement = {0};
        result->samples[round] = run_once(contest, index, 0, &measurement);
        contest->busy[index][round] = measurement.cpus_busy;
        const struct session *session = &contest->sessions[index];
        if (session->background_ns > 0)
            result->background_rate =
                (double)session->background_count * 1e9 / (double)session->background_ns;
    }
    judge_round(contest);
    contest->rounds++;
}

static unsigned good_rounds(const struct contest *contest)
{
    unsigned good = 0;
    for (unsigned round = 0; round < contest->rounds; round++)
        good += contest->good[round];
    return good;
}

static void run_rounds(struct contest *contest, unsigned repetitions, int64_t deadline_ns)
{
    while (contest->rounds < MAX_SAMPLES && contest->rounds < 2 * repetitions &&
           good_rounds(contest) < repetitions) {
        if (contest->rounds >= repetitions && bench_now_ns() > deadline_ns)
            break;
        run_round(contest);
    }
}

/* Keeps the undisturbed rounds, or all of them if those are too few to stand on. */
static void sum_up(struct contest *contest, unsigned repetitions)
{
    unsigned good = good_rounds(contest);
    bool enough = good >= repetitions || (good >= 3 && good * 2 > contest->rounds);
    if (enough)
        contest->outcome->disturbed_rounds = contest->rounds - good;
    for (unsigned i = 0; i < contest->count; i++) {
        struct result *result = &contest->results[i];
        if (!result_runs(result))
            continue;
        unsigned kept = 0, parallel = 0;
        double busy[MAX_SAMPLES], foreign[MAX_SAMPLES];
        for (unsigned round = 0; round < contest->rounds; round++) {
            if (enough && !contest->good[round])
                continue;
            result->samples[kept] = result->samples[round];
            busy[kept] = contest->busy[i][round];
            foreign[kept] = contest->foreign[round];
            parallel += contest->parallel[i][round];
            kept++;
        }
        result->sample_count = kept;
        result->median = median_of(result->samples, kept);
        result->min = result->max = result->samples[0];
        for (unsigned k = 1; k < kept; k++) {
            if (result->samples[k] < result->min)
                result->min = result->samples[k];
            if (result->samples[k] > result->max)
                result->max = result->samples[k];
        }
        result->cpus_busy = median_of(busy, kept);
        result->foreign_cpus = median_of(foreign, kept);
        result->parallel = parallel == kept;
    }
}

static void open_contestants(struct contest *contest)
{
    const struct bench_workload *workload = contest->workload;
    struct outcome *outcome = contest->outcome;
    for (size_t i = 0; i < workload->contestant_count; i++) {
        const struct bench_contestant *contestant = workload->contestants[i];
        if (contestant == NULL || !takes_part(workload, contestant))
            continue;
        struct result *result = &outcome->results[outcome->result_count++];
        *result = (struct result){.contestant = contestant};
        if (contestant->spins && outcome->threads > (workload->one_cpu ? 1 : contest->cpus)) {
            result->skipped = true;
            result->skipped_because = "it spins, and there are more threads than CPUs";
        }
        char path[PATH_MAX];
        if (result_is_program(result) &&
            !program_path(contest->programs, contestant, path, sizeof(path))) {
            result->skipped = true;
            result->skipped_because = "its program is not there";
        }
    }
    contest->count = outcome->result_count;
    contest->results = outcome->results;
    contest->sessions =
        aligned_alloc(BENCH_CACHELINE_BYTES, sizeof(struct session) * BENCH_MAX_CONTESTANTS);
    if (contest->sessions == NULL) {
        fprintf(stderr, "ckf-bench: memory for %s: %s\n", workload->id, strerror(ENOMEM));
        exit(2);
    }
    for (unsigned i = 0; i < contest->count; i++)
        if (!contest->results[i].skipped)
            session_open(&contest->sessions[i], workload, contest->results[i].contestant);
}

static void close_contestants(struct contest *contest)
{
    for (unsigned i = 0; i < contest->count; i++) {
        struct result *result = &contest->results[i];
        struct session *session = &contest->sessions[i];
        if (result->skipped)
            continue;
        /* After a failure nobody knows what state it is in. */
        if (contest->workload->kind == BENCH_PER_OP && result_runs(result)) {
            watchdog_allow(hang_ns);
            session_verify(session);
            session_teardown(session);
            watchdog_allow(0);
            if (session_failed(session))
                snprintf(result->failure, sizeof(result->failure), "%s", session->failure);
        }
        session_close(session);
    }
    free(contest->sessions);
}

struct plan {
    const struct runner_options *options;
    struct report *report;
    int64_t start_ns, deadline_ns;
    unsigned runs_left; /* planned, of all workloads still to come */
};

static unsigned planned_runs(const struct bench_workload *workload, unsigned repetitions)
{
    unsigned contestants = 0;
    for (size_t i = 0; i < workload->contestant_count; i++)
        contestants +=
            workload->contestants[i] != NULL && takes_part(workload, workload->contestants[i]);
    return contestants * (repetitions + 2); /* the pilot takes up to two */
}

static void plan_workload(const struct bench_workload *workload, void *argument)
{
    struct plan *plan = argument;
    plan->runs_left += planned_runs(workload, plan->options->repetitions);
}

/* Setting up, checking and rounds done again want time too. */
static const double measured_share = 0.6;

static double run_seconds_now(const struct plan *plan)
{
    double left = (double)(plan->deadline_ns - bench_now_ns()) / 1e9;
    left *= measured_share / plan->runs_left;
    if (left < shortest_run_seconds)
        return shortest_run_seconds;
    return left > longest_run_seconds ? longest_run_seconds : left;
}

/* Until when a workload may do rounds again: half as much more than its share of what is left. */
static int64_t again_until_ns(const struct plan *plan, unsigned runs)
{
    static const double share = 1.5;
    int64_t now = bench_now_ns();
    double left = (double)(plan->deadline_ns - now);
    return now + (int64_t)(left * share * runs / plan->runs_left);
}

static void show(const struct outcome *outcome)
{
    if (bench_contents.has_targets)
        targets_show(outcome);
    else
        table_row(outcome);
}

static void run_workload(const struct bench_workload *workload, void *argument)
{
    struct plan *plan = argument;
    struct report *report = plan->report;
    if (report->outcome_count == MAX_WORKLOADS)
        return;
    struct outcome *outcome = &report->outcomes[report->outcome_count++];
    *outcome = (struct outcome){.workload = workload, .threads = workload_threads(workload)};
    if (bench_now_ns() + (int64_t)(workload->least_seconds * 1e9) > plan->deadline_ns) {
        outcome->out_of_budget = true;
        show(outcome);
        return;
    }
    static struct contest contest;
    contest = (struct contest){.workload = workload,
                               .outcome = outcome,
                               .cpus = report->machine.cpus,
                               .programs = plan->options->programs};
    unsigned runs = planned_runs(workload, plan->options->repetitions);
    int64_t again_ns = again_until_ns(plan, runs);
    open_contestants(&contest);
    contest.usage[0] = usage_now();
    pilot(&contest, run_seconds_now(plan));
    run_rounds(&contest, plan->options->repetitions, again_ns);
    sum_up(&contest, plan->options->repetitions);
    close_contestants(&contest);
    plan->runs_left -= runs;
    show(outcome);
}

void runner_run(const struct runner_options *options, struct report *report)
{
    struct plan plan = {.options = options, .report = report, .start_ns = bench_now_ns()};
    plan.deadline_ns = plan.start_ns + (int64_t)(options->budget_seconds * 1e9);
    report->repetitions = options->repetitions;
    report->budget_seconds = options->budget_seconds;
    report->load_average = machine_load_average();
    runner_for_each(options, plan_workload, &plan);
    runner_for_each(options, run_workload, &plan);
    report->seconds = (double)(bench_now_ns() - plan.start_ns) / 1e9;
}
