/* peers/channel_peer.h - the bodies of a peer that has push, pop and close, all in one go:
 *
 *     CHANNEL_PEER_BODIES(bodies, push, pop, close_ring);
 */
#ifndef CKF_BENCH_CHANNEL_PEER_H
#define CKF_BENCH_CHANNEL_PEER_H

#include "cases/channel_roles.h"

/* Setup has done it all. */
static inline void channel_made(struct bench_run *run, void *state)
{
    (void)run;
    (void)state;
}

#define CHANNEL_PEER_BODY(name, call)                                                              \
    static void name(struct bench_run *run, void *state)                                           \
    {                                                                                              \
        call;                                                                                      \
    }

#define CHANNEL_PEER_BODIES(bodies, push, pop, close_)                                             \
    CHANNEL_PEER_BODY(bodies##_pair, channel_pair(run, state, push, pop))                          \
    CHANNEL_PEER_BODY(bodies##_pairs, channel_pairs(run, state, push, pop))                        \
    CHANNEL_PEER_BODY(bodies##_producer, channel_producer(run, state, push, close_))               \
    CHANNEL_PEER_BODY(bodies##_consumer, channel_consumer(run, state, pop))                        \
    CHANNEL_PEER_BODY(bodies##_ping, channel_ping(run, state, push, pop, close_))                  \
    CHANNEL_PEER_BODY(bodies##_pong, channel_pong(run, state, push, pop))                          \
    CHANNEL_PEER_BODY(bodies##_ping_asleep, channel_ping_asleep(run, state, push, pop, close_))    \
    CHANNEL_PEER_BODY(bodies##_pong_asleep, channel_pong_asleep(run, state, push, pop))            \
    CHANNEL_PEER_BODY(bodies##_late, channel_late(run, state, push))                               \
    CHANNEL_PEER_BODY(bodies##_waiter, channel_waiter(run, state, pop))                            \
    static const bench_body bodies[CHANNEL_ROLES] = {[CHANNEL_PAIR] = bodies##_pair,               \
                                                     [CHANNEL_PAIRS] = bodies##_pairs,             \
                                                     [CHANNEL_PRODUCER] = bodies##_producer,       \
                                                     [CHANNEL_CONSUMER] = bodies##_consumer,       \
                                                     [CHANNEL_PING] = bodies##_ping,               \
                                                     [CHANNEL_PONG] = bodies##_pong,               \
                                                     [CHANNEL_PING_ASLEEP] = bodies##_ping_asleep, \
                                                     [CHANNEL_PONG_ASLEEP] = bodies##_pong_asleep, \
                                                     [CHANNEL_LATE] = bodies##_late,               \
                                                     [CHANNEL_WAITER] = bodies##_waiter,           \
                                                     [CHANNEL_MAKE] = channel_made}

#endif
