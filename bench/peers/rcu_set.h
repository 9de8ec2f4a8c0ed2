/* peers/rcu_set.h - a set of strings behind an RCU pointer; publishers wait for the readers and free.
 *
 * For a file that has included the header of one flavour of liburcu and defined QUIESCENT(), which
 * is what its readers say after each call.
 */
#ifndef CKF_BENCH_RCU_SET_H
#define CKF_BENCH_RCU_SET_H

#include <stdlib.h>

#include "cases/filter_roles.h"
#include "peers/peers.h"
#include "peers/string_set.h"

struct published_set {
    struct string_set *set; /* replaced whole */
};

static void *create(const struct filter_corpus *corpus)
{
    struct published_set *published = malloc(sizeof(*published));
    struct string_set *set = string_set_make(corpus);
    if (published == NULL || set == NULL) {
        free(set);
        free(published);
        return NULL;
    }
    published->set = set;
    return published;
}

static void destroy(void *argument)
{
    struct published_set *published = argument;
    free(published->set);
    free(published);
}

static bool evaluate(void *argument, struct ckf_record record)
{
    struct published_set *published = argument;
    rcu_read_lock();
    bool found = string_set_has(rcu_dereference(published->set), record);
    rcu_read_unlock();
    QUIESCENT();
    return found;
}

static size_t evaluate_many(void *argument, const struct ckf_record *records, size_t count)
{
    struct published_set *published = argument;
    rcu_read_lock();
    size_t found = string_set_count(rcu_dereference(published->set), records, count);
    rcu_read_unlock();
    QUIESCENT();
    return found;
}

static bool publish(void *argument, const struct filter_corpus *corpus)
{
    struct published_set *published = argument;
    struct string_set *set = string_set_make(corpus);
    if (set == NULL)
        return false;
    struct string_set *old = published->set;
    rcu_assign_pointer(published->set, set);
    synchronize_rcu();
    free(old);
    return true;
}

static const struct filter_face face = {.create = create, .destroy = destroy};

#endif
