/* mutex_set.c - a set of strings under a mutex; publishers build outside it. */
#include <pthread.h>
#include <stdlib.h>

#include "cases/filter_roles.h"
#include "peers/peers.h"
#include "peers/string_set.h"

struct locked_set {
    pthread_mutex_t lock;
    struct string_set *set; /* guarded by lock */
};

static void *create(const struct filter_corpus *corpus)
{
    struct locked_set *locked = malloc(sizeof(*locked));
    struct string_set *set = string_set_make(corpus);
    if (locked == NULL || set == NULL) {
        free(set);
        free(locked);
        return NULL;
    }
    pthread_mutex_init(&locked->lock, NULL);
    locked->set = set;
    return locked;
}

static void destroy(void *argument)
{
    struct locked_set *locked = argument;
    pthread_mutex_destroy(&locked->lock);
    free(locked->set);
    free(locked);
}

static bool evaluate(void *argument, struct ckf_record record)
{
    struct locked_set *locked = argument;
    pthread_mutex_lock(&locked->lock);
    bool found = string_set_has(locked->set, record);
    pthread_mutex_unlock(&locked->lock);
    return found;
}

static size_t evaluate_many(void *argument, const struct ckf_record *records, size_t count)
{
    struct locked_set *locked = argument;
    pthread_mutex_lock(&locked->lock);
    size_t found = string_set_count(locked->set, records, count);
    pthread_mutex_unlock(&locked->lock);
    return found;
}

static bool publish(void *argument, const struct filter_corpus *corpus)
{
    struct locked_set *locked = argument;
    struct string_set *set = string_set_make(corpus);
    if (set == NULL)
        return false;
    pthread_mutex_lock(&locked->lock);
    struct string_set *old = locked->set;
    locked->set = set;
    pthread_mutex_unlock(&locked->lock);
    free(old);
    return true;
}

FILTER_PEER_BODIES(bodies, filter_no_enter, filter_no_leave, evaluate, evaluate_many, publish);
static const struct filter_face face = {.create = create, .destroy = destroy};

const struct bench_contestant peer_mutex_set = {.name = "pthread-mutex",
                                                .label = "hash set under a pthread mutex",
                                                .note = "no hit counts, no statistics, no rule ids",
                                                .bodies = bodies,
                                                .face = &face,
                                                .sleeps = true};
