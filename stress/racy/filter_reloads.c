/* stress/racy/filter_reloads.c - a deny list that is reloaded: by whoever comes first while others
 * are turned away, and by clearing what is there. */
#include <stdatomic.h>
#include <stdlib.h>

#include <ck_filter/stress.h>

#include "filters.h"

struct holder {
    _Atomic(uint64_t) denied; /* bit n: word n */
    _Atomic(bool) reloading;
};

static void *create(void)
{
    return calloc(1, sizeof(struct holder));
}

static void deny(void *filter, unsigned word)
{
    atomic_fetch_or(&((struct holder *)filter)->denied, UINT64_C(1) << word);
}

static void reload(void *filter, unsigned (*configuration)(void *arg), void *arg)
{
    struct holder *holder = filter;
    if (atomic_exchange(&holder->reloading, true))
        return; /* "there is a reload already" */
    unsigned word = configuration(arg);
    ckf_stress_pause(NULL);
    atomic_store(&holder->denied, UINT64_C(1) << word);
    atomic_store(&holder->reloading, false);
}

static void reload_bad(void *filter)
{
    struct holder *holder = filter;
    atomic_store(&holder->denied, 0); /* out with the old; and the new ones cannot be read */
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    struct holder *holder = filter;
    uint64_t rules = atomic_load(&holder->denied);
    for (size_t i = 0; i < count; i++)
        dropped[i] = rules >> (records[i][1] - '0') & 1;
}

const struct filter_operations racy_dropped_reload_filter = {
    .create = create, .destroy = free, .reload = reload, .judge = judge};
const struct filter_operations racy_cleared_first_filter = {
    .create = create, .destroy = free, .deny = deny, .reload_bad = reload_bad, .judge = judge};
