/* stress/cases/filter_failed_reload.c - a reload fails half-way.
 *
 * Oracle: the old rules go on. Result: never none.
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
    operations->deny(s->filter, 0);
}

static void operator_of_it(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->reload_bad(((struct state *)state)->filter);
}

static void reader(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        if (!is_dropped(operations, ((struct state *)state)->filter, word_text(0)))
            ckf_stress_outcome(run, "no rules");
    ckf_stress_outcome(run, "old rules");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_failed_reload) = {
    .id = "filter-failed-reload",
    .collection = "filter",
    .title = "a reload that fails takes the old rules with it",
    .story = "Clear, read, fail: what was there is gone, and everything passes. (fluent-bit #9432, "
             "Suricata #7303.)",
    .operations = {&racy_cleared_first_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"operator", operator_of_it, 1}, {"reader", reader, 1}},
    .teardown = teardown,
    .rounds = 8,
    .explore_rounds = 1,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"old rules", CKF_STRESS_ACCEPTABLE, "a failed reload changed nothing"},
                 {"no rules", CKF_STRESS_FORBIDDEN, "a denied word passed"}},
};
