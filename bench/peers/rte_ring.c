/* rte_ring.c - DPDK's ring, in its default mode for any threads, and for one at each end.
 *
 * The ring lives in memory of our own (rte_ring_get_memsize, rte_ring_init), which needs no start of
 * DPDK's environment. The Programmer's Guide ("Ring Library", "Known issues" of the environment
 * abstraction layer) forbids the default mode where a thread may lose its CPU within a call: others
 * then spin for it. So it runs only where each thread has a CPU.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include <rte_ring.h>

#include "peers/channel_peer.h"
#include "peers/peers.h"
#include "peers/spin.h"

struct queue {
    struct rte_ring *ring;
    atomic_bool closed __attribute__((aligned(BENCH_CACHELINE_BYTES)));
};

static void *create_mode(size_t capacity, unsigned flags)
{
    unsigned size = (unsigned)bench_doubled_to(2, capacity + 1);
    ssize_t bytes = rte_ring_get_memsize(size);
    if (bytes < 0)
        return NULL;
    struct queue *queue = aligned_alloc(BENCH_CACHELINE_BYTES, sizeof(*queue));
    struct rte_ring *ring = aligned_alloc(
        2 * BENCH_CACHELINE_BYTES, ((size_t)bytes + 2 * BENCH_CACHELINE_BYTES - 1) & ~(size_t)127);
    if (queue == NULL || ring == NULL ||
        rte_ring_init(ring, "bench", (unsigned)capacity, flags | RING_F_EXACT_SZ) != 0) {
        free(queue);
        free(ring);
        return NULL;
    }
    queue->ring = ring;
    atomic_init(&queue->closed, false);
    return queue;
}

static void *create(size_t capacity)
{
    return create_mode(capacity, 0);
}

static void *create_single(size_t capacity)
{
    return create_mode(capacity, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static void destroy(void *argument)
{
    struct queue *queue = argument;
    free(queue->ring);
    free(queue);
}

/* The mode is a constant in each pair of functions, as the guide advises (…_mp_, …_sp_), so that no
 * call looks it up. */
#define PUSH_AND_POP(suffix, enqueue, dequeue)                                                     \
    static bool push##suffix(void *argument, uint64_t value)                                       \
    {                                                                                              \
        struct queue *queue = argument;                                                            \
        for (unsigned spins = 0; enqueue(queue->ring, (void *)(uintptr_t)value) != 0;)             \
            spin_once(&spins);                                                                     \
        return true;                                                                               \
    }                                                                                              \
                                                                                                   \
    static bool pop##suffix(void *argument, uint64_t *value)                                       \
    {                                                                                              \
        struct queue *queue = argument;                                                            \
        void *pointer = NULL;                                                                      \
        for (unsigned spins = 0; dequeue(queue->ring, &pointer) != 0;) {                           \
            /* After the flag is seen, what was sent before it is there to be found. */            \
            if (atomic_load(&queue->closed)) {                                                     \
                if (dequeue(queue->ring, &pointer) != 0)                                           \
                    return false;                                                                  \
                break;                                                                             \
            }                                                                                      \
            spin_once(&spins);                                                                     \
        }                                                                                          \
        *value = (uintptr_t)pointer;                                                               \
        return true;                                                                               \
    }

PUSH_AND_POP(, rte_ring_mp_enqueue, rte_ring_mc_dequeue)
PUSH_AND_POP(_single, rte_ring_sp_enqueue, rte_ring_sc_dequeue)

static void close_queue(void *argument)
{
    struct queue *queue = argument;
    atomic_store(&queue->closed, true);
}

CHANNEL_PEER_BODIES(bodies, push, pop, close_queue);
CHANNEL_PEER_BODIES(single_bodies, push_single, pop_single, close_queue);
static const struct channel_face face = {.create = create, .destroy = destroy};
static const struct channel_face single_face = {.create = create_single, .destroy = destroy};

const struct bench_contestant peer_rte_ring = {
    .name = "rte_ring",
    .label = "DPDK rte_ring",
    .note = "spins, cannot be closed, a stopped thread stops all others: only with a CPU for each",
    .bodies = bodies,
    .face = &face,
    .spins = true};

const struct bench_contestant peer_rte_ring_single = {
    .name = "rte_ring-spsc",
    .label = "DPDK rte_ring, one producer, one consumer",
    .note = "one producer and one consumer, spins, cannot be closed",
    .bodies = single_bodies,
    .face = &single_face,
    .spins = true};
