/* stress/racy/channel_counted_down.c - counts its ends down by load and store: the two that are last are
 * both the last but one, and nobody closes. */
#include <ck_filter/stress.h>

#include "channel_histories.h"
#include "queue.h"

static bool count_down(struct queue *queue, _Atomic(unsigned) *live)
{
    unsigned left = atomic_load(live) - 1;
    ckf_stress_pause(NULL);
    atomic_store(live, left);
    return left == 0 && queue_close(queue) == CKF_OK;
}

static bool producer_done(void *arg)
{
    struct queue *queue = arg;
    return count_down(queue, &queue->producers);
}

static bool consumer_done(void *arg)
{
    struct queue *queue = arg;
    return count_down(queue, &queue->consumers);
}

static enum ckf_status add(struct queue *queue, _Atomic(unsigned) *live)
{
    if (queue_is_closed(queue))
        return CKF_CLOSED;
    atomic_fetch_add(live, 1);
    return CKF_OK;
}

static enum ckf_status add_producer(void *arg)
{
    struct queue *queue = arg;
    return add(queue, &queue->producers);
}

static enum ckf_status add_consumer(void *arg)
{
    struct queue *queue = arg;
    return add(queue, &queue->consumers);
}

const struct channel_operations racy_counted_down_channel = {.create = queue_create,
                                                             .destroy = queue_destroy,
                                                             .send = queue_send,
                                                             .try_send = queue_try_send,
                                                             .recv_within = queue_recv_within,
                                                             .try_recv = queue_try_recv,
                                                             .is_closed = queue_is_closed,
                                                             .close_once = queue_close,
                                                             .add_producer = add_producer,
                                                             .producer_done = producer_done,
                                                             .add_consumer = add_consumer,
                                                             .consumer_done = consumer_done};
