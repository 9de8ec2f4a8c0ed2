/* stress/racy/group_shared_argument.c - every task gets the address of one variable, which has gone
 * on by the time the task looks: the loop variable of Go before 1.22. */
#include "group_steps.h"

static _Atomic(void *) loop_variable;

static void *run_with_shared(void *arg)
{
    struct step_task *task = arg;
    task->function(NULL, atomic_load(&loop_variable));
    steps_count(task->group, -1);
    return NULL;
}

static bool go(void *group, int (*function)(struct ckf_context *context, void *arg), void *arg)
{
    atomic_store(&loop_variable, arg);
    steps_count(group, 1);
    bool started = steps_start(group, run_with_shared, function, NULL);
    if (!started)
        steps_count(group, -1);
    return started;
}

const struct group_operations racy_shared_argument_group = {
    .create = steps_create, .destroy = steps_destroy, .go = go, .wait = steps_wait};
