/* ck_epoch.c - a set of strings behind Concurrency Kit's epochs; the publisher waits and frees. */
#include <stdatomic.h>
#include <stdlib.h>

#include <ck_epoch.h>

#include "cases/filter_roles.h"
#include "peers/peers.h"
#include "peers/string_set.h"

struct published_set {
    ck_epoch_t epoch;
    _Atomic(struct string_set *) set; /* replaced whole */
    ck_epoch_record_t publisher;      /* there is one */
    ck_epoch_record_t readers[BENCH_MAX_THREADS];
};

static _Thread_local ck_epoch_record_t *own;

static void *enter(void *argument, unsigned thread)
{
    struct published_set *published = argument;
    own = &published->readers[thread];
    ck_epoch_register(&published->epoch, own, NULL);
    return published;
}

static void leave(void *argument)
{
    (void)argument;
    ck_epoch_unregister(own);
}

static void destroy(void *argument)
{
    struct published_set *published = argument;
    free(atomic_load(&published->set));
    free(published);
}

static void *create(const struct filter_corpus *corpus)
{
    struct published_set *published =
        aligned_alloc(BENCH_CACHELINE_BYTES, (sizeof(*published) + BENCH_CACHELINE_BYTES - 1) /
                                                 BENCH_CACHELINE_BYTES * BENCH_CACHELINE_BYTES);
    struct string_set *set = string_set_make(corpus);
    if (published == NULL || set == NULL) {
        free(set);
        free(published);
        return NULL;
    }
    ck_epoch_init(&published->epoch);
    ck_epoch_register(&published->epoch, &published->publisher, NULL);
    atomic_init(&published->set, set);
    return published;
}

static bool evaluate(void *argument, struct ckf_record record)
{
    struct published_set *published = argument;
    ck_epoch_begin(own, NULL);
    bool found =
        string_set_has(atomic_load_explicit(&published->set, memory_order_acquire), record);
    ck_epoch_end(own, NULL);
    return found;
}

static size_t evaluate_many(void *argument, const struct ckf_record *records, size_t count)
{
    struct published_set *published = argument;
    ck_epoch_begin(own, NULL);
    size_t found = string_set_count(atomic_load_explicit(&published->set, memory_order_acquire),
                                    records, count);
    ck_epoch_end(own, NULL);
    return found;
}

static bool publish(void *argument, const struct filter_corpus *corpus)
{
    struct published_set *published = argument;
    struct string_set *set = string_set_make(corpus);
    if (set == NULL)
        return false;
    struct string_set *old = atomic_exchange_explicit(&published->set, set, memory_order_acq_rel);
    ck_epoch_synchronize(&published->publisher);
    free(old);
    return true;
}

FILTER_PEER_BODIES(bodies, enter, leave, evaluate, evaluate_many, publish);
static const struct filter_face face = {.create = create, .destroy = destroy};

const struct bench_contestant peer_ck_epoch = {
    .name = "ck_epoch",
    .label = "hash set behind Concurrency Kit's epochs",
    .note = "no hit counts, no statistics, no rule ids; threads register",
    .bodies = bodies,
    .face = &face};
