/* cases/map_roles.h - what the table of targets for counter maps asks of any implementation of one.
 *
 * All of it is fixed work. Keys are bytes in an array made beforehand, picked by an order drawn
 * beforehand; the length of a key is a constant in each body. C and C++ alike.
 */
#ifndef CKF_BENCH_MAP_ROLES_H
#define CKF_BENCH_MAP_ROLES_H

#include <string.h>
#include <time.h>

#include "harness/bench.h"
#include "harness/clock.h"

enum map_table_role {
    TABLE_COUNT_8, /* add 1 to the next key, of 8 bytes */
    TABLE_COUNT_16,
    TABLE_COUNT_64,
    TABLE_NEW,       /* every add makes a key */
    TABLE_WORST,     /* the same; the longest add counts */
    TABLE_HANDLE,    /* add 1 through a handle */
    TABLE_SNAPSHOT,  /* visit all keys */
    TABLE_ADDER,     /* add while another thread */
    TABLE_WATCHER,   /* visits all keys every 100 ms */
    TABLE_CHURN,     /* each sixteenth operation removes a key */
    TABLE_WORDS,     /* add 1 to each word of a text */
    TABLE_FOOTPRINT, /* setup measures memory, nothing else */
    TABLE_ROLES
};

enum { TABLE_CHURN_EVERY = 16, TABLE_WATCH_NS = 100000000, TABLE_MAX_HANDLES = 100 };

/* What an add is told: the key, for arrays also its index, and which thread asks, for those that
 * keep a map for each. */
struct table_item {
    const void *key;
    size_t len;
    uint32_t index;
    unsigned thread;
};

struct table_face {
    void *(*create)(size_t keys_expected, size_t key_len, unsigned threads); /* NULL: it cannot */
    void (*destroy)(void *map);
    bool (*add)(void *map, struct table_item item); /* setup's */
    size_t (*snapshot)(void *map, uint64_t *sum);   /* keys seen; sum of all threads' maps */
    bool per_thread;                                /* each thread has a map of its own */
};

struct table_state {
    void *map;
    size_t key_count, key_len, mask;
    const unsigned char *keys;
    const uint32_t *sequence[BENCH_MAX_THREADS];
    void *handles[TABLE_MAX_HANDLES];
    const char *text[BENCH_MAX_THREADS + 1]; /* words: where each thread's part begins */
    uint64_t added_by_setup;
    unsigned adders_left; /* atomic */
    struct {
        uint64_t adds, removed;
        int64_t start_ns, end_ns;
    } __attribute__((aligned(BENCH_CACHELINE_BYTES))) thread[BENCH_MAX_THREADS];
};

#define TABLE_INLINE static inline __attribute__((always_inline))

TABLE_INLINE struct table_item table_item_at(const struct table_state *state, unsigned thread,
                                             uint32_t index, size_t len)
{
    struct table_item item = {state->keys + index * len, len, index, thread};
    return item;
}

TABLE_INLINE void table_count(struct bench_run *run, struct table_state *state,
                              bool (*add)(void *, struct table_item), size_t len)
{
    unsigned self = bench_thread(run);
    const uint32_t *sequence = state->sequence[self];
    uint64_t adds = 0;
    for (size_t i = 0, share = bench_share(run); i < share; i++)
        adds += add(state->map, table_item_at(state, self, sequence[i & state->mask], len));
    state->thread[self].adds = adds;
}

/* Keys that nobody else makes. */
TABLE_INLINE void table_new(struct bench_run *run, struct table_state *state,
                            bool (*add)(void *, struct table_item), bool timed)
{
    unsigned self = bench_thread(run);
    uint64_t adds = 0;
    int64_t worst_ns = 0, before_ns = bench_now_ns();
    for (size_t i = 0, share = bench_share(run); i < share; i++) {
        uint64_t index = ((uint64_t)(self + 1) << 40) + i;
        uint64_t words[2] = {index * UINT64_C(0x9e3779b97f4a7c15), index};
        struct table_item item = {words, sizeof(words), (uint32_t)i, self};
        adds += add(state->map, item);
        if (timed) {
            int64_t now_ns = bench_now_ns();
            if (now_ns - before_ns > worst_ns)
                worst_ns = now_ns - before_ns;
            before_ns = now_ns;
        }
    }
    state->thread[self].adds = adds;
    if (timed)
        bench_value(run, (double)worst_ns / 1e3);
}

TABLE_INLINE void table_handle(struct bench_run *run, struct table_state *state,
                               void (*add)(void *handle, uint32_t index, unsigned thread))
{
    unsigned self = bench_thread(run);
    const uint32_t *sequence = state->sequence[self];
    size_t share = bench_share(run);
    for (size_t i = 0; i < share; i++) {
        uint32_t index = sequence[i & state->mask];
        add(state->handles[index], index, self);
    }
    state->thread[self].adds = share;
}

TABLE_INLINE void table_snapshot(struct bench_run *run, struct table_state *state,
                                 size_t (*snapshot)(void *, uint64_t *))
{
    uint64_t sum = 0;
    size_t share = bench_share(run);
    int64_t start_ns = bench_now_ns();
    for (size_t i = 0; i < share; i++)
        if (snapshot(state->map, &sum) != state->key_count || sum != state->added_by_setup)
            bench_fail(run, "a snapshot did not see what was there");
    bench_value(run, (double)(bench_now_ns() - start_ns) / 1e3 / (double)share);
}

TABLE_INLINE void table_adder(struct bench_run *run, struct table_state *state,
                              bool (*add)(void *, struct table_item))
{
    unsigned self = bench_thread(run);
    state->thread[self].start_ns = bench_now_ns();
    table_count(run, state, add, 16);
    state->thread[self].end_ns = bench_now_ns();
    __atomic_fetch_sub(&state->adders_left, 1, __ATOMIC_ACQ_REL);
}

/* Ends after the adders; their time is the one that counts. */
TABLE_INLINE void table_watcher(struct bench_run *run, struct table_state *state,
                                size_t (*snapshot)(void *, uint64_t *))
{
    static const struct timespec step = {0, 1000000};
    uint64_t sum = 0, last = 0;
    int64_t next_ns = bench_now_ns() + TABLE_WATCH_NS, start_ns = INT64_MAX, end_ns = 0;
    while (__atomic_load_n(&state->adders_left, __ATOMIC_ACQUIRE) != 0) {
        if (snapshot != NULL && bench_now_ns() >= next_ns) {
            next_ns += TABLE_WATCH_NS;
            if (snapshot(state->map, &sum) != state->key_count || sum < last)
                bench_fail(run, "a snapshot lost keys, or its sum went backwards");
            last = sum;
        }
        nanosleep(&step, NULL);
    }
    for (unsigned i = 0; i < bench_copies(run, 0); i++) {
        if (state->thread[i].start_ns < start_ns)
            start_ns = state->thread[i].start_ns;
        if (state->thread[i].end_ns > end_ns)
            end_ns = state->thread[i].end_ns;
    }
    bench_value(run, (double)(end_ns - start_ns) / (double)bench_work(run));
}

TABLE_INLINE void table_churn(struct bench_run *run, struct table_state *state,
                              bool (*add)(void *, struct table_item),
                              uint64_t (*remove)(void *, struct table_item))
{
    unsigned self = bench_thread(run);
    const uint32_t *sequence = state->sequence[self];
    uint64_t adds = 0, removed = 0;
    for (size_t i = 0, share = bench_share(run); i < share; i++) {
        struct table_item item = table_item_at(state, self, sequence[i & state->mask], 16);
        if (i % TABLE_CHURN_EVERY == TABLE_CHURN_EVERY - 1)
            removed += remove(state->map, item);
        else
            adds += add(state->map, item);
    }
    state->thread[self].adds = adds;
    state->thread[self].removed = removed;
}

static inline bool table_in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

TABLE_INLINE void table_words(struct bench_run *run, struct table_state *state,
                              bool (*add)(void *, struct table_item))
{
    unsigned self = bench_thread(run);
    const char *at = state->text[self], *end = state->text[self + 1];
    uint64_t adds = 0;
    while (at < end) {
        while (at < end && !table_in_word(*at))
            at++;
        const char *word = at;
        while (at < end && table_in_word(*at))
            at++;
        if (at == word)
            break;
        struct table_item item = {word, (size_t)(at - word), 0, self};
        adds += add(state->map, item);
    }
    state->thread[self].adds = adds;
}

static inline void table_measured(struct bench_run *run, void *state)
{
    (void)run;
    (void)state;
}

/* Bodies of a map in C for keys of 16 bytes. */
#define TABLE_BODY(name, call)                                                                     \
    static void name(struct bench_run *run, void *state)                                           \
    {                                                                                              \
        call;                                                                                      \
    }

#define TABLE_PEER_BODIES(bodies, add, snapshot)                                                   \
    TABLE_BODY(bodies##_count_16, table_count(run, state, add, 16))                                \
    TABLE_BODY(bodies##_new, table_new(run, state, add, false))                                    \
    TABLE_BODY(bodies##_worst, table_new(run, state, add, true))                                   \
    TABLE_BODY(bodies##_snapshot, table_snapshot(run, state, snapshot))                            \
    TABLE_BODY(bodies##_adder, table_adder(run, state, add))                                       \
    TABLE_BODY(bodies##_watcher, table_watcher(run, state, snapshot))                              \
    static const bench_body bodies[TABLE_ROLES] = {                                                \
        [TABLE_COUNT_16] = bodies##_count_16, [TABLE_NEW] = bodies##_new,                          \
        [TABLE_WORST] = bodies##_worst,       [TABLE_SNAPSHOT] = bodies##_snapshot,                \
        [TABLE_ADDER] = bodies##_adder,       [TABLE_WATCHER] = bodies##_watcher,                  \
        [TABLE_FOOTPRINT] = table_measured}

#endif
