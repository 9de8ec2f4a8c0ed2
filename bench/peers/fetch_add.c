/* fetch_add.c - one shared C11 atomic a key: what a handle is without any cleverness. */
#include <stdatomic.h>
#include <stdlib.h>

#include "cases/map_bodies.h"
#include "peers/peers.h"

struct word {
    _Atomic(uint64_t) value;
} __attribute__((aligned(BENCH_CACHELINE_BYTES)));

struct words {
    size_t count;
    struct word word[MAP_MAX_HANDLES];
};

static void *create(size_t keys_expected, bool u64_keys)
{
    (void)u64_keys;
    struct words *words = aligned_alloc(BENCH_CACHELINE_BYTES, sizeof(*words));
    if (words == NULL)
        return NULL;
    words->count = keys_expected;
    for (size_t i = 0; i < MAP_MAX_HANDLES; i++)
        atomic_init(&words->word[i].value, 0);
    return words;
}

static void *counter(void *argument, const struct map_key *key)
{
    struct words *words = argument;
    return &words->word[key->words[1]].value;
}

static void counter_add(void *counter)
{
    atomic_fetch_add_explicit((_Atomic(uint64_t) *)counter, 1, memory_order_relaxed);
}

static void counter_release(void *counter)
{
    (void)counter;
}

static bool add(void *words, const struct map_key *key)
{
    counter_add(counter(words, key));
    return true;
}

static size_t snapshot(void *argument, uint64_t *sum)
{
    struct words *words = argument;
    *sum = 0;
    for (size_t i = 0; i < MAP_MAX_HANDLES; i++)
        *sum += atomic_load(&words->word[i].value);
    return words->count;
}

static void handle_body(struct bench_run *run, void *state)
{
    map_handle(run, state, counter_add);
}

static const bench_body bodies[MAP_ROLES] = {[MAP_HANDLE] = handle_body};
static const struct map_face face = {.create = create,
                                     .destroy = free,
                                     .add = add,
                                     .snapshot = snapshot,
                                     .counter = counter,
                                     .counter_release = counter_release};

const struct bench_contestant peer_fetch_add = {.name = "fetch_add",
                                                .label = "one shared C11 atomic a key",
                                                .note = "a fixed array, no map behind it",
                                                .bodies = bodies,
                                                .face = &face};
