/* spsc_ring.c - a ring for one producer and one consumer, each with a cached copy of the other's
 * index: the limit of what two threads can have.
 *
 * Lamport's ring (1977); the cached indices come from Lee et al., "A lock-free, cache-efficient
 * multi-core synchronization mechanism for line-rate network traffic monitoring" (MCRingBuffer,
 * 2010).
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "peers/channel_peer.h"
#include "peers/peers.h"
#include "peers/spin.h"

struct ring {
    _Atomic(size_t) tail __attribute__((aligned(BENCH_CACHELINE_BYTES))); /* the producer's line */
    size_t head_seen;
    _Atomic(size_t) head __attribute__((aligned(BENCH_CACHELINE_BYTES))); /* the consumer's line */
    size_t tail_seen;
    atomic_bool closed __attribute__((aligned(BENCH_CACHELINE_BYTES)));
    size_t capacity, mask;
    uint64_t values[] __attribute__((aligned(BENCH_CACHELINE_BYTES)));
};

static void *create(size_t capacity)
{
    size_t size = bench_doubled_to(8, capacity);
    struct ring *ring =
        aligned_alloc(BENCH_CACHELINE_BYTES, sizeof(*ring) + size * sizeof(ring->values[0]));
    if (ring == NULL)
        return NULL;
    ring->capacity = capacity;
    ring->mask = size - 1;
    ring->head_seen = ring->tail_seen = 0;
    atomic_init(&ring->tail, 0);
    atomic_init(&ring->head, 0);
    atomic_init(&ring->closed, false);
    return ring;
}

static bool push(void *argument, uint64_t value)
{
    struct ring *ring = argument;
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    for (unsigned spins = 0; tail - ring->head_seen == ring->capacity;) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail - ring->head_seen == ring->capacity)
            spin_once(&spins);
    }
    ring->values[tail & ring->mask] = value;
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

static bool pop(void *argument, uint64_t *value)
{
    struct ring *ring = argument;
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    for (unsigned spins = 0; ring->tail_seen == head;) {
        bool closed = atomic_load_explicit(&ring->closed, memory_order_acquire);
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (ring->tail_seen != head)
            break;
        if (closed)
            return false;
        spin_once(&spins);
    }
    *value = ring->values[head & ring->mask];
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

static void close_ring(void *argument)
{
    struct ring *ring = argument;
    atomic_store_explicit(&ring->closed, true, memory_order_release);
}

CHANNEL_PEER_BODIES(bodies, push, pop, close_ring);
static const struct channel_face face = {.create = create, .destroy = free};

const struct bench_contestant peer_spsc_ring = {
    .name = "spsc-ring",
    .label = "ring for two threads, cached indices",
    .note = "a limit: one producer and one consumer, spins and yields, cannot be closed",
    .bodies = bodies,
    .face = &face};
