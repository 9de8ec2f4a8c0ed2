/* stress/racy/filter_freed_at_once.c - the new ruleset is put in place by one atomic store, as it
 * should be, and the old one is freed while readers are still in it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <ck_filter/stress.h>

#include "filters.h"

struct rules {
    bool drop_a, drop_b;
};

struct holder {
    _Atomic(struct rules *) current;
};

static void replace(void *filter, bool flipped)
{
    struct holder *holder = filter;
    struct rules *rules = ckf_stress_alloc(sizeof *rules);
    if (rules == NULL)
        abort();
    *rules = (struct rules){.drop_a = !flipped, .drop_b = flipped};
    struct rules *old = atomic_exchange(&holder->current, rules);
    if (old != NULL)
        ckf_stress_free(old);
}

static void *create(void)
{
    struct holder *holder = calloc(1, sizeof *holder);
    if (holder != NULL)
        replace(holder, false);
    return holder;
}

static void destroy(void *filter)
{
    struct holder *holder = filter;
    ckf_stress_free(atomic_load(&holder->current));
    free(holder);
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    struct holder *holder = filter;
    const struct rules *rules = atomic_load(&holder->current);
    ckf_stress_pause(NULL); /* its time slice may end anywhere */
    for (size_t i = 0; i < count; i++)
        dropped[i] = strcmp(records[i], "a") == 0 ? rules->drop_a : rules->drop_b;
}

const struct filter_operations racy_freed_at_once_filter = {
    .create = create, .destroy = destroy, .replace = replace, .judge = judge};
