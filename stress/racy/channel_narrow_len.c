/* stress/racy/channel_narrow_len.c - a length that is the difference of two numbers read one after the
 * other, in the wrong order. */
#include <ck_filter/stress.h>

#include <stdatomic.h>

#include "channels.h"

struct counted_channel {
    _Atomic(size_t) sent, received;
};

static void *create(size_t shape, unsigned producers, unsigned consumers)
{
    (void)shape;
    (void)producers;
    (void)consumers;
    return ckf_stress_alloc(sizeof(struct counted_channel));
}

static enum ckf_status try_send(void *arg, uint64_t value)
{
    (void)value;
    atomic_fetch_add(&((struct counted_channel *)arg)->sent, 1);
    return CKF_OK;
}

static enum ckf_status try_recv(void *arg, uint64_t *value)
{
    *value = atomic_fetch_add(&((struct counted_channel *)arg)->received, 1);
    return CKF_OK;
}

static size_t len(void *arg)
{
    struct counted_channel *channel = arg;
    size_t sent = atomic_load(&channel->sent);
    ckf_stress_pause(NULL);
    return sent - atomic_load(&channel->received);
}

const struct channel_operations racy_narrow_len_channel = {
    .create = create,
    .destroy = ckf_stress_free,
    .try_send = try_send,
    .try_recv = try_recv,
    .len = len,
};
