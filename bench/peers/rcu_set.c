/* rcu_set.c - a set of strings behind liburcu's pointer, in the flavour whose threads register
 * themselves. */
#include <urcu-bp.h>

#define QUIESCENT() ((void)0)
#include "peers/rcu_set.h"

FILTER_PEER_BODIES(bodies, filter_no_enter, filter_no_leave, evaluate, evaluate_many, publish);

const struct bench_contestant peer_rcu_set = {.name = "rcu",
                                              .label = "hash set behind a liburcu-bp pointer",
                                              .note = "no hit counts, no statistics, no rule ids; "
                                                      "one publisher",
                                              .bodies = bodies,
                                              .face = &face};
