/* stress/cases/filter_sleeping_reader.c - a reader stays in its ruleset while others are published.
 *
 * Oracle: what waits for readers stays within the bound, and a publish that would exceed it says so.
 * Result: never more.
 */
#include <ck_filter/stress.h>

#include "../racy/filters.h"
#include "filters.h"

struct state {
    void *filter;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->filter = operations->create_bounded();
    operations->replace(s->filter, false);
}

static void publisher(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        operations->try_replace(s->filter, i % 2 == 0);
        if (operations->retired(s->filter) > 1)
            ckf_stress_outcome(run, "beyond the bound");
    }
}

static void reader(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    static const char *const records[2] = {"a", "b"};
    bool dropped[2];
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        operations->judge(((struct state *)state)->filter, records, dropped, 2);
        if (dropped[0] == dropped[1])
            ckf_stress_outcome(run, "torn");
    }
    ckf_stress_outcome(run, "bounded");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_sleeping_reader) = {
    .id = "filter-sleeping-reader",
    .collection = "filter",
    .title = "old rulesets pile up behind a reader that sleeps",
    .story =
        "Deferred freeing without back-pressure (call_rcu, epochs): one reader that sleeps, and "
        "each reload keeps its whole ruleset. (crossbeam #566.)",
    .operations = {&racy_unbounded_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"publisher", publisher, 1}, {"reader", reader, 1}},
    .teardown = teardown,
    .rounds = 12,
    .explore_rounds = 2,
    .outcomes = {{"bounded", CKF_STRESS_ACCEPTABLE, "one replaced ruleset waited at most"},
                 {"torn", CKF_STRESS_FORBIDDEN, "a verdict that no ruleset gives"},
                 {"beyond the bound", CKF_STRESS_FORBIDDEN, "replaced rulesets piled up"}},
};
