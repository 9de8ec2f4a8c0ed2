/* stress/racy/channel_keeping_select.c - a select that waits in two lists and, woken for one channel, takes
 * from the other: nobody else is woken for what it leaves. */
#include <ck_filter/stress.h>

#include <stdlib.h>

#include "channels.h"

#include <pthread.h>

enum { MAX_WAITERS = 2, CHANNELS = 2 };

struct sleeper {
    bool woken;
    pthread_cond_t wake;
};

/* One lock for all channels, as Go takes all locks of a select. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct queue_channel {
    size_t length;
    struct sleeper *waiters[MAX_WAITERS]; /* longest first */
};

static void *create(size_t shape, unsigned producers, unsigned consumers)
{
    (void)shape;
    (void)producers;
    (void)consumers;
    return calloc(1, sizeof(struct queue_channel));
}

static void wake_first(struct queue_channel *channel)
{
    struct sleeper *first = channel->waiters[0];
    if (first == NULL)
        return;
    channel->waiters[0] = channel->waiters[1];
    channel->waiters[1] = NULL;
    first->woken = true;
    pthread_cond_signal(&first->wake);
}

static enum ckf_status send_and_wake(void *arg, uint64_t value)
{
    struct queue_channel *channel = arg;
    (void)value;
    pthread_mutex_lock(&lock);
    channel->length++;
    wake_first(channel);
    pthread_mutex_unlock(&lock);
    return CKF_OK;
}

static void enrol(struct queue_channel *channel, struct sleeper *sleeper)
{
    channel->waiters[channel->waiters[0] == NULL ? 0 : 1] = sleeper;
}

static void leave(struct queue_channel *channel, const struct sleeper *sleeper)
{
    if (channel->waiters[0] == sleeper) {
        channel->waiters[0] = channel->waiters[1];
        channel->waiters[1] = NULL;
    } else if (channel->waiters[1] == sleeper) {
        channel->waiters[1] = NULL;
    }
}

/* Takes from the last channel that has something, and forgets for which it was woken. */
static enum ckf_status take_from(struct queue_channel **channels, size_t count, size_t *from)
{
    struct sleeper sleeper = {.woken = false};
    pthread_cond_init(&sleeper.wake, NULL);
    pthread_mutex_lock(&lock);
    for (;;) {
        for (*from = count; *from > 0 && channels[*from - 1]->length == 0;)
            --*from;
        if (*from > 0)
            break;
        sleeper.woken = false;
        for (size_t i = 0; i < count; i++)
            enrol(channels[i], &sleeper);
        while (!sleeper.woken)
            pthread_cond_wait(&sleeper.wake, &lock);
        for (size_t i = 0; i < count; i++)
            leave(channels[i], &sleeper);
    }
    channels[--*from]->length--;
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&sleeper.wake);
    return CKF_OK;
}

static enum ckf_status recv_one(void *channel, uint64_t *value)
{
    struct queue_channel *channels[1] = {channel};
    size_t from;
    *value = 0;
    return take_from(channels, 1, &from);
}

static enum ckf_status select_two(void *channels[2], uint64_t *value, size_t *from)
{
    struct queue_channel *both[CHANNELS] = {channels[0], channels[1]};
    *value = 0;
    return take_from(both, CHANNELS, from);
}

const struct channel_operations racy_keeping_select_channel = {
    .create = create,
    .destroy = free,
    .send = send_and_wake,
    .recv = recv_one,
    .select = select_two,
};
