/* vyukov.c - Dmitry Vyukov's bounded queue for any threads, with cells of 16 bytes.
 *
 * 1024cores.net, "Bounded MPMC queue" (2010): a sequence number in each cell says whose turn it is.
 * Written anew; cells are not padded to cache lines, which is worth a factor of three. Waiting is
 * spinning and then yielding, and a flag beside it says that no more will come. Not lock-free: a
 * thread that stops between claim and publication stops those behind it.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "peers/channel_peer.h"
#include "peers/peers.h"
#include "peers/spin.h"

struct cell {
    _Atomic(size_t) turn; /* index: free for the send of it; index + 1: holds it */
    uint64_t value;
};

struct queue {
    size_t mask;
    struct cell *cells;
    _Atomic(size_t) tail __attribute__((aligned(BENCH_CACHELINE_BYTES)));
    _Atomic(size_t) head __attribute__((aligned(BENCH_CACHELINE_BYTES)));
    atomic_bool closed __attribute__((aligned(BENCH_CACHELINE_BYTES)));
};

/* With one cell a full one and a free one look alike: two at least. */
static void *create(size_t capacity)
{
    size_t size = bench_doubled_to(2, capacity);
    struct queue *queue = aligned_alloc(BENCH_CACHELINE_BYTES, sizeof(*queue));
    struct cell *cells = aligned_alloc(BENCH_CACHELINE_BYTES,
                                       size * sizeof(*cells) < 64 ? 64 : size * sizeof(*cells));
    if (queue == NULL || cells == NULL) {
        free(queue);
        free(cells);
        return NULL;
    }
    queue->mask = size - 1;
    queue->cells = cells;
    atomic_init(&queue->tail, 0);
    atomic_init(&queue->head, 0);
    atomic_init(&queue->closed, false);
    for (size_t i = 0; i < size; i++)
        atomic_init(&cells[i].turn, i);
    return queue;
}

static void destroy(void *argument)
{
    struct queue *queue = argument;
    free(queue->cells);
    free(queue);
}

static bool try_push(struct queue *queue, uint64_t value)
{
    size_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    for (;;) {
        struct cell *cell = &queue->cells[tail & queue->mask];
        size_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
        if (turn == tail) {
            if (!atomic_compare_exchange_weak_explicit(&queue->tail, &tail, tail + 1,
                                                       memory_order_relaxed, memory_order_relaxed))
                continue;
            cell->value = value;
            atomic_store_explicit(&cell->turn, tail + 1, memory_order_release);
            return true;
        }
        if ((ptrdiff_t)(turn - tail) < 0)
            return false;
        tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    }
}

static bool try_pop(struct queue *queue, uint64_t *value)
{
    size_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    for (;;) {
        struct cell *cell = &queue->cells[head & queue->mask];
        size_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
        if (turn == head + 1) {
            if (!atomic_compare_exchange_weak_explicit(&queue->head, &head, head + 1,
                                                       memory_order_relaxed, memory_order_relaxed))
                continue;
            *value = cell->value;
            atomic_store_explicit(&cell->turn, head + queue->mask + 1, memory_order_release);
            return true;
        }
        if ((ptrdiff_t)(turn - (head + 1)) < 0)
            return false;
        head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    }
}

static bool push(void *queue, uint64_t value)
{
    for (unsigned spins = 0; !try_push(queue, value);)
        spin_once(&spins);
    return true;
}

static bool pop(void *argument, uint64_t *value)
{
    struct queue *queue = argument;
    for (unsigned spins = 0; !try_pop(queue, value);) {
        /* After the flag is seen, what was sent before it is there to be found. */
        if (atomic_load(&queue->closed))
            return try_pop(queue, value);
        spin_once(&spins);
    }
    return true;
}

static void close_queue(void *argument)
{
    struct queue *queue = argument;
    atomic_store(&queue->closed, true);
}

CHANNEL_PEER_BODIES(bodies, push, pop, close_queue);
static const struct channel_face face = {.create = create, .destroy = destroy};

const struct bench_contestant peer_vyukov = {
    .name = "vyukov",
    .label = "Vyukov's bounded queue, 16-byte cells",
    .note = "spins and yields, cannot be closed, a stopped thread stops others, capacity a power "
            "of two",
    .bodies = bodies,
    .face = &face};
