/* stress/racy/filter_hits_inside.c - hit counters live in the snapshot and are copied into the next
 * one: hits that land in the old one after the copy are lost. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "filters.h"

struct snapshot {
    struct snapshot *older; /* kept, so that late readers hit valid memory */
    uint64_t denied;
    _Atomic(uint64_t) hits[MOST_WORDS];
};

struct holder {
    _Atomic(struct snapshot *) current;
};

static struct snapshot *new_snapshot(void)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        abort();
    return snapshot;
}

static void *create(void)
{
    struct holder *holder = calloc(1, sizeof *holder);
    if (holder != NULL)
        atomic_init(&holder->current, new_snapshot());
    return holder;
}

static void destroy(void *filter)
{
    struct holder *holder = filter;
    struct snapshot *snapshot = atomic_load(&holder->current);
    while (snapshot != NULL) {
        struct snapshot *older = snapshot->older;
        free(snapshot);
        snapshot = older;
    }
    free(holder);
}

static void deny(void *filter, unsigned word)
{
    struct holder *holder = filter;
    struct snapshot *old = atomic_load(&holder->current);
    struct snapshot *next = new_snapshot();
    next->older = old;
    next->denied = old->denied | UINT64_C(1) << word;
    for (unsigned i = 0; i < MOST_WORDS; i++)
        atomic_init(&next->hits[i], atomic_load(&old->hits[i]));
    atomic_store(&holder->current, next);
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    struct holder *holder = filter;
    struct snapshot *snapshot = atomic_load(&holder->current);
    for (size_t i = 0; i < count; i++) {
        int word = records[i][1] - '0';
        dropped[i] = snapshot->denied >> word & 1;
        if (dropped[i])
            atomic_fetch_add(&snapshot->hits[word], 1);
    }
}

static uint64_t hits(void *filter, unsigned word)
{
    struct holder *holder = filter;
    return atomic_load(&atomic_load(&holder->current)->hits[word]);
}

const struct filter_operations racy_hits_inside_filter = {.create = create,
                                                          .destroy = destroy,
                                                          .deny = deny,
                                                          .republish = deny,
                                                          .judge = judge,
                                                          .hits = hits};
