/* list_arrays.c - an unbounded queue of arrays whose tickets are drawn by fetch-and-add, after Correia and
 * Ramalhete's FAAArrayQueue (2016), a simpler LCRQ. Arrays are used once and freed after a grace period.
 *
 * Lock-free: a receiver that finds nothing in its cell marks it as taken, and the sender draws again.
 */
#include <urcu/urcu-bp.h>

#include "candidates/candidates.h"

enum { CELLS = 1024 };
static const uint64_t EMPTY = 0, TAKEN = UINT64_MAX; /* values are kept plus one */

struct array {
    struct rcu_head retired;
    _Atomic(struct array *) next;
    CANDIDATE_ALIGNED _Atomic(uint64_t) tail;
    CANDIDATE_ALIGNED _Atomic(uint64_t) head;
    CANDIDATE_ALIGNED _Atomic(uint64_t) cells[CELLS];
};

struct queue {
    CANDIDATE_ALIGNED _Atomic(struct array *) last;
    CANDIDATE_ALIGNED _Atomic(struct array *) first;
    CANDIDATE_ALIGNED atomic_bool closed;
};

static struct array *new_array(void)
{
    struct array *array = candidate_alloc(sizeof *array);
    if (array == NULL)
        abort();
    return array;
}

static void *create(size_t capacity)
{
    (void)capacity;
    struct queue *queue = candidate_alloc(sizeof *queue);
    if (queue == NULL)
        return NULL;
    struct array *array = new_array();
    atomic_init(&queue->last, array);
    atomic_init(&queue->first, array);
    return queue;
}

static void destroy(void *argument)
{
    struct queue *queue = argument;
    for (struct array *array = atomic_load(&queue->first), *next; array != NULL; array = next) {
        next = atomic_load(&array->next);
        free(array);
    }
    free(queue);
}

static void reclaim(struct rcu_head *retired)
{
    free(retired); /* its first member */
}

static bool try_push(struct queue *queue, uint64_t value)
{
    bool done = false;
    urcu_bp_read_lock();
    while (!done) {
        struct array *last = atomic_load(&queue->last);
        uint64_t ticket = atomic_fetch_add(&last->tail, 1), found = EMPTY;
        if (ticket < CELLS) {
            done = atomic_compare_exchange_strong(&last->cells[ticket], &found, value + 1);
            continue;
        }
        if (last != atomic_load(&queue->last))
            continue;
        struct array *next = atomic_load(&last->next);
        if (next != NULL) {
            atomic_compare_exchange_strong(&queue->last, &last, next);
            continue;
        }
        struct array *fresh = new_array();
        atomic_init(&fresh->cells[0], value + 1);
        atomic_init(&fresh->tail, 1);
        done = atomic_compare_exchange_strong(&last->next, &next, fresh);
        if (done)
            atomic_compare_exchange_strong(&queue->last, &last, fresh);
        else
            free(fresh);
    }
    urcu_bp_read_unlock();
    return true;
}

static bool try_pop(struct queue *queue, uint64_t *value)
{
    bool done = false;
    urcu_bp_read_lock();
    for (;;) {
        struct array *first = atomic_load(&queue->first);
        struct array *next = atomic_load(&first->next);
        if (atomic_load(&first->head) >= atomic_load(&first->tail) && next == NULL)
            break;
        uint64_t ticket = atomic_fetch_add(&first->head, 1);
        if (ticket < CELLS) {
            uint64_t found = atomic_exchange(&first->cells[ticket], TAKEN);
            if (found == EMPTY)
                continue;
            *value = found - 1;
            done = true;
            break;
        }
        next = atomic_load(&first->next);
        if (next == NULL)
            break;
        struct array *last = first;
        atomic_compare_exchange_strong(&queue->last, &last, next); /* it never lags behind */
        if (atomic_compare_exchange_strong(&queue->first, &first, next))
            urcu_bp_call_rcu(&first->retired, reclaim);
    }
    urcu_bp_read_unlock();
    return done;
}

CANDIDATE(candidate_arrays, "arrays", "arrays of cells, fetch-and-add, used once",
          "spins and yields, cannot be closed; lock-free as far as the allocator is");
