/* stress/cases/filter_shared_scratch.c - filters share a work buffer.
 *
 * Oracle: a verdict belongs to its own record. Result: never to another one.
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
    operations->deny_folded(s->filter, "alpha");
}

static void judge_again_and_again(struct ckf_stress_run *run, void *state, const char *record,
                                  bool expected)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        if (is_dropped(operations, ((struct state *)state)->filter, record) != expected)
            ckf_stress_outcome(run, "wrong verdict");
    ckf_stress_outcome(run, "own verdict");
}

static void denied_user(struct ckf_stress_run *run, void *state)
{
    judge_again_and_again(run, state, "ALPHA", true);
}

static void welcome_user(struct ckf_stress_run *run, void *state)
{
    judge_again_and_again(run, state, "BRAVO", false);
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_shared_scratch) = {
    .id = "filter-shared-scratch",
    .collection = "filter",
    .title = "two threads share the filter's work buffer",
    .story = "`f.buf = strings.ToLower(...)` in a filter that several goroutines use.",
    .operations = {&racy_shared_scratch_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"denied user", denied_user, 1}, {"welcome user", welcome_user, 1}},
    .teardown = teardown,
    .rounds = 50,
    .explore_rounds = 1,
    .outcomes = {{"own verdict", CKF_STRESS_ACCEPTABLE, "each record got its own verdict"},
                 {"wrong verdict", CKF_STRESS_FORBIDDEN, "a record got another one's verdict"}},
};
