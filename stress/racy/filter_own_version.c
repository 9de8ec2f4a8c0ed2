/* stress/racy/filter_own_version.c - the version of the rules is counted beside them: read, and
 * written one higher when the rules are in place. */
#include <stdatomic.h>
#include <stdlib.h>

#include <ck_filter/stress.h>

#include "filters.h"

struct holder {
    _Atomic(bool) flipped;
    _Atomic(uint64_t) version;
};

static void *create(void)
{
    return calloc(1, sizeof(struct holder));
}

static void replace(void *filter, bool flipped)
{
    struct holder *holder = filter;
    uint64_t version = atomic_load(&holder->version);
    ckf_stress_pause(NULL); /* compiles the rules */
    atomic_store(&holder->flipped, flipped);
    atomic_store(&holder->version, version + 1);
}

static uint64_t generation(void *filter)
{
    return atomic_load(&((struct holder *)filter)->version);
}

const struct filter_operations racy_own_version_filter = {
    .create = create, .destroy = free, .replace = replace, .generation = generation};
