/* stress/cases/filter_lost_publish.c - two publishers each add a rule to what they read.
 *
 * Oracle: all rules are there that were published. Result: never one of two.
 */
#include <ck_filter/stress.h>

#include "../racy/filters.h"
#include "filters.h"

struct state {
    void *filter;
    uint64_t first_generation;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->filter = operations->create();
    if (operations->generation != NULL)
        s->first_generation = operations->generation(s->filter);
}

static void publisher(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->deny(((struct state *)state)->filter, ckf_stress_copy(run));
}

static void look(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    const struct state *s = state;
    uint64_t published = ckf_stress_copies(run, 0), there = 0;
    if (operations->generation != NULL) /* a publisher may have been without memory */
        published = operations->generation(s->filter) - s->first_generation;
    for (unsigned word = 0; word < ckf_stress_copies(run, 0); word++)
        there += is_dropped(operations, s->filter, word_text(word));
    ckf_stress_outcome(run, there < published ? "lost rule" : "both rules");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_lost_publish) = {
    .id = "filter-lost-publish",
    .collection = "filter",
    .title = "two publishers each add a rule to the rules that they read",
    .story = "Read, modify, write. A publish that names the generation it was made from is "
             "refused when another one came first (CKF_STALE), and starts again.",
    .operations = {&racy_copy_and_store_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"publisher", publisher, 2}},
    .arbiter = look,
    .teardown = teardown,
    .flags = CKF_STRESS_COPES_WITHOUT_MEMORY,
    .outcomes = {{"both rules", CKF_STRESS_ACCEPTABLE, "neither publisher undid the other's work"},
                 {"lost rule", CKF_STRESS_FORBIDDEN, "one publisher's rule was overwritten"}},
};
