/* stress/cases/filter_counts_hand_over.c - who sees a record counted finds what its thread did before.
 *
 * Oracle: a hit in the statistics brings the work that preceded it. Result: never without; and every
 * rule that is listed has a name.
 */
#include <ck_filter/stress.h>

#include "../racy/filters.h"
#include "filters.h"

struct state {
    void *filter;
    int prepared; /* plain: written before the record is judged, read after it was seen counted */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->filter = operations->create();
    operations->deny(s->filter, 0);
}

static void worker(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    operations->prepare_and_judge(s->filter, &s->prepared, word_text(0), false);
}

static void batch_worker(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    operations->prepare_and_judge(s->filter, &s->prepared, word_text(0), true);
}

static void reporter(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    while (operations->hits(s->filter, 0) == 0)
        ckf_stress_spin(run);
    ckf_stress_outcome(run, s->prepared == 1 ? "prepared" : "counted too early");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_counts_hand_over) = {
    .id = "filter-counts-hand-over",
    .collection = "filter",
    .title = "a record is counted before what was done for it can be seen",
    .story =
        "Statistics that run ahead of the work: a monitor that waits for a count and then looks "
        "finds nothing there.",
    .operations = {&racy_counted_first_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"worker", worker, 1}, {"reporter", reporter, 1}},
    .teardown = teardown,
    .outcomes = {{"prepared", CKF_STRESS_ACCEPTABLE, "the count carried it"},
                 {"counted too early", CKF_STRESS_FORBIDDEN, "counted, but not there"}},
};

CKF_STRESS_CASE(filter_batch_counts_hand_over) = {
    .id = "filter-batch-counts-hand-over",
    .collection = "filter",
    .title = "a batch is counted before what was done for it can be seen",
    .story = "The same where many records are judged in one call.",
    .operations = {&racy_counted_first_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"worker", batch_worker, 1}, {"reporter", reporter, 1}},
    .teardown = teardown,
    .outcomes = {{"prepared", CKF_STRESS_ACCEPTABLE, "the count carried it"},
                 {"counted too early", CKF_STRESS_FORBIDDEN, "counted, but not there"}},
};

static void lister(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        if (!operations->lists_only_named(((struct state *)state)->filter))
            ckf_stress_outcome(run, "nameless rule");
    ckf_stress_outcome(run, "named");
}

enum { EARLIER_RULES = 60 }; /* for one more there is room from the start */

static void setup_rules(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    setup(run, state);
    operations->deny_many(((struct state *)state)->filter, EARLIER_RULES);
}

/* Fills the room that counts have from the start, and more. */
static void adder(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->deny_many(((struct state *)state)->filter, MANY_RULES);
}

CKF_STRESS_CASE(filter_rules_listed_whole) = {
    .id = "filter-rules-listed-whole",
    .collection = "filter",
    .title = "rules are listed while others are added",
    .story = "The number of rules grows first, the rule comes a moment later.",
    .operations = {&racy_grown_first_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup_rules,
    .actors = {{"adder", adder, 1}, {"lister", lister, 1}},
    .teardown = teardown,
    .rounds = 20,
    .explore_rounds = 1,
    .outcomes = {{"named", CKF_STRESS_ACCEPTABLE, "a rule is listed with its id"},
                 {"nameless rule", CKF_STRESS_FORBIDDEN, "a rule was listed before it was there"}},
};
