/* ring_indices.c - a bounded queue of two rings of indices: SCQ, after Nikolaev, "A Scalable, Portable,
 * and Memory-Efficient Lock-Free FIFO Queue", DISC 2019.
 *
 * Values lie in an array; one ring holds the indices of free places, the other those of filled ones,
 * in order. Lock-free with single-word operations. A thread that stops keeps one place.
 */
#include "candidates/candidates.h"

/* An entry: cycle << 33 | safe << 32 | index. */
static const uint64_t SAFE = UINT64_C(1) << 32, NO_INDEX = UINT32_MAX;
enum { CYCLE_SHIFT = 33 };

struct ring {
    _Atomic(uint64_t) *entries; /* twice as many as places */
    uint64_t mask;
    int64_t patience; /* 3n - 1 */
    CANDIDATE_ALIGNED _Atomic(uint64_t) tail;
    CANDIDATE_ALIGNED _Atomic(uint64_t) head;
    CANDIDATE_ALIGNED _Atomic(int64_t) threshold;
};

struct queue {
    struct ring free, filled;
    _Atomic(uint64_t) *values;
    CANDIDATE_ALIGNED atomic_bool closed;
};

static uint64_t cycle_of(uint64_t entry)
{
    return entry >> CYCLE_SHIFT;
}

static uint64_t cycle_at(const struct ring *ring, uint64_t ticket)
{
    return ticket / (ring->mask + 1);
}

static bool ring_init(struct ring *ring, size_t places)
{
    ring->entries = candidate_alloc(2 * places * sizeof *ring->entries);
    if (ring->entries == NULL)
        return false;
    ring->mask = 2 * places - 1;
    ring->patience = (int64_t)(3 * places) - 1;
    for (size_t i = 0; i < 2 * places; i++)
        atomic_init(&ring->entries[i], SAFE | NO_INDEX);
    atomic_init(&ring->tail, 2 * places); /* cycle 1 */
    atomic_init(&ring->head, 2 * places);
    atomic_init(&ring->threshold, -1);
    return true;
}

/* Neighbouring tickets lie on different lines. */
static _Atomic(uint64_t) *entry_of(struct ring *ring, uint64_t ticket)
{
    enum { PER_LINE_BITS = 3 };
    uint64_t index = ticket & ring->mask, size = ring->mask + 1;
    if (size >= 64)
        index = (index << PER_LINE_BITS & ring->mask) | index / (size >> PER_LINE_BITS);
    return &ring->entries[index];
}

static void ring_put(struct ring *ring, uint64_t index)
{
    for (;;) {
        uint64_t ticket = atomic_fetch_add(&ring->tail, 1), cycle = cycle_at(ring, ticket);
        _Atomic(uint64_t) *place = entry_of(ring, ticket);
        uint64_t entry = atomic_load(place);
        while (cycle_of(entry) < cycle && (entry & NO_INDEX) == NO_INDEX &&
               ((entry & SAFE) || atomic_load(&ring->head) <= ticket)) {
            if (!atomic_compare_exchange_weak(place, &entry, cycle << CYCLE_SHIFT | SAFE | index))
                continue;
            if (atomic_load(&ring->threshold) != ring->patience)
                atomic_store(&ring->threshold, ring->patience);
            return;
        }
    }
}

static void catch_up(struct ring *ring, uint64_t tail, uint64_t head)
{
    while (!atomic_compare_exchange_weak(&ring->tail, &tail, head)) {
        head = atomic_load(&ring->head);
        tail = atomic_load(&ring->tail);
        if (tail >= head)
            break;
    }
}

/* NO_INDEX: empty. */
static uint64_t ring_take(struct ring *ring)
{
    if (atomic_load(&ring->threshold) < 0)
        return NO_INDEX;
    for (;;) {
        uint64_t ticket = atomic_fetch_add(&ring->head, 1), cycle = cycle_at(ring, ticket);
        _Atomic(uint64_t) *place = entry_of(ring, ticket);
        uint64_t entry = atomic_load(place), change;
        do {
            if (cycle_of(entry) == cycle) {
                atomic_fetch_or(place, NO_INDEX);
                return entry & NO_INDEX;
            }
            change = entry & ~SAFE;
            if ((entry & NO_INDEX) == NO_INDEX)
                change = cycle << CYCLE_SHIFT | (entry & SAFE) | NO_INDEX;
        } while (cycle_of(entry) < cycle && !atomic_compare_exchange_weak(place, &entry, change));
        uint64_t tail = atomic_load(&ring->tail);
        if (tail <= ticket + 1) {
            catch_up(ring, tail, ticket + 1);
            atomic_fetch_sub(&ring->threshold, 1);
            return NO_INDEX;
        }
        if (atomic_fetch_sub(&ring->threshold, 1) <= 0)
            return NO_INDEX;
    }
}

static void destroy(void *argument)
{
    struct queue *queue = argument;
    free(queue->free.entries);
    free(queue->filled.entries);
    free(queue->values);
    free(queue);
}

static void *create(size_t capacity)
{
    struct queue *queue = candidate_alloc(sizeof *queue);
    if (queue == NULL)
        return NULL;
    size_t places = bench_doubled_to(1, capacity);
    queue->values = candidate_alloc(places * sizeof *queue->values);
    if (queue->values == NULL || !ring_init(&queue->free, places) ||
        !ring_init(&queue->filled, places)) {
        destroy(queue);
        return NULL;
    }
    for (size_t i = 0; i < capacity; i++)
        ring_put(&queue->free, i);
    return queue;
}

static bool try_push(struct queue *queue, uint64_t value)
{
    uint64_t index = ring_take(&queue->free);
    if (index == NO_INDEX)
        return false;
    atomic_store_explicit(&queue->values[index], value, memory_order_relaxed);
    ring_put(&queue->filled, index);
    return true;
}

static bool try_pop(struct queue *queue, uint64_t *value)
{
    uint64_t index = ring_take(&queue->filled);
    if (index == NO_INDEX)
        return false;
    *value = atomic_load_explicit(&queue->values[index], memory_order_relaxed);
    ring_put(&queue->free, index);
    return true;
}

CANDIDATE(candidate_indices, "indices", "SCQ: two rings of indices, fetch-and-add",
          "spins and yields, cannot be closed; lock-free, a stopped thread keeps a place");
