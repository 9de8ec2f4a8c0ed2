/* stress/racy/channel_touching.c - the sender hands its element over and then wakes the receiver,
 * who has taken the element, was the last one, and has freed the channel. */
#include <ck_filter/stress.h>

#include "channels.h"
#include "go_channel.h"

static void *create(size_t capacity, unsigned producers, unsigned consumers)
{
    (void)producers;
    (void)consumers;
    struct go_channel *channel =
        ckf_stress_alloc(sizeof *channel + capacity * sizeof channel->buffer[0]);
    if (channel == NULL)
        return NULL;
    *channel = (struct go_channel){.capacity = capacity};
    pthread_mutex_init(&channel->lock, NULL);
    pthread_cond_init(&channel->changed, NULL);
    return channel;
}

static void destroy(void *channel)
{
    ckf_stress_free(channel);
}

static enum ckf_status send_then_wake(void *arg, uint64_t value)
{
    struct go_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    channel->buffer[(channel->head + channel->length++) % channel->capacity] = value;
    pthread_mutex_unlock(&channel->lock);
    ckf_stress_pause(NULL); /* a statistic, a log line, a time slice that ends */
    pthread_cond_broadcast(&channel->changed);
    return CKF_OK;
}

const struct channel_operations racy_touching_channel = {
    .create = create,
    .destroy = destroy,
    .send = send_then_wake,
    .recv = go_recv,
};
