/* harness/plan.c - what runs when, and for how long.
 *
 * First the racy twins, since what they show says how long the fixed variants need to run. Each has
 * an equal share of what is left of the racy part of the budget:
 *
 *   search    batches over all points of the sweep, each up to its first failure, with growing
 *             slices, until every point was visited and one failed;
 *   measure   fresh starts at the point that failed soonest, each up to its first failure, until
 *             twenty have failed: the median time to first failure;
 *   estimate  a few more slices over the sweep, where failures are few: the rate.
 *
 * What early ones leave goes to those that follow, and then by halves to those that were not
 * reproduced and to those that were not measured; with --require-repro the former may search on in
 * some of the fixed variants' part as well.
 *
 * Then the fixed variants: every second batch at the point where the racy twin failed soonest, the
 * others over the sweep. A first round gives each its share, but stops where it has run as often as
 * the racy twin would have needed; a second gives half of what is left to those that have not; a
 * third spends the rest on all. A variant that fails, or that the harness cannot run, stops at once. */
#include "harness/plan.h"

#include <stdlib.h>
#include <string.h>

#include "harness/clock.h"
#include "harness/run.h"

#define DEFAULT_NS_PER_VARIANT CKF_STRESS_S
#define UNLIMITED_NS           INT64_MAX

/* Of the budget, in percent: what racy twins may use; what unlucky ones may with --require-repro. */
enum { RACY_PERCENT = 45, DESPERATE_PERCENT = 80 };

enum {
    ENOUGH_FAILURES = 100, /* for a rate: its interval is then a fifth to either side */
    PROOF_STARTS = 3       /* of a deterministic failure that takes long to see */
};

#define FIRST_SLICE_NS    (10 * CKF_STRESS_MS)
#define LONGEST_SLICE_NS  (1000 * CKF_STRESS_MS)
#define SHORTEST_SLICE_NS (2 * CKF_STRESS_MS)
#define SHORTEST_PROOF_NS (300 * CKF_STRESS_MS)

struct plan {
    const struct ckf_stress_settings *settings;
    struct ckf_stress_outcome_of_run *outcome;
    int64_t begin_ns;
    ckf_stress_observer observer;
    void *observer_arg;
    struct ckf_stress_progress progress;
    struct ckf_stress_result result; /* of the latest batch: too large for stacks */
};

/* --- Batches ------------------------------------------------------------------------------------ */

static void on_tick(uint64_t iterations, uint64_t failures, void *arg)
{
    struct plan *plan = arg;
    (void)failures;
    plan->progress.running_iterations = iterations;
    plan->progress.elapsed_ns = ckf_stress_now_ns() - plan->begin_ns;
    if (plan->observer != NULL)
        plan->observer(&plan->progress, plan->observer_arg);
}

static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* Differs between batches; the same for the same master seed, case, variant and number. */
static uint64_t batch_seed(const struct plan *plan, const struct ckf_stress_tally *tally)
{
    uint64_t z = ckf_stress_mix(plan->settings->seed + 1) ^ hash_text(tally->test->id);
    z = ckf_stress_mix(ckf_stress_mix(z + (uint64_t)tally->variant) + tally->batches);
    return z >> 16; /* 48 bits: any reader of JSON takes them as they are */
}

static uint64_t iterations_left(const struct plan *plan, const struct ckf_stress_tally *tally)
{
    uint64_t limit = plan->settings->iterations;
    if (limit == 0)
        return UINT64_MAX;
    return limit > tally->iterations ? limit - tally->iterations : 0;
}

/* A share of the iterations, so that a small number of them still visits the whole sweep. */
static uint64_t fair_iterations(const struct plan *plan, const struct ckf_stress_tally *tally)
{
    uint64_t left = iterations_left(plan, tally), limit = plan->settings->iterations;
    if (limit == 0)
        return left;
    uint64_t fair = limit / tally->sweep_count + 1;
    return fair < left ? fair : left;
}

/* Runs one batch and adds it up; the result stays in the plan. */
static void run_batch(struct plan *plan, struct ckf_stress_tally *tally, unsigned sweep,
                      struct ckf_stress_batch batch)
{
    batch.test = tally->test;
    batch.variant = tally->variant;
    batch.point = tally->sweeps[sweep].point;
    batch.seed = batch_seed(plan, tally);
    if (batch.max_ns < SHORTEST_SLICE_NS)
        batch.max_ns = SHORTEST_SLICE_NS;
    plan->progress.tally = tally;
    plan->progress.running_iterations = 0;
    ckf_stress_run_batch(&batch, &plan->result, on_tick, plan);
    ckf_stress_tally_add(tally, sweep, batch.seed, &plan->result);
}

static unsigned rotate(struct ckf_stress_tally *tally)
{
    unsigned sweep = tally->next_sweep;
    tally->next_sweep = (sweep + 1) % tally->sweep_count;
    return sweep;
}

static int64_t shorter(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t time_left(int64_t until_ns)
{
    return until_ns == UNLIMITED_NS ? UNLIMITED_NS : until_ns - ckf_stress_now_ns();
}

/* Also when time is up, each variant runs once: a verdict without an iteration would be none. */
static bool may_go_on(const struct plan *plan, const struct ckf_stress_tally *tally,
                      int64_t until_ns)
{
    return tally->error[0] == '\0' && iterations_left(plan, tally) > 0 &&
           (time_left(until_ns) > 0 || tally->batches == 0);
}

/* --- Racy twins --------------------------------------------------------------------------------- */

static bool is_deterministic(const struct ckf_stress_tally *tally)
{
    return (tally->test->flags & CKF_STRESS_DETERMINISTIC) != 0;
}

static bool is_reproduced(const struct ckf_stress_tally *tally)
{
    return tally->failures > 0;
}

static bool is_measured(const struct ckf_stress_tally *tally)
{
    return is_reproduced(tally) &&
           (is_deterministic(tally) || tally->failed_starts >= CKF_STRESS_WANTED_STARTS);
}

/* How long a deterministic twin may take for its wanted starts: what is left to all the others of a
 * long budget is still plenty. */
static int64_t proof_ns(const struct plan *plan)
{
    int64_t share = plan->settings->budget_ns / 100;
    return share > SHORTEST_PROOF_NS ? share : SHORTEST_PROOF_NS;
}

/* One iteration is proof; a few fresh processes show that it was no accident. */
static void prove(struct plan *plan, struct ckf_stress_tally *tally, int64_t until_ns)
{
    int64_t slow_ns = ckf_stress_now_ns() + proof_ns(plan);
    while (may_go_on(plan, tally, until_ns) && tally->failed_starts < CKF_STRESS_WANTED_STARTS) {
        if (tally->failed_starts >= PROOF_STARTS && ckf_stress_now_ns() > slow_ns)
            return;
        run_batch(plan, tally, rotate(tally),
                  (struct ckf_stress_batch){.max_iterations = is_reproduced(tally) ? 1 : 16,
                                            .max_ns = FIRST_SLICE_NS,
                                            .stop_at_failure = true});
        ckf_stress_tally_add_start(tally, &plan->result);
    }
}

static void search(struct plan *plan, struct ckf_stress_tally *tally, int64_t until_ns)
{
    int64_t slice = FIRST_SLICE_NS;
    while (may_go_on(plan, tally, until_ns)) {
        if (tally->next_sweep == 0 && tally->batches > 0) {
            if (is_reproduced(tally))
                return;
            slice = shorter(2 * slice, LONGEST_SLICE_NS);
        }
        run_batch(plan, tally, rotate(tally),
                  (struct ckf_stress_batch){.max_iterations = fair_iterations(plan, tally),
                                            .max_ns = shorter(slice, time_left(until_ns)),
                                            .stop_at_failure = true});
    }
}

/* A start may take ten times the mean so far, or its share of the time left, before it is given up:
 * a limit that is known before it starts, as censoring must be. */
static int64_t start_limit(const struct ckf_stress_tally *tally, int64_t until_ns)
{
    const struct ckf_stress_sweep *best = &tally->sweeps[tally->start_sweep];
    int64_t usual = 10 * (best->to_failure_ns / best->failed_batches) + 20 * CKF_STRESS_MS;
    int64_t left = time_left(until_ns);
    int64_t share = left == UNLIMITED_NS ? LONGEST_SLICE_NS
                                         : left / (CKF_STRESS_WANTED_STARTS - tally->failed_starts);
    return shorter(usual > share ? usual : share, left);
}

/* Starts belong to one point. The one that the search chose may have been lucky: if most of its
 * starts came to nothing and another point looks better by now, they begin anew there. */
static void choose_point(struct ckf_stress_tally *tally)
{
    if (tally->start_count > 0 && 2 * tally->failed_starts >= tally->start_count)
        return;
    unsigned best = (unsigned)ckf_stress_tally_best_sweep(tally);
    if (tally->start_count > 0 && best == tally->start_sweep)
        return;
    tally->start_sweep = best;
    tally->start_count = tally->failed_starts = 0;
}

static void measure(struct plan *plan, struct ckf_stress_tally *tally, int64_t until_ns)
{
    choose_point(tally);
    while (may_go_on(plan, tally, until_ns) && tally->start_count < CKF_STRESS_MAX_STARTS &&
           tally->failed_starts < CKF_STRESS_WANTED_STARTS) {
        run_batch(plan, tally, tally->start_sweep,
                  (struct ckf_stress_batch){.max_iterations = iterations_left(plan, tally),
                                            .max_ns = start_limit(tally, until_ns),
                                            .stop_at_failure = true});
        ckf_stress_tally_add_start(tally, &plan->result);
        choose_point(tally);
    }
}

static void estimate(struct plan *plan, struct ckf_stress_tally *tally, int64_t until_ns)
{
    /* A quarter of what is left: the rate matters less than the races still unseen. */
    int64_t left = time_left(until_ns);
    int64_t stop_ns = left == UNLIMITED_NS ? until_ns : until_ns - 3 * (left / 4);
    while (may_go_on(plan, tally, stop_ns) && tally->failures < ENOUGH_FAILURES) {
        run_batch(plan, tally, rotate(tally),
                  (struct ckf_stress_batch){.max_iterations = fair_iterations(plan, tally),
                                            .max_ns = shorter(FIRST_SLICE_NS, time_left(stop_ns))});
        if (plan->result.hung)
            return; /* each failure takes as long to see as many batches */
    }
}

static void pursue(struct plan *plan, struct ckf_stress_tally *tally, int64_t until_ns)
{
    if (is_deterministic(tally)) {
        prove(plan, tally, until_ns);
        return;
    }
    if (!is_reproduced(tally) || tally->start_count == 0)
        search(plan, tally, until_ns);
    if (!is_reproduced(tally))
        return;
    measure(plan, tally, until_ns);
    if (is_measured(tally))
        estimate(plan, tally, until_ns);
}

/* --- Fixed variants ----------------------------------------------------------------------------- */

/* The point of the sweep of `tally` that equals the racy twin's best; -1: there is none. */
static int racy_point(const struct ckf_stress_tally *racy, const struct ckf_stress_tally *tally)
{
    int best = racy->test != NULL ? ckf_stress_tally_best_sweep(racy) : -1;
    for (unsigned i = 0; best >= 0 && i < tally->sweep_count; i++)
        if (memcmp(&racy->sweeps[best].point, &tally->sweeps[i].point,
                   sizeof tally->sweeps[i].point) == 0)
            return (int)i;
    return -1;
}

static void check(struct plan *plan, const struct ckf_stress_tally *racy,
                  struct ckf_stress_tally *tally, uint64_t goal, int64_t until_ns)
{
    int best = racy_point(racy, tally);
    int64_t left = time_left(until_ns);
    int64_t slice = left == UNLIMITED_NS ? LONGEST_SLICE_NS : left / (2 * tally->sweep_count);
    slice = shorter(slice < FIRST_SLICE_NS ? FIRST_SLICE_NS : slice, LONGEST_SLICE_NS);
    while (may_go_on(plan, tally, until_ns) && tally->failures == 0 && tally->iterations < goal) {
        bool at_best = best >= 0 && tally->batches % 2 == 0;
        run_batch(plan, tally, at_best ? (unsigned)best : rotate(tally),
                  (struct ckf_stress_batch){.max_iterations = fair_iterations(plan, tally),
                                            .max_ns = shorter(slice, time_left(until_ns))});
    }
}

static uint64_t needed_iterations(const struct ckf_stress_tally *racy)
{
    if (racy->test == NULL || racy->failures == 0)
        return UINT64_MAX;
    return ckf_stress_needed_trials((double)racy->failures / (double)racy->iterations);
}

/* --- Rounds ------------------------------------------------------------------------------------- */

typedef bool (*chooser)(const struct ckf_stress_case_tallies *tallies, int variant);
typedef void (*worker)(struct plan *plan, struct ckf_stress_case_tallies *tallies, int variant,
                       int64_t until_ns);

static unsigned count_chosen(const struct plan *plan, chooser choose, size_t from_case,
                             int from_variant)
{
    unsigned count = 0;
    for (size_t i = from_case; i < plan->outcome->count; i++)
        for (int v = i == from_case ? from_variant : 0; v < CKF_STRESS_VARIANTS; v++)
            count += plan->outcome->cases[i].variants[v].test != NULL &&
                     choose(&plan->outcome->cases[i], v);
    return count;
}

/* Gives each item that is chosen its share of the time until end_ns. */
static void do_round(struct plan *plan, const char *activity, chooser choose, worker work,
                     int64_t end_ns)
{
    plan->progress.activity = activity;
    plan->progress.item = 0;
    plan->progress.items = count_chosen(plan, choose, 0, 0);
    for (size_t i = 0; i < plan->outcome->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++) {
            struct ckf_stress_case_tallies *tallies = &plan->outcome->cases[i];
            if (tallies->variants[v].test == NULL || !choose(tallies, v))
                continue;
            unsigned left = count_chosen(plan, choose, i, v);
            int64_t now = ckf_stress_now_ns();
            int64_t until = end_ns == UNLIMITED_NS ? end_ns : now + (end_ns - now) / left;
            plan->progress.item++;
            work(plan, tallies, v, until);
        }
}

static bool choose_racy(const struct ckf_stress_case_tallies *tallies, int variant)
{
    (void)tallies;
    return variant == CKF_STRESS_RACY;
}

static bool choose_unreproduced(const struct ckf_stress_case_tallies *tallies, int variant)
{
    return variant == CKF_STRESS_RACY && !is_reproduced(&tallies->variants[variant]) &&
           tallies->variants[variant].error[0] == '\0';
}

static bool choose_unmeasured(const struct ckf_stress_case_tallies *tallies, int variant)
{
    return variant == CKF_STRESS_RACY && is_reproduced(&tallies->variants[variant]) &&
           !is_measured(&tallies->variants[variant]);
}

static void work_on_racy(struct plan *plan, struct ckf_stress_case_tallies *tallies, int variant,
                         int64_t until_ns)
{
    pursue(plan, &tallies->variants[variant], until_ns);
}

static void search_only(struct plan *plan, struct ckf_stress_case_tallies *tallies, int variant,
                        int64_t until_ns)
{
    struct ckf_stress_tally *tally = &tallies->variants[variant];
    if (is_deterministic(tally))
        prove(plan, tally, until_ns);
    else
        search(plan, tally, until_ns);
}

static bool choose_fixed(const struct ckf_stress_case_tallies *tallies, int variant)
{
    const struct ckf_stress_tally *tally = &tallies->variants[variant];
    return variant != CKF_STRESS_RACY && tally->failures == 0 && tally->error[0] == '\0';
}

static bool choose_short(const struct ckf_stress_case_tallies *tallies, int variant)
{
    uint64_t needed = needed_iterations(&tallies->variants[CKF_STRESS_RACY]);
    return choose_fixed(tallies, variant) && needed != UINT64_MAX &&
           tallies->variants[variant].iterations < needed;
}

static void work_until_enough(struct plan *plan, struct ckf_stress_case_tallies *tallies,
                              int variant, int64_t until_ns)
{
    const struct ckf_stress_tally *racy = &tallies->variants[CKF_STRESS_RACY];
    uint64_t goal = plan->settings->budget_ns != 0 || plan->settings->iterations == 0
                        ? needed_iterations(racy)
                        : UINT64_MAX;
    check(plan, racy, &tallies->variants[variant], goal, until_ns);
}

static void work_all_the_time(struct plan *plan, struct ckf_stress_case_tallies *tallies,
                              int variant, int64_t until_ns)
{
    check(plan, &tallies->variants[CKF_STRESS_RACY], &tallies->variants[variant], UINT64_MAX,
          until_ns);
}

static int64_t part_of_budget(const struct plan *plan, int percent)
{
    int64_t budget = plan->outcome->budget_ns;
    return budget == 0 ? UNLIMITED_NS : plan->begin_ns + budget / 100 * percent;
}

static int64_t half_way_to(int64_t end_ns)
{
    int64_t left = time_left(end_ns);
    return left > 0 ? end_ns - left / 2 : end_ns;
}

static void run_racy_twins(struct plan *plan, bool alone)
{
    int64_t end = part_of_budget(plan, alone ? 100 : RACY_PERCENT);
    do_round(plan, "reproducing", choose_racy, work_on_racy, end);
    if (end == UNLIMITED_NS)
        return;
    do_round(plan, "reproducing", choose_unreproduced, work_on_racy, half_way_to(end));
    do_round(plan, "measuring", choose_unmeasured, work_on_racy, end);
    if (plan->settings->require_repro)
        do_round(plan, "reproducing", choose_unreproduced, search_only,
                 part_of_budget(plan, alone ? 100 : DESPERATE_PERCENT));
}

static void run_fixed_variants(struct plan *plan)
{
    int64_t end = part_of_budget(plan, 100);
    do_round(plan, "checking", choose_fixed, work_until_enough, end);
    if (end == UNLIMITED_NS)
        return;
    do_round(plan, "checking", choose_short, work_until_enough, half_way_to(end));
    do_round(plan, "checking", choose_fixed, work_all_the_time, end);
}

/* Makes the tallies of what is to run; returns how many variants that are. */
static unsigned lay_out(struct ckf_stress_outcome_of_run *outcome,
                        const struct ckf_stress_catalog *catalog,
                        const struct ckf_stress_settings *settings, bool *has_fixed)
{
    unsigned items = 0;
    for (size_t i = 0; i < catalog->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++) {
            if (!settings->variants[v] || catalog->cases[i]->operations[v] == NULL)
                continue;
            ckf_stress_tally_init(&outcome->cases[i].variants[v], catalog->cases[i],
                                  (enum ckf_stress_variant)v, settings);
            *has_fixed = *has_fixed || v != CKF_STRESS_RACY;
            items++;
        }
    return items;
}

int64_t ckf_stress_budget_ns(const struct ckf_stress_catalog *catalog,
                             const struct ckf_stress_settings *settings)
{
    int64_t items = 0;
    for (size_t i = 0; i < catalog->count; i++)
        for (int v = 0; v < CKF_STRESS_VARIANTS; v++)
            items += settings->variants[v] && catalog->cases[i]->operations[v] != NULL;
    return settings->budget_ns != 0 ? settings->budget_ns : items * DEFAULT_NS_PER_VARIANT;
}

bool ckf_stress_execute(struct ckf_stress_outcome_of_run *outcome,
                        const struct ckf_stress_catalog *catalog,
                        const struct ckf_stress_settings *settings, bool on_threads,
                        ckf_stress_observer observer, void *arg)
{
    struct plan *plan = calloc(1, sizeof *plan);
    *outcome = (struct ckf_stress_outcome_of_run){
        .count = catalog->count, .cases = calloc(catalog->count + 1, sizeof *outcome->cases)};
    if (plan == NULL || outcome->cases == NULL) {
        free(plan);
        ckf_stress_dispose(outcome);
        return false;
    }
    bool has_fixed = false;
    unsigned items = lay_out(outcome, catalog, settings, &has_fixed);
    outcome->budget_ns = settings->budget_ns;
    if (outcome->budget_ns == 0 && settings->iterations == 0)
        outcome->budget_ns = items * DEFAULT_NS_PER_VARIANT;
    plan->settings = settings;
    plan->outcome = outcome;
    plan->observer = observer;
    plan->observer_arg = arg;
    plan->begin_ns = ckf_stress_now_ns();
    plan->progress.budget_ns = outcome->budget_ns;
    if (on_threads) {
        run_racy_twins(plan, !has_fixed);
        run_fixed_variants(plan);
    }
    outcome->ran_ns = ckf_stress_now_ns() - plan->begin_ns;
    free(plan);
    return true;
}

void ckf_stress_dispose(struct ckf_stress_outcome_of_run *outcome)
{
    free(outcome->cases);
    *outcome = (struct ckf_stress_outcome_of_run){0};
}
