/* stress/racy/channel_late_push.c - a send looks whether the channel is closed, and puts its element
 * there a moment later: into a channel that has been closed and drained. */
#include <ck_filter/stress.h>

#include "channel_histories.h"
#include "queue.h"

/* Without a look at `closed`. */
static enum ckf_status push(struct queue *queue, uint64_t value)
{
    enum ckf_status status = CKF_AGAIN;
    pthread_mutex_lock(&queue->lock);
    if (queue->tail - queue->head < queue->capacity) {
        queue->places[queue->tail % queue->capacity] = value;
        queue->tail++;
        pthread_cond_broadcast(&queue->changed);
        status = CKF_OK;
    }
    pthread_mutex_unlock(&queue->lock);
    return status;
}

static enum ckf_status try_send(void *arg, uint64_t value)
{
    struct queue *queue = arg;
    if (atomic_load(&queue->closed))
        return CKF_CLOSED;
    ckf_stress_pause(NULL);
    return push(queue, value);
}

static enum ckf_status send_two(void *arg, const uint64_t values[2], size_t *done)
{
    struct queue *queue = arg;
    enum ckf_status status = atomic_load(&queue->closed) ? CKF_CLOSED : CKF_OK;
    for (*done = 0; *done < 2 && status == CKF_OK; *done += status == CKF_OK) {
        ckf_stress_pause(NULL);
        status = push(queue, values[*done]);
    }
    return *done > 0 ? CKF_OK : status;
}

const struct channel_operations racy_late_push_channel = {.create = queue_create,
                                                          .destroy = queue_destroy,
                                                          .send = queue_send,
                                                          .try_send = try_send,
                                                          .send_within = queue_send_within,
                                                          .recv = queue_recv,
                                                          .try_recv = queue_try_recv,
                                                          .recv_within = queue_recv_within,
                                                          .send_two = send_two,
                                                          .recv_two = queue_recv_two,
                                                          .is_closed = queue_is_closed,
                                                          .close_once = queue_close};
