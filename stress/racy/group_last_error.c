/* stress/racy/group_last_error.c - `err = task()` from several goroutines: whoever comes last
 * decides what went wrong, and a success can cover a failure. */
#include "group_steps.h"

static void *run_and_store(void *arg)
{
    struct step_task *task = arg;
    atomic_store(&task->group->error, task->function(NULL, task->arg));
    steps_count(task->group, -1);
    return NULL;
}

static bool go(void *group, int (*function)(struct ckf_context *context, void *arg), void *arg)
{
    steps_count(group, 1);
    bool started = steps_start(group, run_and_store, function, arg);
    if (!started)
        steps_count(group, -1);
    return started;
}

const struct group_operations racy_last_error_group = {
    .create = steps_create, .destroy = steps_destroy, .go = go, .wait = steps_wait};
