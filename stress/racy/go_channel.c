/* stress/racy/go_channel.c - send, receive and close as Go defines them; a panic is an abort. */
#include "go_channel.h"

#include <stdlib.h>

static void panic_if_closed(const struct go_channel *channel)
{
    if (channel->closed)
        abort();
}

static size_t places(const struct go_channel *channel)
{
    return channel->capacity > 0 ? channel->capacity : 1;
}

static void push(struct go_channel *channel, uint64_t value)
{
    channel->buffer[(channel->head + channel->length) % places(channel)] = value;
    channel->length++;
    channel->sent++;
    pthread_cond_broadcast(&channel->changed);
}

void *go_create(size_t capacity, unsigned producers, unsigned consumers)
{
    (void)producers;
    (void)consumers;
    size_t slots = capacity > 0 ? capacity : 1;
    struct go_channel *channel = calloc(1, sizeof *channel + slots * sizeof channel->buffer[0]);
    if (channel == NULL)
        return NULL;
    pthread_mutex_init(&channel->lock, NULL);
    pthread_cond_init(&channel->changed, NULL);
    channel->capacity = capacity;
    return channel;
}

void go_destroy(void *arg)
{
    struct go_channel *channel = arg;
    pthread_cond_destroy(&channel->changed);
    pthread_mutex_destroy(&channel->lock);
    free(channel);
}

enum ckf_status go_send(void *arg, uint64_t value)
{
    struct go_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    panic_if_closed(channel);
    while (channel->length == places(channel)) {
        pthread_cond_wait(&channel->changed, &channel->lock);
        panic_if_closed(channel);
    }
    push(channel, value);
    uint64_t mine = channel->sent;
    while (channel->capacity == 0 && channel->taken < mine && !channel->closed)
        pthread_cond_wait(&channel->changed, &channel->lock);
    pthread_mutex_unlock(&channel->lock);
    return CKF_OK;
}

enum ckf_status go_try_send(void *arg, uint64_t value)
{
    struct go_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    panic_if_closed(channel);
    bool room = channel->length < channel->capacity;
    if (room)
        push(channel, value);
    pthread_mutex_unlock(&channel->lock);
    return room ? CKF_OK : CKF_AGAIN;
}

enum ckf_status go_recv(void *arg, uint64_t *value)
{
    struct go_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    while (channel->length == 0 && !channel->closed)
        pthread_cond_wait(&channel->changed, &channel->lock);
    bool got = channel->length > 0;
    if (got) {
        *value = channel->buffer[channel->head];
        channel->head = (channel->head + 1) % places(channel);
        channel->length--;
        channel->taken++;
        pthread_cond_broadcast(&channel->changed);
    }
    pthread_mutex_unlock(&channel->lock);
    return got ? CKF_OK : CKF_CLOSED;
}

void go_close(void *arg)
{
    struct go_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    panic_if_closed(channel);
    channel->closed = true;
    pthread_cond_broadcast(&channel->changed);
    pthread_mutex_unlock(&channel->lock);
}

bool go_is_closed(void *arg)
{
    struct go_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    bool closed = channel->closed;
    pthread_mutex_unlock(&channel->lock);
    return closed;
}

bool go_say_nothing(void *channel)
{
    (void)channel;
    return false;
}
