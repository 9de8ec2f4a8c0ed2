/* stress/cases/filter_hits_lost_on_publish.c - hit counters live inside the ruleset.
 *
 * Oracle: the hits of a rule equal the records that it dropped. Result: never less.
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

static void user(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        (void)is_dropped(operations, ((struct state *)state)->filter, word_text(0));
}

static void publisher(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        operations->republish(((struct state *)state)->filter, 1 + i % (MOST_WORDS - 1));
}

static void compare(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    uint64_t judged = (uint64_t)ckf_stress_rounds(run) * ckf_stress_copies(run, 0);
    uint64_t hits = operations->hits(((struct state *)state)->filter, 0);
    ckf_stress_outcome(run, hits == judged ? "exact" : "lost counts");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_hits_lost_on_publish) = {
    .id = "filter-hits-lost-on-publish",
    .collection = "filter",
    .title = "hit counters live inside the ruleset that a publish replaces",
    .operations = {&racy_hits_inside_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"user", user, 1}, {"publisher", publisher, 1}},
    .arbiter = compare,
    .teardown = teardown,
    .rounds = 20,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "hits belong to rules, not to snapshots"},
                 {"lost counts", CKF_STRESS_FORBIDDEN, "a hit landed in the old snapshot"}},
};
