/* cases/filter_roles.h - what the table of targets for filters asks of any implementation of one.
 *
 * Fixed work. C and C++ alike.
 */
#ifndef CKF_BENCH_FILTER_ROLES_H
#define CKF_BENCH_FILTER_ROLES_H

#include <time.h>

#include "cases/filter_bodies.h"
#include "harness/clock.h"

static inline void *filter_begin(struct bench_run *run, struct filter_state *state,
                                 filter_enter enter)
{
    unsigned self = bench_thread(run);
    void *filter = enter(state->filter, self);
    state->thread[self].start_ns = bench_now_ns();
    return filter;
}

FILTER_INLINE filter_end(struct bench_run *run, struct filter_state *state, void *filter,
                         void (*leave)(void *), uint64_t dropped)
{
    unsigned self = bench_thread(run);
    state->thread[self].end_ns = bench_now_ns();
    state->thread[self].position = bench_share(run);
    state->thread[self].dropped = dropped;
    leave(filter);
    __atomic_fetch_sub(&state->readers_left, 1, __ATOMIC_ACQ_REL);
}

FILTER_INLINE filter_one(struct bench_run *run, struct filter_state *state, filter_enter enter,
                         void (*leave)(void *), bool (*evaluate)(void *, struct ckf_record))
{
    const struct ckf_record *records = state->corpus->records[bench_thread(run)];
    uint64_t dropped = 0;
    void *filter = filter_begin(run, state, enter);
    for (size_t i = 0, share = bench_share(run); i < share; i++)
        dropped += evaluate(filter, records[i & (FILTER_RECORDS - 1)]);
    filter_end(run, state, filter, leave, dropped);
}

FILTER_INLINE filter_batches(struct bench_run *run, struct filter_state *state, filter_enter enter,
                             void (*leave)(void *),
                             size_t (*evaluate_many)(void *, const struct ckf_record *, size_t))
{
    const struct ckf_record *records = state->corpus->records[bench_thread(run)];
    uint64_t dropped = 0;
    size_t share = bench_share(run), done = 0;
    void *filter = filter_begin(run, state, enter);
    for (; done + FILTER_BATCH <= share; done += FILTER_BATCH)
        dropped += evaluate_many(filter, &records[done & (FILTER_RECORDS - 1)], FILTER_BATCH);
    if (done < share)
        dropped += evaluate_many(filter, &records[done & (FILTER_RECORDS - 1)], share - done);
    filter_end(run, state, filter, leave, dropped);
}

/* Four buckets for each doubling. */
static inline unsigned filter_bucket_of(uint64_t ns)
{
    if (ns < 8)
        return (unsigned)ns;
    unsigned log = 63 - (unsigned)__builtin_clzll(ns);
    return log * 4 + (unsigned)(ns >> (log - 2) & 3);
}

static inline double filter_bucket_ns(unsigned bucket)
{
    if (bucket < 12)
        return bucket;
    return (double)(UINT64_C(1) << (bucket / 4)) * (1 + (bucket % 4) / 4.0);
}

FILTER_INLINE filter_tail(struct bench_run *run, struct filter_state *state, filter_enter enter,
                          void (*leave)(void *), bool (*evaluate)(void *, struct ckf_record))
{
    unsigned self = bench_thread(run);
    const struct ckf_record *records = state->corpus->records[self];
    uint32_t *times = state->times[self];
    uint64_t dropped = 0;
    void *filter = filter_begin(run, state, enter);
    int64_t before_ns = bench_now_ns();
    for (size_t i = 0, share = bench_share(run); i < share; i++) {
        dropped += evaluate(filter, records[i & (FILTER_RECORDS - 1)]);
        int64_t now_ns = bench_now_ns();
        times[filter_bucket_of((uint64_t)(now_ns - before_ns))]++;
        before_ns = now_ns;
    }
    filter_end(run, state, filter, leave, dropped);
}

/* The readers' time is the one that counts; with `pace`, that from one publish to the next. */
FILTER_INLINE filter_publisher(struct bench_run *run, struct filter_state *state,
                               bool (*publish)(void *, const struct filter_corpus *), bool pace)
{
    uint64_t published = 0;
    int64_t began_ns = bench_now_ns(), next_ns = began_ns + state->period_ns, last_ns = began_ns;
    while (__atomic_load_n(&state->readers_left, __ATOMIC_ACQUIRE) != 0) {
        int64_t left_ns = next_ns - bench_now_ns();
        if (left_ns > 0) {
            struct timespec step = {0, left_ns < 1000000 ? (long)left_ns : 1000000};
            nanosleep(&step, NULL);
            continue;
        }
        next_ns += state->period_ns;
        if (!publish(state->filter, state->corpus))
            bench_fail(run, "a publish failed");
        published++;
        last_ns = bench_now_ns();
    }
    int64_t start_ns = INT64_MAX, end_ns = 0;
    for (unsigned i = 0; i < bench_copies(run, 0); i++) {
        if (state->thread[i].start_ns < start_ns)
            start_ns = state->thread[i].start_ns;
        if (state->thread[i].end_ns > end_ns)
            end_ns = state->thread[i].end_ns;
    }
    if (pace && published == 0)
        bench_fail(run, "nothing was published");
    else if (pace)
        bench_value(run, (double)(last_ns - began_ns) / 1e6 / (double)published);
    else
        bench_value(run, (double)(end_ns - start_ns) / (double)bench_work(run));
}

#define FILTER_BODY(name, call)                                                                    \
    static void name(struct bench_run *run, void *state)                                           \
    {                                                                                              \
        call;                                                                                      \
    }

/* All bodies of an implementation in C. */
#define FILTER_PEER_BODIES(bodies, enter, leave, evaluate, evaluate_many, publish)                 \
    FILTER_BODY(bodies##_evaluate, filter_evaluate(run, state, enter, leave, evaluate))            \
    FILTER_BODY(bodies##_beside, filter_publishes_beside(run, state, publish))                     \
    FILTER_BODY(bodies##_one, filter_one(run, state, enter, leave, evaluate))                      \
    FILTER_BODY(bodies##_batches, filter_batches(run, state, enter, leave, evaluate_many))         \
    FILTER_BODY(bodies##_tail, filter_tail(run, state, enter, leave, evaluate))                    \
    FILTER_BODY(bodies##_publisher, filter_publisher(run, state, publish, false))                  \
    FILTER_BODY(bodies##_pace, filter_publisher(run, state, publish, true))                        \
    static const bench_body bodies[FILTER_ROLES] = {                                               \
        [FILTER_EVALUATE] = bodies##_evaluate, [FILTER_PUBLISHES_BESIDE] = bodies##_beside,        \
        [FILTER_ONE] = bodies##_one,           [FILTER_BATCHES] = bodies##_batches,                \
        [FILTER_TAIL] = bodies##_tail,         [FILTER_PUBLISHER] = bodies##_publisher,            \
        [FILTER_PACE] = bodies##_pace}

#endif
