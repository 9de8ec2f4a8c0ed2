/* ring_cells.c - a bounded ring in which cells alone are the truth, for both ends.
 *
 * A sender turns FREE(t) into FULL(t), element included, by a 16-byte compare-and-swap; a receiver
 * turns FULL(t) into FREE(t + R) by one of 8 bytes. tail and head are hints. Strictly lock-free. One
 * cell more than the capacity: ticket t may be filled when the next cell's element has been taken.
 */
#include "candidates/candidates.h"

enum { FREE = 0, FULL = 1, KINDS = 2 };

struct queue {
    struct candidate_pair *cells; /* low: ticket * KINDS + kind */
    size_t size;                  /* a power of two, more than the capacity */
    size_t capacity;
    CANDIDATE_ALIGNED _Atomic(uint64_t) tail;
    CANDIDATE_ALIGNED _Atomic(uint64_t) head;
    CANDIDATE_ALIGNED atomic_bool closed;
};

static void *create(size_t capacity)
{
    struct queue *queue = candidate_alloc(sizeof *queue);
    size_t size = bench_doubled_to(1, capacity + 1);
    struct candidate_pair *cells = candidate_alloc(size * sizeof *cells);
    if (queue == NULL || cells == NULL) {
        free(queue);
        free(cells);
        return NULL;
    }
    queue->cells = cells;
    queue->size = size;
    queue->capacity = capacity;
    for (size_t i = 0; i < size; i++)
        atomic_init(&cells[i].low, i * KINDS + FREE);
    return queue;
}

static void destroy(void *argument)
{
    struct queue *queue = argument;
    free(queue->cells);
    free(queue);
}

static struct candidate_pair *cell_of(struct queue *queue, uint64_t ticket)
{
    return &queue->cells[ticket & (queue->size - 1)];
}

static bool try_push(struct queue *queue, uint64_t value)
{
    for (;;) {
        uint64_t ticket = atomic_load_explicit(&queue->tail, memory_order_acquire), state;
        struct candidate_pair *cell;
        while (cell = cell_of(queue, ticket), state = atomic_load(&cell->low),
               state != ticket * KINDS + FREE)
            ticket = state / KINDS + (state % KINDS == FULL ? 1 : 1 - queue->size);
        if (ticket >= queue->capacity) {
            uint64_t needed = ticket - queue->capacity;
            if (atomic_load(&cell_of(queue, needed)->low) == needed * KINDS + FULL)
                return false;
        }
        uint64_t stale = atomic_load_explicit(&cell->high, memory_order_relaxed);
        if (candidate_pair_cas(cell, state, stale, ticket * KINDS + FULL, value)) {
            atomic_store_explicit(&queue->tail, ticket + 1, memory_order_release);
            return true;
        }
        candidate_lost();
    }
}

static bool try_pop(struct queue *queue, uint64_t *value)
{
    for (;;) {
        uint64_t ticket = atomic_load_explicit(&queue->head, memory_order_acquire), state;
        struct candidate_pair *cell;
        while (cell = cell_of(queue, ticket), state = atomic_load(&cell->low),
               state != ticket * KINDS + FULL) {
            if (state == ticket * KINDS + FREE)
                return false;
            ticket = state / KINDS - queue->size + 1;
        }
        *value = atomic_load_explicit(&cell->high, memory_order_relaxed);
        if (atomic_compare_exchange_strong(&cell->low, &state,
                                           (ticket + queue->size) * KINDS + FREE)) {
            atomic_store_explicit(&queue->head, ticket + 1, memory_order_release);
            return true;
        }
        candidate_lost();
    }
}

CANDIDATE(candidate_cells, "cells", "cells are the truth for both ends",
          "spins and yields, cannot be closed; strictly lock-free");
