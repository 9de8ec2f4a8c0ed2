/* stress/cases/group_loop_variable.c - every task is handed the address of one variable.
 *
 * Oracle: each task gets its own argument. Result: never another one.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

enum { TASKS = 4 };

struct state {
    void *group;
    _Atomic(int) visits[TASKS];
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->group = operations->create();
}

static int visit(struct ckf_context *context, void *arg)
{
    (void)context;
    ++*(_Atomic(int) *)arg;
    return 0;
}

static void owner(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (int i = 0; i < TASKS; i++)
        if (!operations->go(s->group, visit, &s->visits[i]))
            ckf_stress_outcome(run, "refused");
    if (operations->wait(s->group) != 0)
        ckf_stress_outcome(run, "refused");
    for (int i = 0; i < TASKS; i++)
        if (s->visits[i] != 1)
            ckf_stress_outcome(run, "wrong argument");
    ckf_stress_outcome(run, "own argument");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->group);
}

CKF_STRESS_CASE(group_loop_variable) = {
    .id = "group-loop-variable",
    .collection = "tasks",
    .title = "every task is handed the address of one loop variable",
    .operations = {&racy_shared_argument_group, &mutex_group, &atomic_group},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"owner", owner, 1}},
    .teardown = teardown,
    .outcomes = {{"own argument", CKF_STRESS_ACCEPTABLE, "each task ran on its own argument"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a task was not accepted"},
                 {"wrong argument", CKF_STRESS_FORBIDDEN, "a task ran on another one's argument"}},
};
