/* stress/racy/channel_counted_len.c - a length that is counted beside the queue, by load and store: one
 * of two calls at the same time is not counted, and the length is wrong ever after. */
#include <ck_filter/stress.h>

#include "channel_histories.h"
#include "queue.h"

static void count(struct queue *queue, size_t change)
{
    size_t length = atomic_load(&queue->length);
    ckf_stress_pause(NULL);
    atomic_store(&queue->length, length + change);
}

static enum ckf_status try_send(void *arg, uint64_t value)
{
    enum ckf_status status = queue_try_send(arg, value);
    if (status == CKF_OK)
        count(arg, 1);
    return status;
}

static enum ckf_status try_recv(void *arg, uint64_t *value)
{
    enum ckf_status status = queue_try_recv(arg, value);
    if (status == CKF_OK)
        count(arg, (size_t)-1);
    return status;
}

static size_t len(void *arg)
{
    return atomic_load(&((struct queue *)arg)->length);
}

static bool is_ready(void *arg, bool to_send)
{
    struct queue *queue = arg;
    pthread_mutex_lock(&queue->lock);
    size_t held = queue->tail - queue->head;
    bool ready = queue->closed || (to_send ? held < queue->capacity : held > 0);
    pthread_mutex_unlock(&queue->lock);
    return ready;
}

const struct channel_operations racy_counted_len_channel = {.create = queue_create,
                                                            .destroy = queue_destroy,
                                                            .try_send = try_send,
                                                            .try_recv = try_recv,
                                                            .close_once = queue_close,
                                                            .len = len,
                                                            .is_ready = is_ready};
