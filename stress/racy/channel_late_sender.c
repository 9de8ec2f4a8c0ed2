/* stress/racy/channel_late_sender.c - a sender finds the queue full, lets the lock go, and then goes to
 * sleep: a receive in between signals nobody. */
#include "channels.h"
#include "go_channel.h"

static bool put_one(struct go_channel *channel, uint64_t value)
{
    bool room = channel->length < channel->capacity;
    if (room) {
        channel->buffer[(channel->head + channel->length) % channel->capacity] = value;
        channel->length++;
        pthread_cond_broadcast(&channel->changed);
    }
    return room;
}

static enum ckf_status send_late(void *arg, uint64_t value)
{
    struct go_channel *channel = arg;
    for (;;) {
        pthread_mutex_lock(&channel->lock);
        bool put = put_one(channel, value);
        pthread_mutex_unlock(&channel->lock);
        if (put)
            return CKF_OK;
        pthread_mutex_lock(&channel->lock);
        pthread_cond_wait(&channel->changed, &channel->lock);
        pthread_mutex_unlock(&channel->lock);
    }
}

static void *create(size_t shape, unsigned producers, unsigned consumers)
{
    return go_create(channel_places(shape), producers, consumers);
}

const struct channel_operations racy_late_sender_channel = {
    .create = create,
    .destroy = go_destroy,
    .send = send_late,
    .recv = go_recv,
};
