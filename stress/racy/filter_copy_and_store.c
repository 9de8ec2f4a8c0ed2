/* stress/racy/filter_copy_and_store.c - a publisher copies the rules, adds its own, and stores the
 * copy: of two that start from the same rules, the later one wins and the other's rule is gone. */
#include <stdatomic.h>
#include <stdlib.h>

#include "filters.h"

struct holder {
    _Atomic(uint64_t) denied; /* bit n: word n */
};

static void *create(void)
{
    return calloc(1, sizeof(struct holder));
}

static void deny(void *filter, unsigned word)
{
    struct holder *holder = filter;
    uint64_t rules = atomic_load(&holder->denied);
    atomic_store(&holder->denied, rules | UINT64_C(1) << word);
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    struct holder *holder = filter;
    uint64_t rules = atomic_load(&holder->denied);
    for (size_t i = 0; i < count; i++)
        dropped[i] = rules >> (records[i][1] - '0') & 1;
}

const struct filter_operations racy_copy_and_store_filter = {
    .create = create, .destroy = free, .deny = deny, .judge = judge};
