/* stress/cases/group_add_after_wait.c - work is added while a wait returns.
 *
 * Oracle: what was accepted before the wait has ended when the wait returns. Result: never still running.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

enum { TASKS = 2 };

struct state {
    void *group;
    _Atomic(int) finished;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->group = operations->create();
}

static int finish(struct ckf_context *context, void *arg)
{
    (void)context;
    ((struct state *)arg)->finished++;
    return 0;
}

static void owner(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    int accepted = 0;
    for (int i = 0; i < TASKS; i++)
        accepted += operations->go(s->group, finish, s);
    if (operations->wait(s->group) != 0)
        ckf_stress_outcome(run, "wait failed");
    ckf_stress_outcome(run, s->finished == accepted ? "all finished" : "returned too early");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->group);
}

CKF_STRESS_CASE(group_add_after_wait) = {
    .id = "group-add-after-wait",
    .collection = "tasks",
    .title = "a wait returns before the work that was added",
    .story = "`wg.Add(1)` inside the goroutine: the wait comes first and finds nothing to do.",
    .operations = {&racy_counted_late_group, &mutex_group, &atomic_group},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"owner", owner, 1}},
    .teardown = teardown,
    .outcomes = {{"all finished", CKF_STRESS_ACCEPTABLE, "the wait waited for every task"},
                 {"wait failed", CKF_STRESS_FORBIDDEN, "an error that no task gave"},
                 {"returned too early", CKF_STRESS_FORBIDDEN, "a task still ran after the wait"}},
};
