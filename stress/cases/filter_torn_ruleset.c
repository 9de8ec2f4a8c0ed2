/* stress/cases/filter_torn_ruleset.c - a ruleset is replaced one field at a time.
 *
 * Oracle: of "a" and "b", every ruleset drops exactly one. Result: never both, never none.
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
    s->filter = operations->create();
    operations->replace(s->filter, false);
}

static void publisher(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->replace(((struct state *)state)->filter, i % 2 == 0);
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
    ckf_stress_outcome(run, "whole");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_torn_ruleset) = {
    .id = "filter-torn-ruleset",
    .collection = "filter",
    .title = "a ruleset is replaced one field at a time",
    .operations = {&racy_field_by_field_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"publisher", publisher, 1}, {"reader", reader, 1}},
    .teardown = teardown,
    .rounds = 20,
    .explore_rounds = 2,
    .outcomes = {{"whole", CKF_STRESS_ACCEPTABLE, "each batch was judged by one ruleset"},
                 {"torn", CKF_STRESS_FORBIDDEN, "a verdict that no ruleset gives"}},
};
