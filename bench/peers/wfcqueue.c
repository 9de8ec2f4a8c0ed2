/* wfcqueue.c - liburcu's concurrent queue: wait-free to enqueue, unbounded, a node a message.
 *
 * It has neither waiting nor close: the consumer spins on an empty queue, and a flag beside it says
 * that no more will come. Nodes come from malloc, as a program would do.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include <urcu/wfcqueue.h>

#include "cases/channel_bodies.h"
#include "peers/peers.h"

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

static struct cds_wfcq_node *take(struct queue *queue)
{
    return __cds_wfcq_dequeue_blocking(&queue->head, &queue->tail);
}

static bool pop(void *argument, uint64_t *value)
{
    struct queue *queue = argument;
    struct cds_wfcq_node *link;
    while ((link = take(queue)) == NULL) {
        /* After the flag is seen, what was sent before it is there to be found. */
        if (atomic_load(&queue->closed)) {
            link = take(queue);
            if (link == NULL)
                return false;
            break;
        }
        caa_cpu_relax();
    }
    struct node *node = caa_container_of(link, struct node, link);
    *value = node->value;
    free(node);
    return true;
}

static void close_queue(void *argument)
{
    struct queue *queue = argument;
    atomic_store(&queue->closed, true);
}

static void producer(struct bench_run *run, void *state)
{
    channel_producer(run, state, push, close_queue);
}

static void consumer(struct bench_run *run, void *state)
{
    channel_consumer(run, state, pop);
}

static const bench_body bodies[CHANNEL_ROLES] = {
    [CHANNEL_PRODUCER] = producer, [CHANNEL_CONSUMER] = consumer};
static const struct channel_face face = {.create = create, .destroy = destroy};

const struct bench_contestant peer_wfcqueue = {.name = "wfcqueue",
                                               .label = "liburcu wfcqueue and malloc",
                                               .note = "spins when empty, cannot be closed",
                                               .bodies = bodies,
                                               .face = &face,
                                               .spins = true};
