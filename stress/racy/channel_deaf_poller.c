/* stress/racy/channel_deaf_poller.c - looks, and then clears what it polls: an element that arrived in
 * between has rung for nothing. */
#include <ck_filter/stress.h>

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "channels.h"

enum { SLOTS = 4 };

struct polled_channel {
    pthread_mutex_t lock;
    size_t length, places;
    bool closed;
    int fds[2]; /* for elements, for room */
};

static void *create(size_t shape, unsigned producers, unsigned consumers)
{
    (void)producers;
    (void)consumers;
    struct polled_channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL)
        return NULL;
    pthread_mutex_init(&channel->lock, NULL);
    channel->places = shape & CHANNEL_ENDLESS ? SLOTS : channel_places(shape);
    for (int i = 0; i < 2; i++)
        channel->fds[i] = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    return channel;
}

static void destroy(void *arg)
{
    struct polled_channel *channel = arg;
    for (int i = 0; i < 2; i++)
        close(channel->fds[i]);
    pthread_mutex_destroy(&channel->lock);
    free(channel);
}

/* Only counts: the elements do not matter here. */
static enum ckf_status move(struct polled_channel *channel, bool in)
{
    pthread_mutex_lock(&channel->lock);
    bool possible = in ? channel->length < channel->places : channel->length > 0;
    enum ckf_status status = possible ? CKF_OK : channel->closed ? CKF_CLOSED : CKF_AGAIN;
    if (possible)
        channel->length = in ? channel->length + 1 : channel->length - 1;
    pthread_mutex_unlock(&channel->lock);
    return status;
}

static enum ckf_status move_and_ring(struct polled_channel *channel, bool in)
{
    enum ckf_status status = move(channel, in);
    if (status == CKF_OK)
        eventfd_write(channel->fds[in ? 0 : 1], 1);
    if (status != CKF_AGAIN)
        return status;
    ckf_stress_pause(NULL);
    eventfd_t rung;
    eventfd_read(channel->fds[in ? 1 : 0], &rung);
    return status;
}

static enum ckf_status try_send(void *channel, uint64_t value)
{
    (void)value;
    return move_and_ring(channel, true);
}

static enum ckf_status try_recv(void *channel, uint64_t *value)
{
    *value = 0;
    return move_and_ring(channel, false);
}

static void close_channel(void *arg)
{
    struct polled_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    channel->closed = true;
    pthread_mutex_unlock(&channel->lock);
    for (int i = 0; i < 2; i++)
        eventfd_write(channel->fds[i], 1);
}

static bool readable(void *arg, bool room)
{
    struct pollfd polled = {.fd = ((struct polled_channel *)arg)->fds[room], .events = POLLIN};
    return poll(&polled, 1, 0) == 1;
}

const struct channel_operations racy_deaf_poller_channel = {
    .create = create,
    .destroy = destroy,
    .try_send = try_send,
    .try_recv = try_recv,
    .close = close_channel,
    .readable = readable,
};
