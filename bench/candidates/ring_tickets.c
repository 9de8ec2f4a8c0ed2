/* ring_tickets.c - a bounded ring whose tickets are drawn by fetch-and-add, with cells that can be given up.
 *
 * Whoever draws a ticket owns its cell. A receiver that finds nothing there marks the cell as dead,
 * and the sender that meets the mark draws again (Morrison and Afek's CRQ, and the `taken` mark of
 * Correia and Ramalhete's FAAArrayQueue). Not strictly lock-free: who draws a ticket of the next lap
 * waits for whoever is still in the cell. The capacity is soft: exceeded by up to the number of senders.
 */
#include "candidates/candidates.h"

enum { FREE = 0, FULL = 1, DEAD = 2, KINDS = 4, PATIENCE = 64 };

struct cell {
    _Atomic(uint64_t) state; /* ticket * KINDS + kind */
    uint64_t value;
};

struct queue {
    struct cell *cells;
    size_t size, capacity;
    CANDIDATE_ALIGNED _Atomic(uint64_t) tail;
    CANDIDATE_ALIGNED _Atomic(uint64_t) head;
    CANDIDATE_ALIGNED atomic_bool closed;
};

static void *create(size_t capacity)
{
    struct queue *queue = candidate_alloc(sizeof *queue);
    size_t size = bench_doubled_to(1, capacity + 16);
    struct cell *cells = candidate_alloc(size * sizeof *cells);
    if (queue == NULL || cells == NULL) {
        free(queue);
        free(cells);
        return NULL;
    }
    queue->cells = cells;
    queue->size = size;
    queue->capacity = capacity;
    for (size_t i = 0; i < size; i++)
        atomic_init(&cells[i].state, i * KINDS + FREE);
    return queue;
}

static void destroy(void *argument)
{
    struct queue *queue = argument;
    free(queue->cells);
    free(queue);
}

/* The state, once the cell has come to this ticket's lap. */
static uint64_t await_lap(struct cell *cell, uint64_t ticket)
{
    uint64_t state;
    unsigned spins = 0;
    while ((state = atomic_load_explicit(&cell->state, memory_order_acquire)) / KINDS != ticket)
        spin_once(&spins);
    return state;
}

static void pass_on(struct queue *queue, struct cell *cell, uint64_t ticket)
{
    atomic_store_explicit(&cell->state, (ticket + queue->size) * KINDS + FREE,
                          memory_order_release);
}

static bool try_push(struct queue *queue, uint64_t value)
{
    for (;;) {
        uint64_t head = atomic_load(&queue->head), tail = atomic_load(&queue->tail);
        if ((int64_t)(tail - head) >= (int64_t)queue->capacity)
            return false;
        uint64_t ticket = atomic_fetch_add(&queue->tail, 1);
        struct cell *cell = &queue->cells[ticket & (queue->size - 1)];
        uint64_t state = await_lap(cell, ticket);
        cell->value = value;
        if (state == ticket * KINDS + FREE &&
            atomic_compare_exchange_strong(&cell->state, &state, ticket * KINDS + FULL))
            return true;
        pass_on(queue, cell, ticket); /* it is dead */
    }
}

static bool try_pop(struct queue *queue, uint64_t *value)
{
    for (;;) {
        uint64_t head = atomic_load(&queue->head);
        if ((int64_t)(atomic_load(&queue->tail) - head) <= 0)
            return false;
        uint64_t ticket = atomic_fetch_add(&queue->head, 1);
        struct cell *cell = &queue->cells[ticket & (queue->size - 1)];
        uint64_t state = await_lap(cell, ticket);
        for (int i = 0; i < PATIENCE && state == ticket * KINDS + FREE; i++)
            state = atomic_load_explicit(&cell->state, memory_order_acquire);
        if (state == ticket * KINDS + FREE &&
            atomic_compare_exchange_strong(&cell->state, &state, ticket * KINDS + DEAD))
            continue;
        *value = cell->value;
        pass_on(queue, cell, ticket);
        return true;
    }
}

CANDIDATE(candidate_tickets, "tickets", "fetch-and-add tickets, cells that can be given up",
          "spins and yields, cannot be closed; a thread stopped in a cell stops the next lap; soft "
          "capacity");
