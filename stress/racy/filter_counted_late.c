/* stress/racy/filter_counted_late.c - a ruleset with a reference count in it: a reader loads the
 * pointer, and then counts itself in. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <ck_filter/stress.h>

#include "filters.h"

struct rules {
    _Atomic(unsigned) users; /* readers, and the filter */
    bool flipped;
};

struct holder {
    _Atomic(struct rules *) current;
};

static void drop(struct rules *rules)
{
    if (atomic_fetch_sub(&rules->users, 1) == 1)
        ckf_stress_free(rules);
}

static void replace(void *filter, bool flipped)
{
    struct holder *holder = filter;
    struct rules *rules = ckf_stress_alloc(sizeof *rules);
    if (rules == NULL)
        abort();
    rules->users = 1;
    rules->flipped = flipped;
    struct rules *old = atomic_exchange(&holder->current, rules);
    if (old != NULL)
        drop(old);
}

static void *create(void)
{
    return calloc(1, sizeof(struct holder));
}

static void destroy(void *filter)
{
    struct holder *holder = filter;
    drop(atomic_load(&holder->current));
    free(holder);
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    struct holder *holder = filter;
    struct rules *rules = atomic_load(&holder->current);
    ckf_stress_pause(NULL); /* its time slice may end anywhere */
    atomic_fetch_add(&rules->users, 1);
    for (size_t i = 0; i < count; i++)
        dropped[i] = (strcmp(records[i], "a") == 0) != rules->flipped;
    drop(rules);
}

const struct filter_operations racy_counted_late_filter = {
    .create = create, .destroy = destroy, .replace = replace, .judge = judge};
