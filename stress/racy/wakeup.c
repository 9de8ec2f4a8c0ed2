/* stress/racy/wakeup.c - waiting for a flag, with a gap between the look and the sleep. */
#include "wakeup.h"

#include <ck_filter/stress.h>

void racy_flag_init(struct racy_flag *flag)
{
    pthread_mutex_init(&flag->lock, NULL);
    pthread_cond_init(&flag->raised, NULL);
    atomic_init(&flag->value, 0);
}

void racy_flag_await(struct racy_flag *flag)
{
    if (atomic_load(&flag->value) != 0)
        return;
    ckf_stress_pause(NULL);
    pthread_mutex_lock(&flag->lock);
    pthread_cond_wait(&flag->raised, &flag->lock);
    pthread_mutex_unlock(&flag->lock);
}

void racy_flag_raise(struct racy_flag *flag)
{
    atomic_store(&flag->value, 1);
    pthread_cond_signal(&flag->raised);
}

void racy_flag_destroy(struct racy_flag *flag)
{
    pthread_cond_destroy(&flag->raised);
    pthread_mutex_destroy(&flag->lock);
}
