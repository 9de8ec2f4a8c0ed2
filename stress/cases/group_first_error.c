/* stress/cases/group_first_error.c - two tasks fail, a third one succeeds.
 *
 * Oracle: wait returns an error that a task gave. Result: never success.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

enum { TASKS = 3 };

struct state {
    void *group;
    int errors[TASKS];
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->group = operations->create();
}

static int fail_with(struct ckf_context *context, void *arg)
{
    (void)context;
    return *(int *)arg;
}

static void owner(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (int i = 0; i < TASKS; i++) {
        s->errors[i] = i % 2 == 0 ? i + 1 : 0;
        if (!operations->go(s->group, fail_with, &s->errors[i]) && i == 0)
            ckf_stress_outcome(run, "refused");
    }
    int error = operations->wait(s->group);
    if (error == 1 || error == 3)
        ckf_stress_outcome(run, "failure seen");
    else
        ckf_stress_outcome(run, error == 0 ? "failure lost" : "foreign error");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct group_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->group);
}

CKF_STRESS_CASE(group_first_error) = {
    .id = "group-first-error",
    .collection = "tasks",
    .title = "several tasks store their result in one error variable",
    .story = "A success that comes last covers the failure. In a group the first failure stays, "
             "and cancels the others.",
    .operations = {&racy_last_error_group, &mutex_group, &atomic_group},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"owner", owner, 1}},
    .teardown = teardown,
    .outcomes = {{"failure seen", CKF_STRESS_ACCEPTABLE, "wait returned a task's error"},
                 {"refused", CKF_STRESS_FORBIDDEN, "the first task was not accepted"},
                 {"failure lost", CKF_STRESS_FORBIDDEN, "wait said that all was well"},
                 {"foreign error", CKF_STRESS_FORBIDDEN, "an error that no task gave"}},
};
