/* stress/racy/channel_late_sleeper.c - a receiver finds the queue empty, lets the lock go, and then
 * goes to sleep: a send in between signals nobody. */
#include "channels.h"
#include "go_channel.h"

static bool take_one(struct go_channel *channel, uint64_t *value)
{
    bool got = channel->length > 0;
    if (got) {
        *value = channel->buffer[channel->head];
        channel->head = (channel->head + 1) % channel->capacity;
        channel->length--;
    }
    return got;
}

static enum ckf_status recv_late(void *arg, uint64_t *value)
{
    struct go_channel *channel = arg;
    for (;;) {
        pthread_mutex_lock(&channel->lock);
        bool got = take_one(channel, value);
        pthread_mutex_unlock(&channel->lock);
        if (got)
            return CKF_OK;
        pthread_mutex_lock(&channel->lock);
        pthread_cond_wait(&channel->changed, &channel->lock);
        pthread_mutex_unlock(&channel->lock);
    }
}

const struct channel_operations racy_late_sleeper_channel = {
    .create = go_create,
    .destroy = go_destroy,
    .send = go_send,
    .recv = recv_late,
    .close = go_close,
};
