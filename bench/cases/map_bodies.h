/* cases/map_bodies.h - what threads do to a map of counters, for any implementation of one.
 *
 * A contestant describes itself as a constant struct map_face and wraps the bodies that it takes
 * part in. Which keys come in which order is drawn beforehand, the same for all contestants; a key is
 * 16 bytes that follow from its index.
 */
#ifndef CKF_BENCH_MAP_BODIES_H
#define CKF_BENCH_MAP_BODIES_H

#include "cases/map_orders.h"
#include "harness/bench.h"

enum map_role {
    MAP_ADD,              /* add 1 to the next key */
    MAP_ADD_U64,          /* the same with 8-byte keys */
    MAP_GET,              /* read the next key */
    MAP_ADD_NEW,          /* fixed work: keys that were never seen */
    MAP_HANDLE,           /* add 1 through a handle looked up before */
    MAP_SNAPSHOT,         /* visit all keys once */
    MAP_SNAPSHOTS_BESIDE, /* background: a snapshot every 10 ms */
    MAP_ADDS_BESIDE,      /* background: adds without end */
    MAP_ROLES
};

struct map_key {
    uint64_t words[2];
};

struct map_face {
    void *(*create)(size_t keys_expected, bool u64_keys); /* NULL: it cannot */
    void (*destroy)(void *map);
    bool (*add)(void *map, const struct map_key *key);
    bool (*add_u64)(void *map, uint64_t key);
    bool (*get)(void *map, const struct map_key *key, uint64_t *value);
    size_t (*snapshot)(void *map, uint64_t *sum); /* the number of keys seen */
    void *(*counter)(void *map, const struct map_key *key);
    void (*counter_add)(void *counter);
    void (*counter_release)(void *counter);
};

enum { MAP_MAX_HANDLES = 100 };

struct map_state {
    void *map;
    size_t keys;
    const uint32_t *sequence[BENCH_MAX_THREADS]; /* of key indices, mask + 1 of them */
    size_t mask;
    void *handles[MAP_MAX_HANDLES];
    uint64_t added_by_setup, added_beside;
    struct {
        size_t position;
        uint64_t adds;
    } __attribute__((aligned(BENCH_CACHELINE_BYTES))) thread[BENCH_MAX_THREADS];
};

static inline struct map_key map_key_of(uint64_t index)
{
    return (struct map_key){{index * UINT64_C(0x9e3779b97f4a7c15), index}};
}

static inline uint64_t map_new_key(unsigned thread, uint64_t index)
{
    return ((uint64_t)(thread + 1) << 40) + index;
}

#define MAP_INLINE static inline __attribute__((always_inline)) void

MAP_INLINE map_add(struct bench_run *run, struct map_state *state,
                   bool (*add)(void *, const struct map_key *))
{
    unsigned self = bench_thread(run);
    const uint32_t *sequence = state->sequence[self];
    size_t position = state->thread[self].position;
    uint64_t adds = 0;
    for (size_t n; (n = bench_batch(run)) != 0;) {
        for (size_t i = 0; i < n; i++) {
            struct map_key key = map_key_of(sequence[position++ & state->mask]);
            adds += add(state->map, &key);
        }
    }
    state->thread[self].position = position;
    state->thread[self].adds += adds;
}

MAP_INLINE map_add_u64(struct bench_run *run, struct map_state *state,
                       bool (*add_u64)(void *, uint64_t))
{
    unsigned self = bench_thread(run);
    const uint32_t *sequence = state->sequence[self];
    size_t position = state->thread[self].position;
    uint64_t adds = 0;
    for (size_t n; (n = bench_batch(run)) != 0;)
        for (size_t i = 0; i < n; i++)
            adds += add_u64(state->map, map_key_of(sequence[position++ & state->mask]).words[0]);
    state->thread[self].position = position;
    state->thread[self].adds += adds;
}

MAP_INLINE map_get(struct bench_run *run, struct map_state *state,
                   bool (*get)(void *, const struct map_key *, uint64_t *))
{
    unsigned self = bench_thread(run);
    const uint32_t *sequence = state->sequence[self];
    size_t position = state->thread[self].position;
    uint64_t value = 0, missing = 0;
    for (size_t n; (n = bench_batch(run)) != 0;) {
        for (size_t i = 0; i < n; i++) {
            struct map_key key = map_key_of(sequence[position++ & state->mask]);
            missing += !get(state->map, &key, &value);
            bench_keep(value);
        }
    }
    state->thread[self].position = position;
    if (missing != 0)
        bench_fail(run, "%llu keys were not found", (unsigned long long)missing);
}

MAP_INLINE map_add_new(struct bench_run *run, struct map_state *state,
                       bool (*add)(void *, const struct map_key *))
{
    unsigned self = bench_thread(run);
    size_t share = bench_share(run);
    uint64_t adds = 0;
    for (size_t i = 0; i < share; i++) {
        struct map_key key = map_key_of(map_new_key(self, i));
        adds += add(state->map, &key);
    }
    state->thread[self].adds += adds;
}

MAP_INLINE map_handle(struct bench_run *run, struct map_state *state, void (*counter_add)(void *))
{
    unsigned self = bench_thread(run);
    const uint32_t *sequence = state->sequence[self];
    size_t position = state->thread[self].position;
    uint64_t adds = 0;
    for (size_t n; (n = bench_batch(run)) != 0; adds += n)
        for (size_t i = 0; i < n; i++)
            counter_add(state->handles[sequence[position++ & state->mask]]);
    state->thread[self].position = position;
    state->thread[self].adds += adds;
}

MAP_INLINE map_snapshot(struct bench_run *run, struct map_state *state,
                        size_t (*snapshot)(void *, uint64_t *))
{
    uint64_t sum = 0, last = 0;
    for (size_t n; (n = bench_batch(run)) != 0;) {
        for (size_t i = 0; i < n; i++) {
            size_t seen = snapshot(state->map, &sum);
            if (seen != state->keys || sum < last)
                bench_fail(run, "a snapshot of %zu keys saw %zu, or its sum went backwards",
                           state->keys, seen);
            last = sum;
        }
    }
}

MAP_INLINE map_snapshots_beside(struct bench_run *run, struct map_state *state,
                                size_t (*snapshot)(void *, uint64_t *))
{
    static const int64_t period_ns = 10000000;
    uint64_t sum;
    while (bench_tick(run, period_ns)) {
        size_t seen = snapshot(state->map, &sum);
        if (seen != state->keys)
            bench_fail(run, "a snapshot of %zu keys saw %zu", state->keys, seen);
        bench_background_done(run);
    }
}

MAP_INLINE map_adds_beside(struct bench_run *run, struct map_state *state,
                           bool (*add)(void *, const struct map_key *))
{
    const uint32_t *sequence = state->sequence[0];
    uint64_t adds = 0;
    while (bench_tick(run, 0)) {
        for (size_t i = 0; i < 1000; i++) {
            struct map_key key = map_key_of(sequence[adds & state->mask]);
            adds += add(state->map, &key);
            bench_background_done(run);
        }
    }
    state->added_beside += adds;
}

#define MAP_BODY(name, call)                                                                       \
    static void name(struct bench_run *run, void *state)                                           \
    {                                                                                              \
        call;                                                                                      \
    }

/* The bodies of a peer that has these functions. */
#define MAP_PEER_BODIES(bodies, add, get, snapshot)                                                \
    MAP_BODY(bodies##_add, map_add(run, state, add))                                               \
    MAP_BODY(bodies##_get, map_get(run, state, get))                                               \
    MAP_BODY(bodies##_add_new, map_add_new(run, state, add))                                       \
    MAP_BODY(bodies##_snapshot, map_snapshot(run, state, snapshot))                                \
    MAP_BODY(bodies##_snapshots_beside, map_snapshots_beside(run, state, snapshot))                \
    MAP_BODY(bodies##_adds_beside, map_adds_beside(run, state, add))                               \
    static const bench_body bodies[MAP_ROLES] = {[MAP_ADD] = bodies##_add,                         \
                                                 [MAP_GET] = bodies##_get,                         \
                                                 [MAP_ADD_NEW] = bodies##_add_new,                 \
                                                 [MAP_SNAPSHOT] = bodies##_snapshot,               \
                                                 [MAP_SNAPSHOTS_BESIDE] =                          \
                                                     bodies##_snapshots_beside,                    \
                                                 [MAP_ADDS_BESIDE] = bodies##_adds_beside}

#endif
