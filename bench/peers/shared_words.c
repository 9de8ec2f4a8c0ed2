/* shared_words.c - an atomic word on a line of its own for each key: a handle without cleverness. */
#include <stdatomic.h>
#include <stdlib.h>

#include "cases/map_roles.h"
#include "peers/peers.h"

struct word {
    _Atomic(uint64_t) value;
} __attribute__((aligned(BENCH_CACHELINE_BYTES)));

struct words {
    size_t count;
    struct word word[TABLE_MAX_HANDLES];
};

static void *create(size_t keys_expected, size_t key_len, unsigned threads)
{
    (void)key_len;
    (void)threads;
    struct words *words = aligned_alloc(BENCH_CACHELINE_BYTES, sizeof(*words));
    if (words == NULL)
        return NULL;
    words->count = keys_expected;
    for (size_t i = 0; i < TABLE_MAX_HANDLES; i++)
        atomic_init(&words->word[i].value, 0);
    return words;
}

static bool add(void *argument, struct table_item item)
{
    struct words *words = argument;
    atomic_fetch_add_explicit(&words->word[item.index].value, 1, memory_order_relaxed);
    return true;
}

static size_t snapshot(void *argument, uint64_t *sum)
{
    struct words *words = argument;
    *sum = 0;
    for (size_t i = 0; i < words->count; i++)
        *sum += atomic_load(&words->word[i].value);
    return words->count;
}

static void handle(struct bench_run *run, void *state)
{
    table_count(run, state, add, 16);
}

static const bench_body bodies[TABLE_ROLES] = {[TABLE_HANDLE] = handle};
static const struct table_face face = {
    .create = create, .destroy = free, .add = add, .snapshot = snapshot};

const struct bench_contestant peer_shared_words = {.name = "fetch_add",
                                                   .label = "one shared C11 atomic a key",
                                                   .note = "a fixed array, no map behind it",
                                                   .bodies = bodies,
                                                   .face = &face};
