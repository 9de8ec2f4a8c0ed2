/* stress/racy/channel_unguarded_wait.c - a send without a buffer waits for its receiver once, and takes any
 * wake-up for the receiver's. */
#include <ck_filter/stress.h>

#include <stdlib.h>

#include "channels.h"
#include "go_channel.h"

static enum ckf_status send_unguarded(void *arg, uint64_t value)
{
    struct go_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    while (channel->length > 0 && !channel->closed)
        pthread_cond_wait(&channel->changed, &channel->lock);
    bool refused = channel->closed;
    if (!refused) {
        channel->buffer[0] = value;
        channel->head = 0;
        channel->length = 1;
        pthread_cond_broadcast(&channel->changed);
        pthread_cond_wait(&channel->changed, &channel->lock);
    }
    pthread_mutex_unlock(&channel->lock);
    return refused ? CKF_CLOSED : CKF_OK;
}

/* After the close nobody looks whether a sender has put something there. */
static enum ckf_status recv_open(void *arg, uint64_t *value)
{
    struct go_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    while (channel->length == 0 && !channel->closed)
        pthread_cond_wait(&channel->changed, &channel->lock);
    bool got = !channel->closed;
    if (got) {
        *value = channel->buffer[0];
        channel->length = 0;
        pthread_cond_broadcast(&channel->changed);
    }
    pthread_mutex_unlock(&channel->lock);
    return got ? CKF_OK : CKF_CLOSED;
}

const struct channel_operations racy_unguarded_wait_channel = {
    .create = go_create,
    .destroy = go_destroy,
    .send = send_unguarded,
    .recv = recv_open,
    .close = go_close,
};
