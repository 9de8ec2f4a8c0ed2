/* stress/racy/channel_discarding.c - "closed" is looked at before the queue: what was accepted and
 * not yet received when the channel closes is never seen again. */
#include <stdlib.h>

#include "channels.h"
#include "go_channel.h"

static enum ckf_status send_or_closed(void *arg, uint64_t value)
{
    struct go_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    while (channel->length == channel->capacity && !channel->closed)
        pthread_cond_wait(&channel->changed, &channel->lock);
    bool closed = channel->closed;
    if (!closed) {
        channel->buffer[(channel->head + channel->length++) % channel->capacity] = value;
        pthread_cond_broadcast(&channel->changed);
    }
    pthread_mutex_unlock(&channel->lock);
    return closed ? CKF_CLOSED : CKF_OK;
}

static enum ckf_status recv_or_closed(void *arg, uint64_t *value)
{
    struct go_channel *channel = arg;
    if (go_is_closed(channel))
        return CKF_CLOSED;
    return go_recv(channel, value);
}

const struct channel_operations racy_discarding_channel = {
    .create = go_create,
    .destroy = go_destroy,
    .send = send_or_closed,
    .recv = recv_or_closed,
    .close = go_close,
};
