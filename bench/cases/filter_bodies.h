/* cases/filter_bodies.h - what threads do to a filter, for any implementation of one.
 *
 * A corpus is a list of patterns and, for each thread, an order of records of which about half match
 * one. Which of them match is known beforehand: the number of drops must come out.
 */
#ifndef CKF_BENCH_FILTER_BODIES_H
#define CKF_BENCH_FILTER_BODIES_H

#include <ck_filter/filter.h>

#include "harness/bench.h"

enum filter_role {
    FILTER_EVALUATE,
    FILTER_EVALUATE_MANY,    /* FILTER_BATCH records in one call */
    FILTER_PUBLISHES_BESIDE, /* background: a new ruleset every 10 ms */
    FILTER_ONE,              /* fixed work: one record a call */
    FILTER_BATCHES,          /* fixed work: FILTER_BATCH records a call */
    FILTER_TAIL,             /* the same one by one, each timed: the slowest of a thousand counts */
    FILTER_PUBLISHER,        /* publishes at the workload's pace until the readers have ended */
    FILTER_PACE,             /* the same: the time from publish to publish counts */
    FILTER_FAST_CHECK,       /* asks a context for its status */
    FILTER_SPAWN,            /* starts threads and waits for them */
    FILTER_ROLES
};

enum { FILTER_BATCH = 64, FILTER_RECORDS = 1 << 14 };

struct filter_corpus {
    enum ckf_match match;
    size_t pattern_count;
    struct ckf_record *patterns;
    struct ckf_record *records[BENCH_MAX_THREADS]; /* FILTER_RECORDS each */
    uint32_t *drops_before[BENCH_MAX_THREADS];     /* among the records before; one more of them */
};

struct filter_face {
    void *(*create)(const struct filter_corpus *corpus); /* NULL: it cannot */
    void (*destroy)(void *filter);
    bool (*evaluate)(void *filter, struct ckf_record record); /* true: dropped */
    size_t (*evaluate_many)(void *filter, const struct ckf_record *records,
                            size_t count);                             /* drops */
    bool (*publish)(void *filter, const struct filter_corpus *corpus); /* the same rules anew */
    void (*counts)(void *filter, uint64_t *evaluated,
                   uint64_t *dropped); /* NULL: it does not count */
};

enum { FILTER_TAIL_BUCKETS = 512 };

struct kept_filter;

struct filter_state {
    void *filter;
    struct kept_filter *kept; /* it is not this run's alone; NULL: it is */
    const struct filter_corpus *corpus;
    int64_t period_ns;                      /* of publishes; 0: one after the other */
    unsigned readers_left;                  /* atomic */
    uint32_t (*times)[FILTER_TAIL_BUCKETS]; /* tail: how many took how long, by thread */
    struct {
        size_t position;
        uint64_t dropped;
        int64_t start_ns, end_ns;
    } __attribute__((aligned(BENCH_CACHELINE_BYTES))) thread[BENCH_MAX_THREADS];
};

#define FILTER_INLINE static inline __attribute__((always_inline)) void

/* Readers begin with enter(filter, thread), where threads of an implementation have to register or
 * have something of their own, evaluate with what that returns, and end with leave() of it. */
typedef void *(*filter_enter)(void *filter, unsigned thread);

static inline void *filter_no_enter(void *filter, unsigned thread)
{
    (void)thread;
    return filter;
}

static inline void filter_no_leave(void *filter)
{
    (void)filter;
}

FILTER_INLINE filter_evaluate(struct bench_run *run, struct filter_state *state, filter_enter enter,
                              void (*leave)(void *), bool (*evaluate)(void *, struct ckf_record))
{
    unsigned self = bench_thread(run);
    void *filter = enter(state->filter, self);
    const struct ckf_record *records = state->corpus->records[self];
    size_t position = state->thread[self].position;
    uint64_t dropped = 0;
    for (size_t n; (n = bench_batch(run)) != 0;)
        for (size_t i = 0; i < n; i++)
            dropped += evaluate(filter, records[position++ & (FILTER_RECORDS - 1)]);
    leave(filter);
    state->thread[self].position = position;
    state->thread[self].dropped += dropped;
}

FILTER_INLINE filter_evaluate_many(struct bench_run *run, struct filter_state *state,
                                   size_t (*evaluate_many)(void *, const struct ckf_record *,
                                                           size_t))
{
    unsigned self = bench_thread(run);
    const struct ckf_record *records = state->corpus->records[self];
    size_t position = state->thread[self].position;
    uint64_t dropped = 0;
    for (size_t n; (n = bench_batch(run)) != 0;) {
        for (size_t i = 0; i < n; i++) {
            dropped += evaluate_many(state->filter, &records[position & (FILTER_RECORDS - 1)],
                                     FILTER_BATCH);
            position += FILTER_BATCH;
        }
    }
    state->thread[self].position = position;
    state->thread[self].dropped += dropped;
}

FILTER_INLINE filter_publishes_beside(struct bench_run *run, struct filter_state *state,
                                      bool (*publish)(void *, const struct filter_corpus *))
{
    static const int64_t period_ns = 10000000;
    while (bench_tick(run, period_ns)) {
        if (!publish(state->filter, state->corpus))
            bench_fail(run, "a publish failed");
        bench_background_done(run);
    }
}

#endif
