/* stress/racy/waiter_list.c - queue and list, both under the caller's lock. */
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
