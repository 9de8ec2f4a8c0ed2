/* stress/cases/channels.c - the channel of the library behind the table of the cases. */
#include "channels.h"

#include <ck_filter/channel.h>
#include <ck_filter/context.h>
#include <ck_filter/select.h>

#include <poll.h>

/* Of elements that are a word, only the first word travels. */
struct element {
    uint64_t value, inverse, again;
};

static bool is_torn(const struct element *element)
{
    return element->inverse != 0 &&
           (element->inverse != ~element->value || element->again != element->value);
}

static struct element element_of(uint64_t value)
{
    return (struct element){value, ~value, value};
}

/* A torn element is reported as a status that no receive has. */
static enum ckf_status unpack(enum ckf_status status, const struct element *element,
                              uint64_t *value)
{
    if (status != CKF_OK)
        return status;
    *value = element->value;
    return is_torn(element) ? CKF_IO : CKF_OK;
}

static void *create(enum ckf_variant variant, size_t shape, unsigned producers, unsigned consumers,
                    unsigned promises)
{
    struct ckf_channel *channel;
    if (shape == CKF_UNBOUNDED)
        shape = CHANNEL_ENDLESS;
    struct ckf_channel_options options = {
        .name = "stress",
        .variant = variant,
        .capacity = shape & CHANNEL_ENDLESS ? CKF_UNBOUNDED : channel_places(shape),
        .elem_size = shape & CHANNEL_LARGE ? sizeof(struct element) : sizeof(uint64_t),
        .producers = producers,
        .consumers = consumers,
        .flags = promises};
    return ckf_channel_create(&channel, &options) == CKF_OK ? channel : NULL;
}

static void *create_mutex(size_t shape, unsigned producers, unsigned consumers)
{
    return create(CKF_VARIANT_MUTEX, shape, producers, consumers, 0);
}

static void *create_atomic(size_t shape, unsigned producers, unsigned consumers)
{
    return create(CKF_VARIANT_ATOMIC, shape, producers, consumers, 0);
}

enum { PROMISES = CKF_CHANNEL_SINGLE_PRODUCER | CKF_CHANNEL_SINGLE_CONSUMER };

static void *create_promised_mutex(size_t shape, unsigned producers, unsigned consumers)
{
    return create(CKF_VARIANT_MUTEX, shape, producers, consumers, PROMISES);
}

static void *create_promised_atomic(size_t shape, unsigned producers, unsigned consumers)
{
    return create(CKF_VARIANT_ATOMIC, shape, producers, consumers, PROMISES);
}

static void destroy(void *channel)
{
    ckf_channel_destroy(channel);
}

static enum ckf_status send_value(void *channel, uint64_t value)
{
    struct element element = element_of(value);
    return ckf_channel_send(channel, &element);
}

static enum ckf_status send_two(void *channel, const uint64_t values[2], size_t *done)
{
    return ckf_channel_send_many(channel, values, 2, done, CKF_FOREVER, NULL);
}

static enum ckf_status recv_two(void *channel, uint64_t values[2], size_t *done)
{
    return ckf_channel_recv_many(channel, values, 2, done, CKF_FOREVER, NULL);
}

static enum ckf_status try_send(void *channel, uint64_t value)
{
    struct element element = element_of(value);
    return ckf_channel_try_send(channel, &element);
}

static enum ckf_status recv_value(void *channel, uint64_t *value)
{
    struct element element = {0};
    return unpack(ckf_channel_recv(channel, &element), &element, value);
}

static enum ckf_status try_recv(void *channel, uint64_t *value)
{
    struct element element = {0};
    return unpack(ckf_channel_try_recv(channel, &element), &element, value);
}

static enum ckf_status recv_within(void *channel, uint64_t *value, int64_t ns)
{
    struct element element = {0};
    return unpack(ckf_channel_recv_until(channel, &element, ckf_deadline_after_ns(ns), NULL),
                  &element, value);
}

static enum ckf_status send_within(void *channel, uint64_t value, int64_t ns)
{
    struct element element = element_of(value);
    return ckf_channel_send_until(channel, &element, ckf_deadline_after_ns(ns), NULL);
}

static enum ckf_status close_once(void *channel)
{
    return ckf_channel_close(channel);
}

static void close_channel(void *channel)
{
    ckf_channel_close(channel);
}

static bool is_closed(void *channel)
{
    return ckf_channel_is_closed(channel);
}

static enum ckf_status add_producer(void *channel)
{
    return ckf_channel_add_producer(channel);
}

static enum ckf_status add_consumer(void *channel)
{
    return ckf_channel_add_consumer(channel);
}

static bool producer_done(void *channel)
{
    return ckf_channel_producer_done(channel);
}

static bool consumer_done(void *channel)
{
    return ckf_channel_consumer_done(channel);
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
    struct element element = {0};
    return unpack(ckf_channel_recv_until(channel, &element, CKF_FOREVER, token), &element, value);
}

static enum ckf_status select_until(void *channels[2], uint64_t *value, size_t *from,
                                    int64_t deadline_ns)
{
    struct element element = {0};
    struct ckf_select_case cases[2] = {
        {.channel = channels[0], .direction = CKF_RECV, .elem = &element},
        {.channel = channels[1], .direction = CKF_RECV, .elem = &element}};
    enum ckf_status status = ckf_select(cases, 2, from, deadline_ns, NULL);
    return unpack(status == CKF_OK ? cases[*from].status : status, &element, value);
}

static enum ckf_status select_either_way(void *channels[2], uint64_t sent, uint64_t *value,
                                         size_t *chosen, bool waits)
{
    struct element given = element_of(sent), taken = {0};
    struct ckf_select_case cases[2] = {
        {.channel = channels[0], .direction = CKF_SEND, .elem = &given},
        {.channel = channels[1], .direction = CKF_RECV, .elem = &taken}};
    enum ckf_status status = ckf_select(cases, 2, chosen, waits ? CKF_FOREVER : CKF_NOW, NULL);
    if (status != CKF_OK)
        return status;
    return *chosen == 0 ? cases[0].status : unpack(cases[1].status, &taken, value);
}

static size_t len(void *channel)
{
    return ckf_channel_len(channel);
}

static bool is_ready(void *channel, bool to_send)
{
    return ckf_channel_is_ready(channel, to_send ? CKF_SEND : CKF_RECV);
}

static bool readable(void *channel, bool room)
{
    int fd;
    if (ckf_channel_event_fd(channel, room ? CKF_SEND : CKF_RECV, &fd) != CKF_OK)
        return false;
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, 0) == 1;
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
        .select_either_way = select_either_way, .close_once = close_once, .is_closed = is_closed,  \
        .len = len, .is_ready = is_ready, .readable = readable, .add_producer = add_producer,      \
        .add_consumer = add_consumer, .recv_two = recv_two                                         \
    }

const struct channel_operations mutex_channel = LIBRARY_CHANNEL(create_mutex);
const struct channel_operations atomic_channel = LIBRARY_CHANNEL(create_atomic);
const struct channel_operations promised_mutex_channel = LIBRARY_CHANNEL(create_promised_mutex);
const struct channel_operations promised_atomic_channel = LIBRARY_CHANNEL(create_promised_atomic);
