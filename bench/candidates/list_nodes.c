/* list_nodes.c - an unbounded queue of nodes, after Michael and Scott, PODC 1996, with counted pointers
 * and a stack of free nodes. Strictly lock-free, as far as the allocator is; nodes are never given back.
 */
#include "candidates/candidates.h"

struct node {
    struct candidate_pair next; /* low: the node; high: a count, here and below */
    _Atomic(uint64_t) value;
    struct node *made_before;
};

struct queue {
    CANDIDATE_ALIGNED struct candidate_pair tail;
    CANDIDATE_ALIGNED struct candidate_pair head;
    CANDIDATE_ALIGNED struct candidate_pair unused;
    _Atomic(struct node *) made; /* all of them, for destroy */
    CANDIDATE_ALIGNED atomic_bool closed;
};

static struct node *node_at(uint64_t word)
{
    return (struct node *)(uintptr_t)word;
}

static struct node *new_node(struct queue *queue)
{
    struct node *node = aligned_alloc(16, sizeof *node);
    if (node == NULL)
        abort();
    memset(node, 0, sizeof *node);
    node->made_before = atomic_load(&queue->made);
    while (!atomic_compare_exchange_weak(&queue->made, &node->made_before, node))
        ;
    return node;
}

static void give_node(struct queue *queue, struct node *node)
{
    uint64_t count, top;
    do {
        count = atomic_load(&queue->unused.high);
        top = atomic_load(&queue->unused.low);
        atomic_store(&node->next.low, top);
    } while (!candidate_pair_cas(&queue->unused, top, count, (uintptr_t)node, count + 1));
}

static struct node *take_node(struct queue *queue)
{
    for (;;) {
        uint64_t count = atomic_load(&queue->unused.high), top = atomic_load(&queue->unused.low);
        if (top == 0)
            return new_node(queue);
        uint64_t below = atomic_load(&node_at(top)->next.low);
        if (candidate_pair_cas(&queue->unused, top, count, below, count + 1))
            return node_at(top);
    }
}

static void *create(size_t capacity)
{
    (void)capacity;
    struct queue *queue = candidate_alloc(sizeof *queue);
    if (queue == NULL)
        return NULL;
    struct node *dummy = new_node(queue);
    atomic_init(&queue->tail.low, (uintptr_t)dummy);
    atomic_init(&queue->head.low, (uintptr_t)dummy);
    return queue;
}

static void destroy(void *argument)
{
    struct queue *queue = argument;
    for (struct node *node = atomic_load(&queue->made), *next; node != NULL; node = next) {
        next = node->made_before;
        free(node);
    }
    free(queue);
}

static bool try_push(struct queue *queue, uint64_t value)
{
    struct node *node = take_node(queue);
    atomic_store_explicit(&node->value, value, memory_order_relaxed);
    /* the count goes up first: who comes with an old one in mind fails */
    atomic_store(&node->next.high, atomic_load(&node->next.high) + 1);
    atomic_store(&node->next.low, 0);
    for (;;) {
        uint64_t count = atomic_load(&queue->tail.high), last = atomic_load(&queue->tail.low);
        uint64_t next_count = atomic_load(&node_at(last)->next.high);
        uint64_t next = atomic_load(&node_at(last)->next.low);
        if (count != atomic_load(&queue->tail.high))
            continue;
        if (next != 0) {
            candidate_pair_cas(&queue->tail, last, count, next, count + 1);
            continue;
        }
        if (candidate_pair_cas(&node_at(last)->next, 0, next_count, (uintptr_t)node, next_count)) {
            candidate_pair_cas(&queue->tail, last, count, (uintptr_t)node, count + 1);
            return true;
        }
        candidate_lost();
    }
}

static bool try_pop(struct queue *queue, uint64_t *value)
{
    for (;;) {
        uint64_t count = atomic_load(&queue->head.high), first = atomic_load(&queue->head.low);
        uint64_t tail_count = atomic_load(&queue->tail.high);
        uint64_t last = atomic_load(&queue->tail.low);
        uint64_t next = atomic_load(&node_at(first)->next.low);
        if (count != atomic_load(&queue->head.high))
            continue;
        if (next == 0)
            return false;
        if (first == last) {
            candidate_pair_cas(&queue->tail, last, tail_count, next, tail_count + 1);
            continue;
        }
        *value = atomic_load_explicit(&node_at(next)->value, memory_order_relaxed);
        if (candidate_pair_cas(&queue->head, first, count, next, count + 1)) {
            give_node(queue, node_at(first));
            return true;
        }
        candidate_lost();
    }
}

CANDIDATE(candidate_nodes, "nodes", "Michael and Scott's list, counted pointers",
          "spins and yields, cannot be closed; strictly lock-free, memory is never given back");
