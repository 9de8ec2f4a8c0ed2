/* stress/racy/waiter_list.c - queue and list under the caller's lock, and the sound steps on both. */
#include "waiter_list.h"

#include <stdlib.h>

void *listed_create(size_t capacity, unsigned producers, unsigned consumers)
{
    (void)capacity;
    (void)producers;
    (void)consumers;
    struct listed_channel *channel = calloc(1, sizeof *channel);
    if (channel != NULL)
        pthread_mutex_init(&channel->lock, NULL);
    return channel;
}

void listed_destroy(void *arg)
{
    struct listed_channel *channel = arg;
    pthread_mutex_destroy(&channel->lock);
    free(channel);
}

void listed_push(struct listed_channel *channel, uint64_t value)
{
    if (channel->length == LISTED_CAPACITY)
        abort(); /* the cases send less */
    channel->queue[(channel->head + channel->length++) % LISTED_CAPACITY] = value;
}

bool listed_pop(struct listed_channel *channel, uint64_t *value)
{
    if (channel->length == 0)
        return false;
    *value = channel->queue[channel->head];
    channel->head = (channel->head + 1) % LISTED_CAPACITY;
    channel->length--;
    return true;
}

void listed_enroll(struct listed_channel *channel, struct listed_waiter *waiter)
{
    struct listed_waiter **end = &channel->first;
    while (*end != NULL)
        end = &(*end)->next;
    waiter->next = NULL;
    *end = waiter;
}

void listed_leave(struct listed_channel *channel, struct listed_waiter *waiter)
{
    struct listed_waiter **place = &channel->first;
    while (*place != NULL && *place != waiter)
        place = &(*place)->next;
    if (*place == waiter)
        *place = waiter->next;
}

struct listed_waiter *listed_first(struct listed_channel *channel)
{
    struct listed_waiter *waiter = channel->first;
    if (waiter != NULL)
        channel->first = waiter->next;
    return waiter;
}

enum ckf_status listed_send(void *arg, uint64_t value)
{
    struct listed_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    struct listed_waiter *waiter = listed_first(channel);
    if (waiter != NULL) {
        waiter->value = value;
        waiter->delivered = true;
        pthread_cond_signal(&waiter->woken);
    } else {
        listed_push(channel, value);
    }
    pthread_mutex_unlock(&channel->lock);
    return CKF_OK;
}

enum ckf_status listed_try_recv(void *arg, uint64_t *value)
{
    struct listed_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    bool got = listed_pop(channel, value);
    pthread_mutex_unlock(&channel->lock);
    return got ? CKF_OK : CKF_AGAIN;
}
