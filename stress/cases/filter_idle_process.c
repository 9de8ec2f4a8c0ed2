/* stress/cases/filter_idle_process.c - rules are published while no records come.
 *
 * Oracle: the publish ends, and the next record meets the new rules. Result: never waits for a reader
 * that has nothing to read.
 */
#include <ck_filter/stress.h>

#include "../racy/filters.h"
#include "filters.h"

struct state {
    void *filter;
    _Atomic(bool) published;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->filter = operations->create();
}

static void publisher(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    operations->replace(s->filter, false);
    if (operations->wait_until_used == NULL || operations->wait_until_used(s->filter))
        ckf_stress_outcome(run, "published");
    else
        ckf_stress_outcome(run, "waits for ever");
    s->published = true;
}

/* Its next record comes when the publish is over. */
static void idle_reader(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    while (!s->published)
        ckf_stress_spin(run);
    if (!is_dropped(operations, s->filter, "a"))
        ckf_stress_outcome(run, "old rules");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_idle_process) = {
    .id = "filter-idle-process",
    .collection = "filter",
    .title = "a publish waits for readers that have nothing to read",
    .story =
        "\"Done when every thread has seen the new rules\": without packets no thread looks, and "
        "the reload never ends. (Suricata #6021; QSBR with a thread that sleeps online.)",
    .operations = {&racy_awaited_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"publisher", publisher, 1}, {"idle reader", idle_reader, 1}},
    .teardown = teardown,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"published", CKF_STRESS_ACCEPTABLE, "the publish waited for nobody"},
                 {"old rules", CKF_STRESS_FORBIDDEN, "the next record met the old rules"},
                 {"waits for ever", CKF_STRESS_FORBIDDEN, "it waited for a reader that was idle"},
                 {"hang", CKF_STRESS_FORBIDDEN, "it waited for a reader that was idle"}},
};
