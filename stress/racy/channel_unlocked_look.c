/* stress/racy/channel_unlocked_look.c - try_recv saves itself the lock when there is nothing to get:
 * it compares head and tail, which it reads one after the other. While elements come and go between
 * the two looks, it sees "empty" in a queue that never was. */
#include <ck_filter/stress.h>

#include "channel_histories.h"
#include "queue.h"

static enum ckf_status try_recv(void *arg, uint64_t *value)
{
    struct queue *queue = arg;
    size_t tail = atomic_load(&queue->tail);
    ckf_stress_pause(NULL);
    if (atomic_load(&queue->head) == tail && !atomic_load(&queue->closed))
        return CKF_AGAIN;
    return queue_try_recv(queue, value);
}

const struct channel_operations racy_unlocked_look_channel = {.create = queue_create,
                                                              .destroy = queue_destroy,
                                                              .try_send = queue_try_send,
                                                              .try_recv = try_recv,
                                                              .close_once = queue_close};
