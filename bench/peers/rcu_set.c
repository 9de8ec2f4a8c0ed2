/* rcu_set.c - a set of strings behind an RCU pointer; publishers wait for the readers and free. */
#include <stdlib.h>

#include <urcu-bp.h>

#include "peers/peers.h"
#include "peers/string_set.h"

struct published_set {
    struct string_set *set; /* replaced whole */
};

static void *create(const struct filter_corpus *corpus)
{
    struct published_set *published = malloc(sizeof(*published));
    struct string_set *set = string_set_make(corpus);
    if (published == NULL || set == NULL) {
        free(set);
        free(published);
        return NULL;
    }
    published->set = set;
    return published;
}

static void destroy(void *argument)
{
    struct published_set *published = argument;
    free(published->set);
    free(published);
}

static bool evaluate(void *argument, struct ckf_record record)
{
    struct published_set *published = argument;
    rcu_read_lock();
    bool found = string_set_has(rcu_dereference(published->set), record);
    rcu_read_unlock();
    return found;
}

static bool publish(void *argument, const struct filter_corpus *corpus)
{
    struct published_set *published = argument;
    struct string_set *set = string_set_make(corpus);
    if (set == NULL)
        return false;
    struct string_set *old = published->set;
    rcu_assign_pointer(published->set, set);
    synchronize_rcu();
    free(old);
    return true;
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
static const struct filter_face face = {.create = create, .destroy = destroy};

const struct bench_contestant peer_rcu_set = {.name = "rcu",
                                              .label = "hash set behind a liburcu-bp pointer",
                                              .note = "no hit counts, no statistics, no rule ids; "
                                                      "one publisher",
                                              .bodies = bodies,
                                              .face = &face};
