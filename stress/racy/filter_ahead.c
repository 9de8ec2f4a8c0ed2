/* stress/racy/filter_ahead.c - numbers that run ahead of what they count. */
#include <stdatomic.h>
#include <stdlib.h>

#include <ck_filter/stress.h>

#include "filters.h"

struct holder {
    _Atomic(uint64_t) hits;
    _Atomic(unsigned) rules;
    _Atomic(uint32_t) ids[MANY_RULES + 1];
};

static void *create(void)
{
    return calloc(1, sizeof(struct holder));
}

static void add(struct holder *holder, uint32_t id)
{
    unsigned place = atomic_fetch_add(&holder->rules, 1);
    ckf_stress_pause(NULL);
    atomic_store(&holder->ids[place], id);
}

static void deny(void *filter, unsigned word)
{
    add(filter, word + 1);
}

static void deny_many(void *filter, uint32_t rules)
{
    for (uint32_t i = atomic_load(&((struct holder *)filter)->rules); i < rules; i++)
        add(filter, 100 + i);
}

static bool lists_only_named(void *filter)
{
    struct holder *holder = filter;
    unsigned rules = atomic_load(&holder->rules);
    for (unsigned i = 0; i < rules; i++)
        if (atomic_load(&holder->ids[i]) == 0)
            return false;
    return true;
}

static void prepare_and_judge(void *filter, int *prepared, const char *record, bool batch)
{
    (void)batch;
    (void)record;
    atomic_fetch_add(&((struct holder *)filter)->hits, 1);
    ckf_stress_pause(NULL);
    *prepared = 1;
}

static uint64_t hits(void *filter, unsigned word)
{
    (void)word;
    return atomic_load(&((struct holder *)filter)->hits);
}

const struct filter_operations racy_counted_first_filter = {.create = create,
                                                            .destroy = free,
                                                            .deny = deny,
                                                            .prepare_and_judge = prepare_and_judge,
                                                            .hits = hits};
const struct filter_operations racy_grown_first_filter = {.create = create,
                                                          .destroy = free,
                                                          .deny = deny,
                                                          .deny_many = deny_many,
                                                          .lists_only_named = lists_only_named};
