/* stress/cases/channels.c - the channel of the library behind the table of the cases. */
#include "channels.h"

#include <ck_filter/channel.h>
#include <ck_filter/context.h>
#include <ck_filter/select.h>

static void *create(enum ckf_variant variant, size_t capacity, unsigned producers,
                    unsigned consumers, unsigned promises)
{
    struct ckf_channel *channel;
    struct ckf_channel_options options = {.name = "stress",
                                          .variant = variant,
                                          .capacity = capacity,
                                          .elem_size = sizeof(uint64_t),
                                          .producers = producers,
                                          .consumers = consumers,
                                          .flags = promises};
    return ckf_channel_create(&channel, &options) == CKF_OK ? channel : NULL;
}

static void *create_mutex(size_t capacity, unsigned producers, unsigned consumers)
{
    return create(CKF_VARIANT_MUTEX, capacity, producers, consumers, 0);
}

static void *create_atomic(size_t capacity, unsigned producers, unsigned consumers)
{
    return create(CKF_VARIANT_ATOMIC, capacity, producers, consumers, 0);
}

enum { PROMISES = CKF_CHANNEL_SINGLE_PRODUCER | CKF_CHANNEL_SINGLE_CONSUMER };

static void *create_promised_mutex(size_t capacity, unsigned producers, unsigned consumers)
{
    return create(CKF_VARIANT_MUTEX, capacity, producers, consumers, PROMISES);
}

static void *create_promised_atomic(size_t capacity, unsigned producers, unsigned consumers)
{
    return create(CKF_VARIANT_ATOMIC, capacity, producers, consumers, PROMISES);
}

static void destroy(void *channel)
{
    ckf_channel_destroy(channel);
}

static enum ckf_status send_value(void *channel, uint64_t value)
{
    return ckf_channel_send(channel, &value);
}

static enum ckf_status send_two(void *channel, const uint64_t values[2], size_t *done)
{
    return ckf_channel_send_many(channel, values, 2, done, CKF_FOREVER, NULL);
}

static enum ckf_status try_send(void *channel, uint64_t value)
{
    return ckf_channel_try_send(channel, &value);
}

static enum ckf_status recv_value(void *channel, uint64_t *value)
{
    return ckf_channel_recv(channel, value);
}

static enum ckf_status try_recv(void *channel, uint64_t *value)
{
    return ckf_channel_try_recv(channel, value);
}

static enum ckf_status recv_within(void *channel, uint64_t *value, int64_t ns)
{
    return ckf_channel_recv_until(channel, value, ckf_deadline_after_ns(ns), NULL);
}

static enum ckf_status send_within(void *channel, uint64_t value, int64_t ns)
{
    return ckf_channel_send_until(channel, &value, ckf_deadline_after_ns(ns), NULL);
}

static enum ckf_status close_once(void *channel)
{
    return ckf_channel_close(channel);
}

static void close_channel(void *channel)
{
    ckf_channel_close(channel);
}

static void producer_done(void *channel)
{
    ckf_channel_producer_done(channel);
}

static void consumer_done(void *channel)
{
    ckf_channel_consumer_done(channel);
}

static void *token_create(void *channel)
{
    (void)channel;
    struct ckf_context *context;
    return ckf_context_create(&context, NULL, CKF_FOREVER) == CKF_OK ? context : NULL;
}

static void token_cancel(void *token)
{
    ckf_context_cancel(token, 0);
}

static void token_destroy(void *token)
{
    ckf_context_release(token);
}

static enum ckf_status recv_unless(void *channel, uint64_t *value, void *token)
{
    return ckf_channel_recv_until(channel, value, CKF_FOREVER, token);
}

static enum ckf_status select_until(void *channels[2], uint64_t *value, size_t *from,
                                    int64_t deadline_ns)
{
    struct ckf_select_case cases[2] = {
        {.channel = channels[0], .direction = CKF_RECV, .elem = value},
        {.channel = channels[1], .direction = CKF_RECV, .elem = value}};
    enum ckf_status status = ckf_select(cases, 2, from, deadline_ns, NULL);
    return status == CKF_OK ? cases[*from].status : status;
}

static enum ckf_status select_two(void *channels[2], uint64_t *value, size_t *from)
{
    return select_until(channels, value, from, CKF_FOREVER);
}

static enum ckf_status select_now(void *channels[2], uint64_t *value, size_t *from)
{
    return select_until(channels, value, from, CKF_NOW);
}

#define LIBRARY_CHANNEL(create_function)                                                           \
    {                                                                                              \
        .create = (create_function), .destroy = destroy, .send = send_value, .send_two = send_two, \
        .try_send = try_send, .recv = recv_value, .try_recv = try_recv,                            \
        .recv_within = recv_within, .close = close_channel, .producer_done = producer_done,        \
        .consumer_done = consumer_done, .token_create = token_create,                              \
        .token_cancel = token_cancel, .token_destroy = token_destroy, .recv_unless = recv_unless,  \
        .select = select_two, .select_now = select_now, .send_within = send_within,                \
        .close_once = close_once                                                                   \
    }

const struct channel_operations mutex_channel = LIBRARY_CHANNEL(create_mutex);
const struct channel_operations atomic_channel = LIBRARY_CHANNEL(create_atomic);
const struct channel_operations promised_mutex_channel = LIBRARY_CHANNEL(create_promised_mutex);
const struct channel_operations promised_atomic_channel = LIBRARY_CHANNEL(create_promised_atomic);
