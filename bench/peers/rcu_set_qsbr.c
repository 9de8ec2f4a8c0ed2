/* rcu_set_qsbr.c - a set of strings behind liburcu's pointer, qsbr flavour: threads register. */
#include <urcu-qsbr.h>

#define QUIESCENT() rcu_quiescent_state()
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

const struct bench_contestant peer_rcu_set_qsbr = {
    .name = "rcu-qsbr",
    .label = "hash set behind a liburcu-qsbr pointer",
    .note = "no hit counts, no statistics, no rule ids; one publisher; threads register, and have "
            "to say when they hold nothing: here after each call",
    .bodies = bodies,
    .face = &face};
