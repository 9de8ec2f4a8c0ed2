/* wfcqueue.c - liburcu's concurrent queue: wait-free to enqueue, unbounded, a node a message.
 *
 * It has neither waiting nor close: consumers spin on an empty queue and then yield, and a flag beside
 * it says that no more will come. Nodes come from malloc, as a program would do. One consumer takes
 * nodes as it likes; several take the queue's own mutex for it, as its header asks.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include <urcu/wfcqueue.h>

#include "peers/channel_peer.h"
#include "peers/peers.h"
#include "peers/spin.h"

struct node {
    struct cds_wfcq_node link;
    uint64_t value;
};

struct queue {
    struct cds_wfcq_head head __attribute__((aligned(BENCH_CACHELINE_BYTES)));
    struct cds_wfcq_tail tail __attribute__((aligned(BENCH_CACHELINE_BYTES)));
    atomic_bool closed __attribute__((aligned(BENCH_CACHELINE_BYTES)));
};

static void *create(size_t capacity)
{
    (void)capacity;
    struct queue *queue = aligned_alloc(BENCH_CACHELINE_BYTES, sizeof(*queue));
    if (queue == NULL)
        return NULL;
    cds_wfcq_init(&queue->head, &queue->tail);
    atomic_init(&queue->closed, false);
    return queue;
}

static void destroy(void *argument)
{
    struct queue *queue = argument;
    cds_wfcq_destroy(&queue->head, &queue->tail);
    free(queue);
}

static bool push(void *argument, uint64_t value)
{
    struct queue *queue = argument;
    struct node *node = malloc(sizeof(*node));
    if (node == NULL)
        return false;
    cds_wfcq_node_init(&node->link);
    node->value = value;
    cds_wfcq_enqueue(&queue->head, &queue->tail, &node->link);
    return true;
}

static struct cds_wfcq_node *take_alone(struct queue *queue)
{
    return __cds_wfcq_dequeue_blocking(&queue->head, &queue->tail);
}

static struct cds_wfcq_node *take_locked(struct queue *queue)
{
    return cds_wfcq_dequeue_blocking(&queue->head, &queue->tail);
}

static inline bool pop_by(struct queue *queue, struct cds_wfcq_node *(*take)(struct queue *),
                          uint64_t *value)
{
    struct cds_wfcq_node *link;
    for (unsigned spins = 0; (link = take(queue)) == NULL;) {
        /* After the flag is seen, what was sent before it is there to be found. */
        if (atomic_load(&queue->closed)) {
            link = take(queue);
            if (link == NULL)
                return false;
            break;
        }
        spin_once(&spins);
    }
    struct node *node = caa_container_of(link, struct node, link);
    *value = node->value;
    free(node);
    return true;
}

static bool pop(void *queue, uint64_t *value)
{
    return pop_by(queue, take_alone, value);
}

static bool pop_locked(void *queue, uint64_t *value)
{
    return pop_by(queue, take_locked, value);
}

static void close_queue(void *argument)
{
    struct queue *queue = argument;
    atomic_store(&queue->closed, true);
}

CHANNEL_PEER_BODIES(bodies, push, pop, close_queue);
CHANNEL_PEER_BODIES(locked_bodies, push, pop_locked, close_queue);
static const struct channel_face face = {.create = create, .destroy = destroy};

const struct bench_contestant peer_wfcqueue = {
    .name = "wfcqueue",
    .label = "liburcu wfcqueue and malloc",
    .note = "one consumer, spins and yields when empty, cannot be closed",
    .bodies = bodies,
    .face = &face};

const struct bench_contestant peer_wfcqueue_locked = {
    .name = "wfcqueue",
    .label = "liburcu wfcqueue and malloc, consumers take its mutex",
    .note = "spins and yields when empty, cannot be closed",
    .bodies = locked_bodies,
    .face = &face,
    .sleeps = true};
