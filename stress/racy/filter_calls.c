/* stress/racy/filter_calls.c - rules and their generation are two words, each atomic: who reads one
 * after the other may get them from two publishes. Publishers lock each other out. */
#include "filter_calls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct filter {
    pthread_mutex_t publishing;
    _Atomic(uint64_t) generation, denied;
};

static void *create(void)
{
    struct filter *filter = calloc(1, sizeof *filter);
    if (filter == NULL)
        return NULL;
    pthread_mutex_init(&filter->publishing, NULL);
    atomic_init(&filter->generation, 1);
    return filter;
}

static void destroy(void *arg)
{
    struct filter *filter = arg;
    pthread_mutex_destroy(&filter->publishing);
    free(filter);
}

static enum ckf_status publish(void *arg, uint64_t denied, uint64_t expected, uint64_t *generation)
{
    struct filter *filter = arg;
    pthread_mutex_lock(&filter->publishing);
    uint64_t current = atomic_load(&filter->generation);
    bool stale = expected != 0 && expected != current;
    if (!stale) {
        atomic_store(&filter->denied, denied);
        ckf_stress_pause(NULL);
        atomic_store(&filter->generation, ++current);
    }
    *generation = current;
    pthread_mutex_unlock(&filter->publishing);
    return stale ? CKF_STALE : CKF_OK;
}

static uint64_t evaluate(void *arg, uint64_t words, uint64_t *dropped)
{
    struct filter *filter = arg;
    uint64_t generation = atomic_load(&filter->generation);
    *dropped = atomic_load(&filter->denied) & words;
    return generation;
}

static uint64_t read_generation(void *arg)
{
    struct filter *filter = arg;
    return atomic_load(&filter->generation);
}

const struct filter_calls racy_generation_apart = {create, destroy, publish, evaluate,
                                                   read_generation};
