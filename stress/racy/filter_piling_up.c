/* stress/racy/filter_piling_up.c - replaced rulesets wait until no reader is inside, however many
 * they become; and a publish that waits until every reader has seen it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <ck_filter/stress.h>

#include "filters.h"

enum { PATIENCE = 20 }; /* turns, then it gives up, so that the suite goes on */

struct holder {
    _Atomic(bool) flipped;
    _Atomic(unsigned) readers;
    _Atomic(uint64_t) waiting; /* replaced rulesets, each one as large as the configuration */
    _Atomic(bool) used;        /* since the last publish */
};

static void *create(void)
{
    return calloc(1, sizeof(struct holder));
}

static void replace(void *filter, bool flipped)
{
    struct holder *holder = filter;
    atomic_store(&holder->used, false);
    atomic_store(&holder->flipped, flipped);
    atomic_fetch_add(&holder->waiting, 1);
    if (atomic_load(&holder->readers) == 0)
        atomic_store(&holder->waiting, 0);
}

static uint64_t retired(void *filter)
{
    return atomic_load(&((struct holder *)filter)->waiting);
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    struct holder *holder = filter;
    atomic_fetch_add(&holder->readers, 1);
    bool flipped = atomic_load(&holder->flipped);
    ckf_stress_pause(NULL); /* sleeps */
    for (size_t i = 0; i < count; i++)
        dropped[i] = (strcmp(records[i], "a") == 0) != flipped;
    atomic_fetch_sub(&holder->readers, 1);
    atomic_store(&holder->used, true);
}

static bool wait_until_used(void *filter)
{
    struct holder *holder = filter;
    for (int turn = 0; turn < PATIENCE; turn++) {
        if (atomic_load(&holder->used))
            return true;
        ckf_stress_spin(NULL);
    }
    return false;
}

const struct filter_operations racy_unbounded_filter = {.create_bounded = create,
                                                        .destroy = free,
                                                        .replace = replace,
                                                        .try_replace = replace,
                                                        .retired = retired,
                                                        .judge = judge};
const struct filter_operations racy_awaited_filter = {.create = create,
                                                      .destroy = free,
                                                      .replace = replace,
                                                      .wait_until_used = wait_until_used,
                                                      .judge = judge};
