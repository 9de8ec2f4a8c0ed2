/* stress/racy/group_steps.h - a wait group of threads, in steps that twins put together wrongly. */
#ifndef STRESS_RACY_GROUP_STEPS_H
#define STRESS_RACY_GROUP_STEPS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tasks.h"

enum { MOST_TASKS = 8 };

struct step_group;

struct step_task {
    struct step_group *group;
    int (*function)(struct ckf_context *context, void *arg);
    void *arg;
    pthread_t thread;
};

struct step_group {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int running; /* guarded by lock */
    _Atomic(int) error;
    unsigned started; /* guarded by lock */
    struct step_task tasks[MOST_TASKS];
};

void *steps_create(void);
/* Joins the threads, so that an iteration leaves nothing behind. */
void steps_destroy(void *group);
void steps_count(struct step_group *group, int change);
/* Starts body(task) on a thread; false without one. */
bool steps_start(struct step_group *group, void *(*body)(void *task),
                 int (*function)(struct ckf_context *context, void *arg), void *arg);
/* Waits until nobody is counted. Returns the error. */
int steps_wait(void *group);

#endif
