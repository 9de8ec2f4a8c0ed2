/* explore/run.c - one execution after another, and what ends them from outside.
 *
 * A fatal signal is the program's doing (the engine's own memory is out of its reach unless it
 * writes wildly): it ends the execution with a verdict, on an alternate stack, and the next one
 * starts afresh.
 */
#include "engine.h"

#include <signal.h>
#include <string.h>
#include <time.h>

enum { DEFAULT_STEPS = 20000, DEFAULT_DEPTH = 3, EXECUTIONS_PER_CLOCK = 256 };

const char *ckf_explore_verdict_name(enum ckf_explore_verdict verdict)
{
    static const char *const names[CKF_VERDICTS] = {"ok",
                                                    "data race",
                                                    "use after free",
                                                    "double free",
                                                    "hang",
                                                    "livelock",
                                                    "abort",
                                                    "crash",
                                                    "misuse",
                                                    "leak",
                                                    "uninitialised read",
                                                    "pruned",
                                                    "diverged",
                                                    "not modelled"};
    return (unsigned)verdict < CKF_VERDICTS ? names[verdict] : "unknown";
}

static int64_t time_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t real_time_ns(void)
{
    return time_ns(CLOCK_MONOTONIC);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (ckf_explore_engine.running == NULL) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    ckf_explore_engine.conflict_address = (uintptr_t)info->si_addr;
    if (number == SIGABRT)
        ckf_explore_fail(CKF_VERDICT_ABORT, "calls abort");
    ckf_explore_fail(CKF_VERDICT_CRASH, "is stopped by %s", strsignal(number));
}

static void catch_signals(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static bool caught;
    if (caught)
        return;
    caught = true;
    size_t size = 64 * 1024;
    sigaltstack(&(stack_t){.ss_sp = ckf_explore_reserve(size), .ss_size = size}, NULL);
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        sigaction(fatal[i], &action, NULL);
}

static void prepare(ckf_explore_body body, void *body_arg,
                    const struct ckf_explore_options *options)
{
    struct ckf_engine *e = &ckf_explore_engine;
    ckf_explore_engine_prepare();
    catch_signals();
    ckf_explore_watchdog_start();
    e->options = *options;
    if (e->options.steps == 0 || e->options.steps > DEFAULT_STEPS)
        e->options.steps = DEFAULT_STEPS;
    if (e->options.depth == 0)
        e->options.depth = DEFAULT_DEPTH;
    if (e->options.depth > sizeof e->change_points / sizeof *e->change_points)
        e->options.depth = sizeof e->change_points / sizeof *e->change_points;
    e->body = body;
    e->body_arg = body_arg;
    e->tracing = options->trace;
    e->attempt = 0;
    e->outside = NULL;
    e->no_snapshots = false;
    e->choice_limit = 0;
    e->scheduled = e->scheduled_before = 0;
}

/* Field by field: clearing it all first would take a twentieth of the time of a short execution. */
static void describe_end(struct ckf_explore_end *end)
{
    const struct ckf_engine *e = &ckf_explore_engine;
    end->verdict = e->verdict;
    end->message = e->message;
    for (int i = 0; i < CKF_EXPLORE_REGISTERS; i++)
        end->registers[i] = e->registers[i];
    end->registers_used = e->registers_used;
    end->choices = e->choices;
    end->choice_count = e->choice_count;
    end->epoch = e->epoch;
    end->hash = e->hash;
    end->steps = e->step;
    end->state = e->last_state;
    end->threads = e->thread_count;
    end->parked = e->parked != NULL;
    end->parked_at = e->parked != NULL ? e->parked->op.pc : 0;
}

static void count(struct ckf_explore_stats *stats, const struct ckf_explore_end *end)
{
    stats->steps += end->steps - ckf_explore_engine.steps_kept;
    stats->verdicts[end->verdict]++;
    if (end->steps > stats->deepest)
        stats->deepest = end->steps;
    if (end->verdict == CKF_VERDICT_PRUNED)
        stats->pruned++;
    else
        stats->executions++;
}

static bool out_of_budget(const struct ckf_explore_stats *stats, int64_t start)
{
    const struct ckf_explore_options *options = &ckf_explore_engine.options;
    if (options->executions != 0 && stats->executions + stats->pruned >= options->executions)
        return true;
    return options->budget_ns != 0 && ckf_explore_engine.attempt % EXECUTIONS_PER_CLOCK == 0 &&
           real_time_ns() - start >= options->budget_ns;
}

/* Takes the choices of the execution that has just ended once more, from the beginning. */
static void repeat_from_the_start(void)
{
    struct ckf_engine *e = &ckf_explore_engine;
    bool discovered = e->discovered;
    ckf_explore_snapshots_forget();
    e->choice_limit = e->choice_count;
    e->exploring = false;
    ckf_explore_execute();
    e->exploring = e->searching = true;
    e->discovered = discovered;
}

static bool is_power_of_two(uint64_t number)
{
    return (number & (number - 1)) == 0;
}

/* Snapshots are to be trusted as long as the program has no state outside of them. That is looked at when
 * the search goes on from one for the first time, for the second, fourth, eighth, ... time with
 * a verdict. False: it has. */
static bool is_as_from_the_start(struct ckf_explore_stats *stats, const struct ckf_explore_end *end)
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (!e->continued || e->discovered || end->verdict == CKF_VERDICT_PRUNED ||
        !is_power_of_two(++stats->continued[end->verdict]))
        return true;
    uint64_t notes = e->note_hash;
    repeat_from_the_start();
    bool same = e->verdict == end->verdict && e->hash == end->hash && e->step == end->steps &&
                e->choice_count == end->choice_count && e->note_hash == notes;
    if (!same)
        ckf_explore_snapshots_refuse();
    return same;
}

/* What the execution has done to words that were taken for private is not known, and neither is the
 * history's order in time. So it has no verdict, but what it has learnt is known from now on. */
static void end_without_verdict(struct ckf_explore_stats *stats)
{
    if (!ckf_explore_engine.discovered)
        return;
    ckf_explore_engine.verdict = CKF_VERDICT_PRUNED;
    stats->discoveries++;
}

static void start_search_again(void)
{
    ckf_explore_engine.choice_limit = 0;
    ckf_explore_states_forget();
    ckf_explore_snapshots_forget();
}

void ckf_explore_run(ckf_explore_body body, void *body_arg,
                     const struct ckf_explore_options *options, ckf_explore_visit visit,
                     void *visit_arg, struct ckf_explore_stats *stats)
{
    struct ckf_engine *e = &ckf_explore_engine;
    struct ckf_explore_stats unused;
    if (stats == NULL)
        stats = &unused;
    *stats = (struct ckf_explore_stats){0};
    prepare(body, body_arg, options);
    if (!options->informed)
        ckf_explore_forget_contended();
    e->exploring = true;
    e->strict = true;
    ckf_explore_states_forget();
    int64_t start = real_time_ns(), cpu_start = time_ns(CLOCK_PROCESS_CPUTIME_ID);
    bool more = true;
    while (more) {
        ckf_explore_execute();
        end_without_verdict(stats);
        if (e->discovered && !e->searching)
            continue; /* the same once more */
        struct ckf_explore_end end;
        describe_end(&end);
        if (!is_as_from_the_start(stats, &end)) {
            start_search_again();
            continue;
        }
        count(stats, &end);
        more = end.verdict == CKF_VERDICT_PRUNED || visit == NULL || visit(&end, visit_arg);
        e->attempt++;
        if (more && e->discovered && e->searching) {
            start_search_again(); /* there are more points than was known */
        } else if (more && !ckf_explore_strategy_next()) {
            stats->complete = true;
            more = false;
        } else if (more && e->searching) {
            stats->branches[e->choices[e->choice_limit - 1].kind]++;
        }
        more = more && !out_of_budget(stats, start);
    }
    ckf_explore_snapshots_forget();
    stats->states = ckf_explore_states_count();
    stats->elapsed_ns = real_time_ns() - start;
    stats->cpu_ns = time_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
}

void ckf_explore_replay(ckf_explore_body body, void *body_arg,
                        const struct ckf_explore_options *options, const struct ckf_choice *choices,
                        size_t count_of_choices, bool strict, ckf_explore_visit visit,
                        void *visit_arg)
{
    struct ckf_engine *e = &ckf_explore_engine;
    prepare(body, body_arg, options);
    e->exploring = false;
    e->strict = strict;
    if (count_of_choices > MAX_CHOICES)
        count_of_choices = MAX_CHOICES;
    memmove(e->choices, choices, count_of_choices * sizeof *choices);
    e->choice_limit = count_of_choices;
    ckf_explore_execute();
    struct ckf_explore_stats unused = {0};
    end_without_verdict(&unused);
    struct ckf_explore_end end;
    describe_end(&end);
    visit(&end, visit_arg);
}
