/* rcu_set_memb.c - a set of strings behind liburcu's pointer, memb flavour: threads register. */
#include <urcu.h>

#define QUIESCENT() ((void)0)
#include "peers/rcu_set.h"

static void *enter(void *filter, unsigned thread)
{
    (void)thread;
    rcu_register_thread();
    return filter;
}

static void leave(void *filter)
{
    (void)filter;
    rcu_unregister_thread();
}

FILTER_PEER_BODIES(bodies, enter, leave, evaluate, evaluate_many, publish);

const struct bench_contestant peer_rcu_set_memb = {
    .name = "rcu-memb",
    .label = "hash set behind a liburcu-memb pointer",
    .note = "no hit counts, no statistics, no rule ids; one publisher; threads register",
    .bodies = bodies,
    .face = &face};
