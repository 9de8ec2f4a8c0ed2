/* alone_set.c - the set of strings without any synchronisation: what no filter can beat by much.
 *
 * A publish does the same work and throws it away, so that it takes the same CPU time from the
 * readers.
 */
#include "cases/filter_roles.h"
#include "peers/peers.h"
#include "peers/string_set.h"

static void *create(const struct filter_corpus *corpus)
{
    return string_set_make(corpus);
}

static bool evaluate(void *set, struct ckf_record record)
{
    return string_set_has(set, record);
}

static bool publish(void *set, const struct filter_corpus *corpus)
{
    (void)set;
    struct string_set *unused = string_set_make(corpus);
    bool made = unused != NULL;
    free(unused);
    return made;
}

static size_t evaluate_many(void *set, const struct ckf_record *records, size_t count)
{
    return string_set_count(set, records, count);
}

FILTER_PEER_BODIES(bodies, filter_no_thread, filter_no_thread, evaluate, evaluate_many, publish);
static const struct filter_face face = {.create = create, .destroy = free};

const struct bench_contestant peer_alone_set = {.name = "no-sync",
                                                .label = "hash set, no synchronisation",
                                                .note = "a limit: nothing is ever replaced, no hit "
                                                        "counts, no statistics",
                                                .bodies = bodies,
                                                .face = &face};
