/* filter/forks.c - the list of all filters, so that a fork finds none of them half changed.
 *
 * Roles:     create and destroy, which enter and leave; the thread that forks.
 * Invariant: a fork holds the list's mutex and both mutexes of every filter, so no publish and no
 *            counting under a mutex is cut in two. What no mutex guards is one atomic add a record.
 * Order:     list, then publishing, then mutex, then whatever liburcu and malloc lock: their hooks
 *            are older or run by the C library itself, and prepare hooks run newest first.
 */
#include "filter/state.h"

#include "base/check.h"
#include "sync/section.h"

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct ckf_filter *list;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void before_fork(void)
{
    ckf_mutex_lock(&list_mutex);
    for (struct ckf_filter *filter = list; filter != NULL; filter = filter->next) {
        ckf_mutex_lock(&filter->publishing);
        ckf_mutex_lock(&filter->mutex);
    }
}

static void after_fork_in_parent(void)
{
    for (struct ckf_filter *filter = list; filter != NULL; filter = filter->next) {
        ckf_mutex_unlock(&filter->mutex);
        ckf_mutex_unlock(&filter->publishing);
    }
    ckf_mutex_unlock(&list_mutex);
}

static void after_fork_in_child(void)
{
    ckf_section_mend_child();
    for (struct ckf_filter *filter = list; filter != NULL; filter = filter->next)
        if (filter->variant == CKF_VARIANT_MUTEX)
            ckf_locked_forget_readers(filter);
    after_fork_in_parent();
}

static void survive_forks(void)
{
    int error = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    if (error != 0)
        ckf_die("pthread_atfork", error);
}

void ckf_forks_enter(struct ckf_filter *filter)
{
    pthread_once(&once, survive_forks);
    ckf_mutex_lock(&list_mutex);
    filter->next = list;
    if (list != NULL)
        list->previous = filter;
    list = filter;
    ckf_mutex_unlock(&list_mutex);
}

void ckf_forks_leave(struct ckf_filter *filter)
{
    ckf_mutex_lock(&list_mutex);
    if (filter->next != NULL)
        filter->next->previous = filter->previous;
    if (filter->previous != NULL)
        filter->previous->next = filter->next;
    else
        list = filter->next;
    ckf_mutex_unlock(&list_mutex);
}
