/* stress/cases/channel_wide.c - the channel of the library with elements larger than a word. */
#include "channels.h"

#include <stdlib.h>

#include <ck_filter/channel.h>

/* An element that can be torn, and shows it. */
struct wide {
    uint64_t value, complement;
};

static void *create(enum ckf_variant variant, size_t capacity)
{
    struct ckf_channel *channel;
    struct ckf_channel_options options = {.name = "stress",
                                          .variant = variant,
                                          .capacity = capacity,
                                          .elem_size = sizeof(struct wide)};
    return ckf_channel_create(&channel, &options) == CKF_OK ? channel : NULL;
}

static void *create_mutex(size_t capacity, unsigned producers, unsigned consumers)
{
    (void)producers;
    (void)consumers;
    return create(CKF_VARIANT_MUTEX, capacity);
}

static void *create_atomic(size_t capacity, unsigned producers, unsigned consumers)
{
    (void)producers;
    (void)consumers;
    return create(CKF_VARIANT_ATOMIC, capacity);
}

static void destroy(void *channel)
{
    ckf_channel_destroy(channel);
}

static enum ckf_status send_wide(void *channel, uint64_t value)
{
    struct wide wide = {value, ~value};
    return ckf_channel_send(channel, &wide);
}

static enum ckf_status try_send(void *channel, uint64_t value)
{
    struct wide wide = {value, ~value};
    return ckf_channel_try_send(channel, &wide);
}

static enum ckf_status unpack(enum ckf_status status, const struct wide *wide, uint64_t *value)
{
    if (status != CKF_OK)
        return status;
    if (wide->value != ~wide->complement)
        abort();
    *value = wide->value;
    return CKF_OK;
}

static enum ckf_status recv_wide(void *channel, uint64_t *value)
{
    struct wide wide;
    return unpack(ckf_channel_recv(channel, &wide), &wide, value);
}

static enum ckf_status try_recv(void *channel, uint64_t *value)
{
    struct wide wide;
    return unpack(ckf_channel_try_recv(channel, &wide), &wide, value);
}

static enum ckf_status close_once(void *channel)
{
    return ckf_channel_close(channel);
}

#define WIDE_CHANNEL(create_function)                                                              \
    {                                                                                              \
        .create = (create_function), .destroy = destroy, .send = send_wide, .try_send = try_send,  \
        .recv = recv_wide, .try_recv = try_recv, .close_once = close_once                          \
    }

const struct channel_operations mutex_wide_channel = WIDE_CHANNEL(create_mutex);
const struct channel_operations atomic_wide_channel = WIDE_CHANNEL(create_atomic);
