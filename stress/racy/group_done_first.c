/* stress/racy/group_done_first.c - the task says that it is done, and then does it. */
#include <ck_filter/stress.h>

#include "group_steps.h"

static void *say_done_then_run(void *arg)
{
    struct step_task *task = arg;
    steps_count(task->group, -1);
    ckf_stress_pause(NULL);
    task->function(NULL, task->arg);
    return NULL;
}

static bool go(void *group, int (*function)(struct ckf_context *context, void *arg), void *arg)
{
    steps_count(group, 1);
    bool started = steps_start(group, say_done_then_run, function, arg);
    if (!started)
        steps_count(group, -1);
    return started;
}

const struct group_operations racy_done_first_group = {
    .create = steps_create, .destroy = steps_destroy, .go = go, .wait = steps_wait};
