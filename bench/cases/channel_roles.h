/* cases/channel_roles.h - more of what threads do to a channel: what the tables of targets ask.
 *
 * C and C++ alike, as channel_bodies.h is.
 */
#ifndef CKF_BENCH_CHANNEL_ROLES_H
#define CKF_BENCH_CHANNEL_ROLES_H

#include <time.h>

#include "cases/channel_bodies.h"
#include "harness/clock.h"

/* The first word is the value, the last one its complement. */
struct channel_wide {
    uint64_t words[8];
};

enum { CHANNEL_ASLEEP_NS = 300000, CHANNEL_LATE_NS = 1000000000 };

CHANNEL_INLINE channel_pairs(struct bench_run *run, struct channel_state *state,
                             bool (*send)(void *, uint64_t), bool (*recv)(void *, uint64_t *))
{
    void *channel = state->channel;
    struct channel_tally sent = {0, 0, 0, 0}, received = {0, 0, 0, 0};
    uint64_t value = 0;
    for (size_t i = 0, share = bench_share(run); i < share; i++) {
        if (!send(channel, i) || !recv(channel, &value))
            channel_refused(run);
        channel_count(&sent, i);
        channel_count(&received, value);
    }
    state->sent[0] = sent;
    state->received[0] = received;
}

CHANNEL_INLINE channel_producer_wide(struct bench_run *run, struct channel_state *state,
                                     bool (*send)(void *, const struct channel_wide *),
                                     void (*close)(void *))
{
    unsigned self = bench_thread(run);
    struct channel_tally sent = {0, 0, 0, 0};
    struct channel_wide wide = {{0, 0, 0, 0, 0, 0, 0, 0}};
    uint64_t next = (uint64_t)self << CHANNEL_SENDER_SHIFT;
    for (size_t left = bench_share(run); left > 0; left--) {
        wide.words[0] = next;
        wide.words[7] = ~next;
        if (!send(state->channel, &wide))
            channel_refused(run);
        channel_count(&sent, next++);
    }
    state->sent[self] = sent;
    channel_sender_done(state, close);
}

CHANNEL_INLINE channel_consumer_wide(struct bench_run *run, struct channel_state *state,
                                     bool (*recv)(void *, struct channel_wide *))
{
    struct channel_tally received = {0, 0, 0, 0};
    uint64_t next[BENCH_MAX_THREADS] = {0}, torn = 0;
    struct channel_wide wide;
    while (recv(state->channel, &wide)) {
        channel_count_in_order(&received, next, wide.words[0]);
        torn += wide.words[7] != ~wide.words[0];
    }
    if (torn != 0)
        bench_fail(run, "%llu elements were torn", (unsigned long long)torn);
    state->received[bench_thread(run)] = received;
}

/* Keeps its CPU meanwhile, so that only the other thread has to be woken. */
static inline void channel_let_sleep(void)
{
    for (int64_t end = bench_now_ns() + CHANNEL_ASLEEP_NS; bench_now_ns() < end;)
        ;
}

/* Each hand-over is timed from just before the send to just after the receive. */
CHANNEL_INLINE channel_ping_asleep(struct bench_run *run, struct channel_state *state,
                                   bool (*send)(void *, uint64_t), bool (*recv)(void *, uint64_t *),
                                   void (*close)(void *))
{
    struct channel_tally sent = {0, 0, 0, 0}, received = {0, 0, 0, 0};
    uint64_t value = 0;
    int64_t total_ns = 0;
    for (uint64_t i = 0; i < bench_work(run); i++) {
        channel_let_sleep();
        state->sent_at_ns = bench_now_ns();
        if (!send(state->channel, i) || !recv(state->answers, &value))
            channel_refused(run);
        total_ns += bench_now_ns() - state->sent_at_ns + state->there_ns;
        channel_count(&sent, i);
        channel_count(&received, value);
    }
    close(state->channel);
    state->sent[0] = sent;
    state->received[0] = received;
    bench_value(run, (double)total_ns / (double)bench_work(run));
}

CHANNEL_INLINE channel_pong_asleep(struct bench_run *run, struct channel_state *state,
                                   bool (*send)(void *, uint64_t), bool (*recv)(void *, uint64_t *))
{
    uint64_t value = 0;
    while (recv(state->channel, &value)) {
        state->there_ns = bench_now_ns() - state->sent_at_ns;
        channel_let_sleep();
        state->sent_at_ns = bench_now_ns();
        if (!send(state->answers, value))
            channel_refused(run);
    }
}

CHANNEL_INLINE channel_late(struct bench_run *run, struct channel_state *state,
                            bool (*send)(void *, uint64_t))
{
    struct timespec pause = {CHANNEL_LATE_NS / 1000000000, CHANNEL_LATE_NS % 1000000000};
    nanosleep(&pause, NULL);
    if (!send(state->channel, 1))
        channel_refused(run);
    channel_count(&state->sent[0], 1);
}

CHANNEL_INLINE channel_waiter(struct bench_run *run, struct channel_state *state,
                              bool (*recv)(void *, uint64_t *))
{
    uint64_t value = 0;
    int64_t start_ns = bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (!recv(state->channel, &value))
        channel_refused(run);
    bench_value(run, (double)(bench_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / 1e3);
    channel_count(&state->received[0], value);
}

#endif
