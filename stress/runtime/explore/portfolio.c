/* explore/portfolio.c - in what order and for how long strategies explore one variant of one case.
 *
 * From cheap and tame to thorough: threads one after the other, failing allocations, no preemption, samples,
 * one preemption, two, ... up to the bound; then a while without a bound. Where that is too much, loads that
 * read another store than the newest are bounded, too: none, one, two in an execution. What time is left
 * is sampled. It stops at the first forbidden outcome.
 *
 * All this comes in rounds, since most variants take little, and what they leave is for the others. A round
 * goes on with the smallest search that was not complete in the one before, from its beginning; it
 * knows which words are shared, which would make a search begin again.
 */
#include "exploration.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/catalog.h"

int64_t ckf_explore_real_time_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct ckf_exploration *ckf_exploration_start(const struct ckf_explore_settings *settings,
                                              const struct ckf_stress_case *test,
                                              enum ckf_stress_variant variant)
{
    struct ckf_exploration *exploration = calloc(1, sizeof *exploration);
    if (exploration == NULL)
        return NULL;
    exploration->program =
        (struct ckf_case_program){test, variant, settings->copies, settings->rounds};
    exploration->settings = settings;
    exploration->failed_allocation = settings->failed_allocation;
    for (int i = 0; i < CKF_READS; i++)
        exploration->complete[i] = -1;
    return exploration;
}

void ckf_exploration_free(struct ckf_exploration *exploration)
{
    ckf_explore_schedule_clear(&exploration->failure);
    free(exploration->shared);
    free(exploration);
}

/* Results. */

static void count_outcome(struct ckf_exploration *exploration, const char *outcome,
                          enum ckf_stress_grade grade)
{
    unsigned i = 0;
    while (i < exploration->row_count &&
           !ckf_explore_is_outcome(exploration->rows[i].outcome, outcome))
        i++;
    if (i == CKF_EXPLORE_ROWS)
        i = CKF_EXPLORE_ROWS - 1;
    if (i == exploration->row_count) {
        exploration->row_count++;
        snprintf(exploration->rows[i].outcome, sizeof exploration->rows[i].outcome, "%s", outcome);
        exploration->rows[i].grade = grade;
        exploration->rows[i].count = 0;
    }
    exploration->rows[i].count++;
}

static void describe_schedule(struct ckf_schedule *schedule,
                              const struct ckf_exploration *exploration,
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
        .choices = calloc(CKF_EXPLORE_CHOICES, sizeof *schedule->choices),
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
    struct ckf_exploration *exploration = arg;
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
    exploration->ns_to_failure =
        exploration->spent_ns + ckf_explore_real_time_ns() - exploration->began_ns;
    describe_schedule(&exploration->failure, exploration, end, outcome);
    exploration->stage.epoch = end->epoch;
    return false;
}

static void add_stats(struct ckf_explore_stats *sum, const struct ckf_explore_stats *stats)
{
    sum->executions += stats->executions;
    sum->steps += stats->steps;
    sum->pruned += stats->pruned;
    for (unsigned i = 0; i < CKF_CHOICES; i++)
        sum->branches[i] += stats->branches[i];
    sum->states = stats->states;
    sum->elapsed_ns += stats->elapsed_ns;
    sum->cpu_ns += stats->cpu_ns;
    if (stats->deepest > sum->deepest)
        sum->deepest = stats->deepest;
}

/* Stages. */

static int64_t time_left(const struct ckf_exploration *exploration)
{
    return exploration->deadline_ns - ckf_explore_real_time_ns();
}

static bool may_execute(const struct ckf_exploration *exploration)
{
    uint64_t limit = exploration->settings->executions;
    return !exploration->failed && exploration->trouble[0] == '\0' &&
           (limit == 0 || exploration->total.executions < limit);
}

/* The least of the two, where 0 is no limit. */
static uint64_t least(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* What a stage is asked for beside its strategy. */
struct extent {
    unsigned bound; /* preemptions, or the depth of PCT */
    unsigned reads; /* of a search */
    uint64_t executions;
    int64_t budget_ns;
};

/* Returns true if the search was complete. */
static bool run_stage(struct ckf_exploration *exploration, enum ckf_explore_strategy strategy,
                      struct extent extent)
{
    const struct ckf_explore_settings *settings = exploration->settings;
    if (!may_execute(exploration) || extent.budget_ns <= 0)
        return false;
    bool samples = strategy == CKF_EXPLORE_RANDOM || strategy == CKF_EXPLORE_PCT;
    uint64_t left =
        settings->executions == 0 ? 0 : settings->executions - exploration->total.executions;
    exploration->stage = (struct ckf_explore_options){
        .model = settings->model,
        .strategy = strategy,
        .depth = extent.bound,
        .preemptions = extent.bound,
        .reads_are_bounded = strategy == CKF_EXPLORE_DFS && extent.reads != CKF_READS_ALL,
        .stale_reads = extent.reads,
        .executions = least(extent.executions, left),
        .budget_ns = extent.budget_ns,
        .seed = settings->seed,
        .timeouts = settings->timeouts,
        .timed = exploration->program.test->specification != NULL,
        .failed_allocation = exploration->failed_allocation,
        .informed = exploration->informed,
        .without = settings->plain ? CKF_WITHOUT_SLEEP_SETS | CKF_WITHOUT_STATES |
                                         CKF_WITHOUT_CHOICE_OF_READS | CKF_WITHOUT_SNAPSHOTS
                                   : 0,
        .spurious = samples && settings->spurious == 0 ? 1 : settings->spurious,
    };
    struct ckf_explore_stats stats;
    ckf_explore_run(ckf_explore_case_run, &exploration->program, &exploration->stage, look,
                    exploration, &stats);
    exploration->informed = true;
    add_stats(&exploration->total, &stats);
    if (exploration->failed && exploration->executions_to_failure == 0)
        exploration->executions_to_failure = exploration->total.executions;
    return stats.complete;
}

enum {
    FIRST_SAMPLES = 500,
    MORE_SAMPLES = 20000,
    SEQUENCES = 24,
    EXECUTIONS_WITHOUT_BOUND = 10000
};

static void sequences(struct ckf_exploration *exploration, int64_t budget_ns)
{
    run_stage(exploration, CKF_EXPLORE_SEQUENTIAL,
              (struct extent){.executions = SEQUENCES, .budget_ns = budget_ns});
}

static void sample(struct ckf_exploration *exploration, uint64_t executions, int64_t budget_ns)
{
    struct extent extent = {.executions = executions, .budget_ns = budget_ns / 4};
    run_stage(exploration, CKF_EXPLORE_RANDOM, extent);
    for (extent.bound = 1; extent.bound <= 3; extent.bound++)
        run_stage(exploration, CKF_EXPLORE_PCT, extent);
}

int ckf_exploration_bound(const struct ckf_exploration *exploration, unsigned reads)
{
    int bound = -1;
    for (; reads < CKF_READS; reads++)
        bound = exploration->complete[reads] > bound ? exploration->complete[reads] : bound;
    return bound;
}

/* A search, in so much of the time that is left; nothing if one that was complete included it. */
static bool search(struct ckf_exploration *exploration, unsigned bound, unsigned reads,
                   unsigned percent)
{
    if (ckf_exploration_bound(exploration, reads) >= (int)bound)
        return true;
    bool complete = run_stage(
        exploration, CKF_EXPLORE_DFS,
        (struct extent){bound, reads, 0, time_left(exploration) / 100 * (int64_t)percent});
    if (complete)
        exploration->complete[reads] = (int)bound;
    return complete;
}

static unsigned highest_bound(const struct ckf_exploration *exploration)
{
    unsigned highest = exploration->settings->preemptions;
    return highest < CKF_EXPLORE_HIGHEST_BOUND ? highest : CKF_EXPLORE_HIGHEST_BOUND;
}

/* The reads that searches try at the most. */
static unsigned most_reads(const struct ckf_exploration *exploration)
{
    const struct ckf_explore_settings *settings = exploration->settings;
    return settings->reads_are_bounded ? settings->stale_reads : CKF_READS_ALL;
}

/* Searches with a growing bound, as long as each is complete: the small ones cost little, and learn for the
 * next one which words are shared, which lets a search begin again when it finds out by itself. */
static void search_all_reads(struct ckf_exploration *exploration, unsigned percent)
{
    unsigned reads = most_reads(exploration), highest = highest_bound(exploration);
    bool complete = true;
    for (unsigned bound = 0; complete && bound <= highest; bound++) {
        if (bound == 1 && exploration->complete[reads] < 1)
            sample(exploration, FIRST_SAMPLES, time_left(exploration) / 2);
        complete = search(exploration, bound, reads, percent);
    }
    if (complete && exploration->settings->preemptions == CKF_EXPLORE_UNBOUNDED)
        exploration->complete_wholly = run_stage(
            exploration, CKF_EXPLORE_DFS,
            (struct extent){CKF_EXPLORE_UNBOUNDED, CKF_READS_ALL, 0, time_left(exploration)});
}

/* Where stale reads multiply too much, all schedules with few of them may still be few enough. */
static void search_few_stale_reads(struct ckf_exploration *exploration)
{
    enum { PERCENT = 50 };
    if (exploration->settings->model == CKF_EXPLORE_SC)
        return;
    int highest = (int)highest_bound(exploration);
    for (unsigned reads = CKF_READS_FRESH; reads < most_reads(exploration); reads++) {
        int bound = 0;
        while (bound <= highest && search(exploration, (unsigned)bound, reads, PERCENT))
            bound++;
        highest = bound <= highest ? bound - 1 : highest;
    }
}

enum { SAMPLES_WITHOUT_MEMORY = 100, MOST_FAILED_ALLOCATIONS = 40 };

/* Lets each allocation of the actors fail in turn, for cases whose bodies cope. Racy twins are to fail for
 * what is racy in them. */
static void sample_without_memory(struct ckf_exploration *exploration, int64_t budget_ns)
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
        struct extent extent = {0, CKF_READS_ALL, SAMPLES_WITHOUT_MEMORY, budget_ns};
        sequences(exploration, budget_ns);
        run_stage(exploration, CKF_EXPLORE_RANDOM, extent);
        run_stage(exploration, CKF_EXPLORE_DFS, extent);
    }
    exploration->failed_allocation = 0;
}

/* What follows a search that is complete up to its bound. Where dependent steps are few, all orders of them
 * may be gone through soon after those within a bound. What spoils a history may take more switches than
 * a bound allows, at places that hardly matter: chance finds them. */
static void go_beyond(struct ckf_exploration *exploration, int64_t budget_ns)
{
    if (!exploration->complete_wholly && !exploration->settings->plain) {
        exploration->may_give_up = true;
        exploration->complete_wholly = run_stage(
            exploration, CKF_EXPLORE_DPOR,
            (struct extent){.executions = EXECUTIONS_WITHOUT_BOUND, .budget_ns = budget_ns / 4});
        exploration->may_give_up = false;
    }
    if (exploration->program.test->specification != NULL)
        run_stage(exploration, CKF_EXPLORE_RANDOM,
                  (struct extent){.executions = MORE_SAMPLES, .budget_ns = budget_ns});
}

/* Rounds. */

enum { ALL_READS_FIRST = 60, ALL_READS_LATER = 80 /* percent of the time that is left */ };

static void run_portfolio(struct ckf_exploration *exploration, int64_t budget_ns, int64_t extra_ns,
                          bool last)
{
    if (!exploration->begun) {
        sequences(exploration, budget_ns);
        sample_without_memory(exploration, extra_ns / 8);
        search_all_reads(exploration, ALL_READS_FIRST);
    } else {
        search_few_stale_reads(exploration);
        search_all_reads(exploration, ALL_READS_LATER);
    }
    if (exploration->complete[most_reads(exploration)] >= (int)highest_bound(exploration)) {
        go_beyond(exploration, extra_ns);
        exploration->settled = true;
        return;
    }
    if (!exploration->begun)
        search_few_stale_reads(exploration);
    exploration->begun = true;
    if (last)
        sample(exploration, 0, time_left(exploration));
}

static void run_one_strategy(struct ckf_exploration *exploration, int64_t budget_ns)
{
    enum ckf_explore_strategy strategy = (enum ckf_explore_strategy)exploration->settings->strategy;
    struct extent extent = {.bound = exploration->settings->depth,
                            .executions = strategy == CKF_EXPLORE_SEQUENTIAL ? SEQUENCES : 0,
                            .budget_ns = budget_ns};
    exploration->settled = true;
    if (strategy == CKF_EXPLORE_DFS) {
        search_all_reads(exploration, 100);
        return;
    }
    bool complete = run_stage(exploration, strategy, extent);
    exploration->complete_wholly = complete && strategy == CKF_EXPLORE_DPOR;
}

/* Other programs may have run in between. */
static void recall(struct ckf_exploration *exploration)
{
    exploration->informed =
        exploration->shared != NULL &&
        ckf_explore_set_contended(exploration->shared, exploration->shared_count);
}

static void remember(struct ckf_exploration *exploration)
{
    size_t count = ckf_explore_contended(UINT32_MAX, NULL, 0);
    free(exploration->shared);
    exploration->shared = calloc(count + 1, sizeof *exploration->shared);
    if (exploration->shared != NULL)
        exploration->shared_count = ckf_explore_contended(UINT32_MAX, exploration->shared, count);
}

void ckf_exploration_go_on(struct ckf_exploration *exploration, int64_t budget_ns, int64_t extra_ns,
                           bool last)
{
    exploration->began_ns = ckf_explore_real_time_ns();
    exploration->deadline_ns = exploration->began_ns + budget_ns;
    recall(exploration);
    if (exploration->settings->strategy < 0)
        run_portfolio(exploration, budget_ns, extra_ns, last);
    else
        run_one_strategy(exploration, budget_ns);
    remember(exploration);
    exploration->spent_ns += ckf_explore_real_time_ns() - exploration->began_ns;
    exploration->settled |= last || !may_execute(exploration);
}

/* How far it got. */

const char *ckf_exploration_reads(unsigned reads)
{
    static const char *const names[CKF_READS] = {" without stale reads", " with 1 stale read",
                                                 " with 2 stale reads", ""};
    return names[reads];
}

static int put_bound(char *text, size_t size, int bound, unsigned reads, bool first)
{
    return snprintf(text, size, "%s%d%s%s%s", first ? "complete up to " : ", ", bound,
                    first ? " preemption" : "", first && bound != 1 ? "s" : "",
                    ckf_exploration_reads(reads));
}

void ckf_exploration_describe_bounds(const struct ckf_exploration *exploration, char *text,
                                     size_t size)
{
    int known = -1;
    snprintf(text, size, "%s", exploration->complete_wholly ? "complete" : "not complete");
    for (unsigned reads = CKF_READS; reads-- > 0 && !exploration->complete_wholly;) {
        int bound = exploration->complete[reads];
        if (bound <= known)
            continue;
        int length = put_bound(text, size, bound, reads, known < 0);
        text += length;
        size -= (size_t)length;
        known = bound;
    }
}
