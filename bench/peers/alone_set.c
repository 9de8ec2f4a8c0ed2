/* alone_set.c - the set of strings without any synchronisation: what no filter can beat by much.
 *
 * A publish does the same work and throws it away, so that it takes the same CPU time from the
 * readers.
 */
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

static void evaluate_body(struct bench_run *run, void *state)
{
    filter_evaluate(run, state, evaluate);
}

static void publishes_beside_body(struct bench_run *run, void *state)
{
    filter_publishes_beside(run, state, publish);
}

static const bench_body bodies[FILTER_ROLES] = {
    [FILTER_EVALUATE] = evaluate_body, [FILTER_PUBLISHES_BESIDE] = publishes_beside_body};
static const struct filter_face face = {.create = create, .destroy = free};

const struct bench_contestant peer_alone_set = {.name = "no-sync",
                                                .label = "hash set, no synchronisation",
                                                .note = "a limit: nothing is ever replaced, no hit "
                                                        "counts, no statistics",
                                                .bodies = bodies,
                                                .face = &face};
