/* array_map.c - an array of numbers for each thread, by the key's index: the limit of all counting. */
#include <stdlib.h>

#include "cases/map_roles.h"
#include "peers/peers.h"

struct arrays {
    size_t count;
    unsigned threads;
    uint64_t *values[BENCH_MAX_THREADS];
};

static void destroy(void *argument)
{
    struct arrays *arrays = argument;
    for (unsigned i = 0; i < arrays->threads; i++)
        free(arrays->values[i]);
    free(arrays);
}

static void *create(size_t keys_expected, size_t key_len, unsigned threads)
{
    (void)key_len;
    struct arrays *arrays = calloc(1, sizeof(*arrays));
    if (arrays == NULL)
        return NULL;
    arrays->count = keys_expected;
    arrays->threads = threads;
    size_t bytes = (keys_expected * sizeof(uint64_t) + 2 * BENCH_CACHELINE_BYTES) &
                   ~(size_t)(BENCH_CACHELINE_BYTES - 1);
    for (unsigned i = 0; i < threads; i++) {
        arrays->values[i] = aligned_alloc(BENCH_CACHELINE_BYTES, bytes);
        if (arrays->values[i] == NULL) {
            destroy(arrays);
            return NULL;
        }
        memset(arrays->values[i], 0, bytes);
    }
    return arrays;
}

/* The compiler may not keep a value in a register from one add to the next: a volatile one, since a
 * counter that others read is written each time. */
static bool add(void *argument, struct table_item item)
{
    struct arrays *arrays = argument;
    volatile uint64_t *value = &arrays->values[item.thread][item.index];
    *value = *value + 1;
    return true;
}

static size_t snapshot(void *argument, uint64_t *sum)
{
    struct arrays *arrays = argument;
    *sum = 0;
    for (unsigned i = 0; i < arrays->threads; i++)
        for (size_t k = 0; k < arrays->count; k++)
            *sum += arrays->values[i][k];
    return arrays->count;
}

static void count_8(struct bench_run *run, void *state)
{
    table_count(run, state, add, 8);
}

static void count_16(struct bench_run *run, void *state)
{
    table_count(run, state, add, 16);
}

static void count_64(struct bench_run *run, void *state)
{
    table_count(run, state, add, 64);
}

static void handle(struct bench_run *run, void *state)
{
    table_count(run, state, add, 16);
}

static const bench_body bodies[TABLE_ROLES] = {[TABLE_COUNT_8] = count_8,
                                               [TABLE_COUNT_16] = count_16,
                                               [TABLE_COUNT_64] = count_64,
                                               [TABLE_HANDLE] = handle};
static const struct table_face face = {
    .create = create, .destroy = destroy, .add = add, .snapshot = snapshot, .per_thread = true};

const struct bench_contestant peer_array_private = {
    .name = "array-private",
    .label = "an array of numbers, one a thread",
    .note = "a limit: no keys, nobody else can read it, nothing is summed",
    .bodies = bodies,
    .face = &face};
