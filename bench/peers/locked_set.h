/* peers/locked_set.h - a set of strings under a lock; publishers build outside it.
 *
 * For a file that has defined LOCK, a type of pthreads, and its functions LOCK_INIT, LOCK_DESTROY,
 * LOCK_FOR_READING, LOCK_FOR_WRITING and LOCK_RELEASE.
 */
#ifndef CKF_BENCH_LOCKED_SET_H
#define CKF_BENCH_LOCKED_SET_H

#include <pthread.h>
#include <stdlib.h>

#include "cases/filter_roles.h"
#include "peers/peers.h"
#include "peers/string_set.h"

struct locked_set {
    LOCK lock;
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
    LOCK_INIT(&locked->lock, NULL);
    locked->set = set;
    return locked;
}

static void destroy(void *argument)
{
    struct locked_set *locked = argument;
    LOCK_DESTROY(&locked->lock);
    free(locked->set);
    free(locked);
}

static bool evaluate(void *argument, struct ckf_record record)
{
    struct locked_set *locked = argument;
    LOCK_FOR_READING(&locked->lock);
    bool found = string_set_has(locked->set, record);
    LOCK_RELEASE(&locked->lock);
    return found;
}

static size_t evaluate_many(void *argument, const struct ckf_record *records, size_t count)
{
    struct locked_set *locked = argument;
    LOCK_FOR_READING(&locked->lock);
    size_t found = string_set_count(locked->set, records, count);
    LOCK_RELEASE(&locked->lock);
    return found;
}

static bool publish(void *argument, const struct filter_corpus *corpus)
{
    struct locked_set *locked = argument;
    struct string_set *set = string_set_make(corpus);
    if (set == NULL)
        return false;
    LOCK_FOR_WRITING(&locked->lock);
    struct string_set *old = locked->set;
    locked->set = set;
    LOCK_RELEASE(&locked->lock);
    free(old);
    return true;
}

FILTER_PEER_BODIES(bodies, filter_no_enter, filter_no_leave, evaluate, evaluate_many, publish);
static const struct filter_face face = {.create = create, .destroy = destroy};

#endif
