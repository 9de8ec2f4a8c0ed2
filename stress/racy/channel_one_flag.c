/* stress/racy/channel_one_flag.c - senders say by one flag that somebody may wake: two of them say it
 * once. */
#include <ck_filter/stress.h>

#include <pthread.h>
#include <stdlib.h>

#include "channels.h"

struct flagged_channel {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool somebody_may_wake;
    size_t length;
};

static void *create(size_t shape, unsigned producers, unsigned consumers)
{
    (void)shape;
    (void)producers;
    (void)consumers;
    struct flagged_channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL)
        return NULL;
    pthread_mutex_init(&channel->lock, NULL);
    pthread_cond_init(&channel->changed, NULL);
    return channel;
}

static void destroy(void *arg)
{
    struct flagged_channel *channel = arg;
    pthread_cond_destroy(&channel->changed);
    pthread_mutex_destroy(&channel->lock);
    free(channel);
}

static enum ckf_status send_and_flag(void *arg, uint64_t value)
{
    struct flagged_channel *channel = arg;
    (void)value;
    pthread_mutex_lock(&channel->lock);
    channel->length++;
    channel->somebody_may_wake = true;
    pthread_cond_signal(&channel->changed);
    pthread_mutex_unlock(&channel->lock);
    return CKF_OK;
}

static enum ckf_status recv_flagged(void *arg, uint64_t *value)
{
    struct flagged_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    while (channel->length == 0) {
        while (!channel->somebody_may_wake)
            pthread_cond_wait(&channel->changed, &channel->lock);
        channel->somebody_may_wake = false;
    }
    *value = channel->length--;
    pthread_mutex_unlock(&channel->lock);
    return CKF_OK;
}

const struct channel_operations racy_one_flag_channel = {
    .create = create,
    .destroy = destroy,
    .send = send_and_flag,
    .recv = recv_flagged,
};
