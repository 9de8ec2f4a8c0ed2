/* stress/racy/group_steps.c - counting, starting, waiting. */
#include "group_steps.h"

#include <stdlib.h>

void *steps_create(void)
{
    struct step_group *group = calloc(1, sizeof *group);
    if (group == NULL)
        return NULL;
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->changed, NULL);
    return group;
}

void steps_destroy(void *arg)
{
    struct step_group *group = arg;
    for (unsigned i = 0; i < group->started; i++)
        pthread_join(group->tasks[i].thread, NULL);
    pthread_cond_destroy(&group->changed);
    pthread_mutex_destroy(&group->lock);
    free(group);
}

void steps_count(struct step_group *group, int change)
{
    pthread_mutex_lock(&group->lock);
    group->running += change;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
}

bool steps_start(struct step_group *group, void *(*body)(void *task),
                 int (*function)(struct ckf_context *context, void *arg), void *arg)
{
    bool started = false;
    pthread_mutex_lock(&group->lock);
    if (group->started < MOST_TASKS) {
        struct step_task *task = &group->tasks[group->started];
        *task = (struct step_task){.group = group, .function = function, .arg = arg};
        started = pthread_create(&task->thread, NULL, body, task) == 0;
        group->started += started;
    }
    pthread_mutex_unlock(&group->lock);
    return started;
}

int steps_wait(void *arg)
{
    struct step_group *group = arg;
    pthread_mutex_lock(&group->lock);
    while (group->running > 0)
        pthread_cond_wait(&group->changed, &group->lock);
    pthread_mutex_unlock(&group->lock);
    return atomic_load(&group->error);
}
