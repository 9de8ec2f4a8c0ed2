/* cases/channel_bodies.h - what threads do to a channel, for any implementation of one.
 *
 * A contestant describes itself as a constant struct channel_face and writes
 * CHANNEL_BODIES(name, face): the bodies are then compiled with the face's functions inlined.
 *
 * Values are (sender << 48) + sequence number. Receivers check that each sender's values come in
 * order; afterwards count, sum and sum of squares of what was received must equal those of what was
 * sent, so that a value lost, invented or seen twice shows.
 */
#ifndef CKF_BENCH_CHANNEL_BODIES_H
#define CKF_BENCH_CHANNEL_BODIES_H

#include "harness/bench.h"

enum channel_role {
    CHANNEL_PAIR,      /* send one, receive one */
    CHANNEL_TRY_PAIR,  /* the same with calls that never wait */
    CHANNEL_TRY_EMPTY, /* try to receive where nothing is */
    CHANNEL_PRODUCER,
    CHANNEL_CONSUMER,
    CHANNEL_PRODUCER_MANY,
    CHANNEL_CONSUMER_MANY,
    CHANNEL_PING, /* send there, wait for the answer */
    CHANNEL_PONG,
    CHANNEL_PAIRS,         /* fixed work by one thread: send one, receive one */
    CHANNEL_PRODUCER_WIDE, /* elements of 64 bytes */
    CHANNEL_CONSUMER_WIDE,
    CHANNEL_PING_ASLEEP, /* the same there and back, but each waits until the other sleeps */
    CHANNEL_PONG_ASLEEP,
    CHANNEL_SPREAD, /* sends to CHANNEL_FAN channels by turns */
    CHANNEL_SELECT, /* receives from whichever of them has something */
    CHANNEL_LATE,   /* sends one value after a second */
    CHANNEL_WAITER, /* waits for it: its CPU time is what counts */
    CHANNEL_MAKE,   /* makes and frees channels: their memory is what counts */
    CHANNEL_ROLES
};

enum { CHANNEL_BATCH = 32, CHANNEL_FAN = 8 };

struct channel_face {
    void *(*create)(size_t capacity); /* NULL: it cannot */
    void (*destroy)(void *channel);
    bool (*send)(void *channel, uint64_t value);  /* waits; false: closed */
    bool (*recv)(void *channel, uint64_t *value); /* waits; false: closed and drained */
    bool (*try_send)(void *channel, uint64_t value);
    bool (*try_recv)(void *channel, uint64_t *value);
    size_t (*send_many)(void *channel, const uint64_t *values, size_t count); /* 0: closed */
    size_t (*recv_many)(void *channel, uint64_t *values, size_t count);
    void (*close)(void *channel);
};

struct channel_tally {
    uint64_t count, sum, squares;
    uint64_t disorder; /* values that came before an earlier one of their sender */
} __attribute__((aligned(BENCH_CACHELINE_BYTES)));

struct channel_state {
    void *channel;
    void *answers;                /* ping-pong: the way back */
    int64_t sent_at_ns, there_ns; /* asleep: of the hand-over under way */
    void *fan[CHANNEL_FAN];       /* select: the channels */
    unsigned senders_left;        /* atomic */
    struct channel_tally sent[BENCH_MAX_THREADS], received[BENCH_MAX_THREADS];
};

enum { CHANNEL_SENDER_SHIFT = 48 };

static inline void channel_count(struct channel_tally *tally, uint64_t value)
{
    tally->count++;
    tally->sum += value;
    tally->squares += value * value;
}

static inline void channel_count_in_order(struct channel_tally *tally, uint64_t *next,
                                          uint64_t value)
{
    uint64_t *expected = &next[value >> CHANNEL_SENDER_SHIFT & (BENCH_MAX_THREADS - 1)];
    tally->disorder += value < *expected;
    *expected = value + 1;
    channel_count(tally, value);
}

/* A call failed that must not: nothing is closed while it runs. */
static inline void channel_refused(struct bench_run *run)
{
    bench_fail(run, "a call on an open channel did not succeed");
}

#define CHANNEL_INLINE static inline __attribute__((always_inline)) void

CHANNEL_INLINE channel_pair(struct bench_run *run, struct channel_state *state,
                            bool (*send)(void *, uint64_t), bool (*recv)(void *, uint64_t *))
{
    unsigned self = bench_thread(run);
    void *channel = state->channel;
    struct channel_tally sent = state->sent[self], received = state->received[self];
    uint64_t next = ((uint64_t)self << CHANNEL_SENDER_SHIFT) + sent.count, value = 0;
    for (size_t n; (n = bench_batch(run)) != 0;) {
        for (size_t i = 0; i < n; i++) {
            if (!send(channel, next) || !recv(channel, &value)) {
                channel_refused(run);
                continue;
            }
            channel_count(&sent, next++);
            channel_count(&received, value);
        }
    }
    state->sent[self] = sent;
    state->received[self] = received;
}

CHANNEL_INLINE channel_try_empty(struct bench_run *run, struct channel_state *state,
                                 bool (*try_recv)(void *, uint64_t *))
{
    uint64_t value = 0, found = 0;
    for (size_t n; (n = bench_batch(run)) != 0;)
        for (size_t i = 0; i < n; i++)
            found += try_recv(state->channel, &value);
    if (found != 0)
        bench_fail(run, "an empty channel gave %llu values", (unsigned long long)found);
}

CHANNEL_INLINE channel_sender_done(struct channel_state *state, void (*close)(void *))
{
    if (__atomic_fetch_sub(&state->senders_left, 1, __ATOMIC_ACQ_REL) == 1)
        close(state->channel);
}

CHANNEL_INLINE channel_producer(struct bench_run *run, struct channel_state *state,
                                bool (*send)(void *, uint64_t), void (*close)(void *))
{
    unsigned self = bench_thread(run);
    void *channel = state->channel;
    struct channel_tally sent = {0};
    uint64_t next = (uint64_t)self << CHANNEL_SENDER_SHIFT;
    for (size_t left = bench_share(run); left > 0; left--) {
        if (!send(channel, next))
            channel_refused(run);
        channel_count(&sent, next++);
    }
    state->sent[self] = sent;
    channel_sender_done(state, close);
}

CHANNEL_INLINE channel_consumer(struct bench_run *run, struct channel_state *state,
                                bool (*recv)(void *, uint64_t *))
{
    void *channel = state->channel;
    struct channel_tally received = {0};
    uint64_t next[BENCH_MAX_THREADS] = {0}, value = 0;
    while (recv(channel, &value))
        channel_count_in_order(&received, next, value);
    state->received[bench_thread(run)] = received;
}

CHANNEL_INLINE channel_producer_many(struct bench_run *run, struct channel_state *state,
                                     size_t (*send_many)(void *, const uint64_t *, size_t),
                                     void (*close)(void *))
{
    unsigned self = bench_thread(run);
    struct channel_tally sent = {0};
    uint64_t values[CHANNEL_BATCH], next = (uint64_t)self << CHANNEL_SENDER_SHIFT;
    for (size_t left = bench_share(run); left > 0;) {
        size_t count = left < CHANNEL_BATCH ? left : (size_t)CHANNEL_BATCH;
        for (size_t i = 0; i < count; i++) {
            values[i] = next;
            channel_count(&sent, next++);
        }
        for (size_t done = 0; done < count;) {
            size_t moved = send_many(state->channel, values + done, count - done);
            if (moved == 0) {
                channel_refused(run);
                left = count; /* ends the work */
                break;
            }
            done += moved;
        }
        left -= count;
    }
    state->sent[self] = sent;
    channel_sender_done(state, close);
}

CHANNEL_INLINE channel_consumer_many(struct bench_run *run, struct channel_state *state,
                                     size_t (*recv_many)(void *, uint64_t *, size_t))
{
    struct channel_tally received = {0};
    uint64_t next[BENCH_MAX_THREADS] = {0}, values[CHANNEL_BATCH];
    for (size_t n; (n = recv_many(state->channel, values, CHANNEL_BATCH)) != 0;)
        for (size_t i = 0; i < n; i++)
            channel_count_in_order(&received, next, values[i]);
    state->received[bench_thread(run)] = received;
}

CHANNEL_INLINE channel_ping(struct bench_run *run, struct channel_state *state,
                            bool (*send)(void *, uint64_t), bool (*recv)(void *, uint64_t *),
                            void (*close)(void *))
{
    struct channel_tally sent = {0}, received = {0};
    uint64_t value = 0;
    for (uint64_t i = 0; i < bench_work(run); i++) {
        if (!send(state->channel, i) || !recv(state->answers, &value))
            channel_refused(run);
        channel_count(&sent, i);
        channel_count(&received, value);
    }
    close(state->channel);
    state->sent[0] = sent;
    state->received[0] = received;
}

CHANNEL_INLINE channel_pong(struct bench_run *run, struct channel_state *state,
                            bool (*send)(void *, uint64_t), bool (*recv)(void *, uint64_t *))
{
    uint64_t value = 0;
    while (recv(state->channel, &value))
        if (!send(state->answers, value))
            channel_refused(run);
}

#define CHANNEL_BODIES(name, face)                                                                 \
    static void name##_pair(struct bench_run *run, void *state)                                    \
    {                                                                                              \
        channel_pair(run, state, face.send, face.recv);                                            \
    }                                                                                              \
    static void name##_try_pair(struct bench_run *run, void *state)                                \
    {                                                                                              \
        channel_pair(run, state, face.try_send, face.try_recv);                                    \
    }                                                                                              \
    static void name##_try_empty(struct bench_run *run, void *state)                               \
    {                                                                                              \
        channel_try_empty(run, state, face.try_recv);                                              \
    }                                                                                              \
    static void name##_producer(struct bench_run *run, void *state)                                \
    {                                                                                              \
        channel_producer(run, state, face.send, face.close);                                       \
    }                                                                                              \
    static void name##_consumer(struct bench_run *run, void *state)                                \
    {                                                                                              \
        channel_consumer(run, state, face.recv);                                                   \
    }                                                                                              \
    static void name##_producer_many(struct bench_run *run, void *state)                           \
    {                                                                                              \
        channel_producer_many(run, state, face.send_many, face.close);                             \
    }                                                                                              \
    static void name##_consumer_many(struct bench_run *run, void *state)                           \
    {                                                                                              \
        channel_consumer_many(run, state, face.recv_many);                                         \
    }                                                                                              \
    static void name##_ping(struct bench_run *run, void *state)                                    \
    {                                                                                              \
        channel_ping(run, state, face.send, face.recv, face.close);                                \
    }                                                                                              \
    static void name##_pong(struct bench_run *run, void *state)                                    \
    {                                                                                              \
        channel_pong(run, state, face.send, face.recv);                                            \
    }                                                                                              \
    static const bench_body name##_bodies[CHANNEL_ROLES] = {                                       \
        [CHANNEL_PAIR] = name##_pair,                                                              \
        [CHANNEL_TRY_PAIR] = name##_try_pair,                                                      \
        [CHANNEL_TRY_EMPTY] = name##_try_empty,                                                    \
        [CHANNEL_PRODUCER] = name##_producer,                                                      \
        [CHANNEL_CONSUMER] = name##_consumer,                                                      \
        [CHANNEL_PRODUCER_MANY] = name##_producer_many,                                            \
        [CHANNEL_CONSUMER_MANY] = name##_consumer_many,                                            \
        [CHANNEL_PING] = name##_ping,                                                              \
        [CHANNEL_PONG] = name##_pong,                                                              \
    }

#endif
