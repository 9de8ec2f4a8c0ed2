/* stress/racy/group_counted_late.c - `wg.Add(1)` as the first line of the goroutine instead of the
 * line before it: a wait that comes first finds nobody to wait for. */
#include "group_steps.h"

static void *count_then_run(void *arg)
{
    struct step_task *task = arg;
    steps_count(task->group, 1);
    task->function(NULL, task->arg);
    steps_count(task->group, -1);
    return NULL;
}

static bool go(void *group, int (*function)(struct ckf_context *context, void *arg), void *arg)
{
    return steps_start(group, count_then_run, function, arg);
}

const struct group_operations racy_counted_late_group = {
    .create = steps_create, .destroy = steps_destroy, .go = go, .wait = steps_wait};
