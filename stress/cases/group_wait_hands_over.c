/* stress/cases/group_wait_hands_over.c - tasks leave their results where the waiter reads them.
 *
 * Oracle: after wait, every result is there. Result: never missing.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

enum { TASKS = 2 };

struct state {
    void *group;
    int results[TASKS]; /* plain */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->group = operations->create();
}

static int compute(struct ckf_context *context, void *arg)
{
    (void)context;
    *(int *)arg = 1;
    return 0;
}

static void owner(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    int sum = 0;
    for (int i = 0; i < TASKS; i++)
        if (!operations->go(s->group, compute, &s->results[i]))
            ckf_stress_outcome(run, "refused");
    if (operations->wait(s->group) != 0)
        ckf_stress_outcome(run, "refused");
    for (int i = 0; i < TASKS; i++)
        sum += s->results[i];
    ckf_stress_outcome(run, sum == TASKS ? "all there" : "missing");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->group);
}

CKF_STRESS_CASE(group_wait_hands_over) = {
    .id = "group-wait-hands-over",
    .collection = "tasks",
    .title = "a wait returns before a task's result is there",
    .story = "`defer wg.Done()` moved to the first line, and without the `defer`.",
    .operations = {&racy_done_first_group, &mutex_group, &atomic_group},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"owner", owner, 1}},
    .teardown = teardown,
    .outcomes = {{"all there", CKF_STRESS_ACCEPTABLE, "the wait came after the results"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a task was not accepted"},
                 {"missing", CKF_STRESS_FORBIDDEN, "the waiter read what was not yet written"}},
};
