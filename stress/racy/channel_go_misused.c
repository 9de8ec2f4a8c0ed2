/* stress/racy/channel_go_misused.c - Go's channel in the ways that the article's code uses it. */
#include "channels.h"
#include "go_channel.h"

static enum ckf_status send_unless_closed(void *channel, uint64_t value)
{
    if (go_is_closed(channel))
        return CKF_CLOSED;
    return go_send(channel, value);
}

const struct channel_operations racy_checked_send_channel = {
    .create = go_create,
    .destroy = go_destroy,
    .send = send_unless_closed,
    .recv = go_recv,
    .close = go_close,
};

static void close_unless_closed(void *channel)
{
    if (!go_is_closed(channel))
        go_close(channel);
}

const struct channel_operations racy_checked_close_channel = {
    .create = go_create,
    .destroy = go_destroy,
    .recv = go_recv,
    .close = close_unless_closed,
};

/* `defer close(ch)` in every producer */
static bool close_behind_me(void *channel)
{
    go_close(channel);
    return true;
}

const struct channel_operations racy_defer_close_channel = {
    .create = go_create,
    .destroy = go_destroy,
    .send = go_send,
    .recv = go_recv,
    .producer_done = close_behind_me,
};

static enum ckf_status try_send_unless_closed(void *channel, uint64_t value)
{
    if (go_is_closed(channel))
        return CKF_CLOSED;
    return go_try_send(channel, value);
}

const struct channel_operations racy_select_default_channel = {
    .create = go_create,
    .destroy = go_destroy,
    .try_send = try_send_unless_closed,
    .recv = go_recv,
    .close = go_close,
};

const struct channel_operations racy_silent_channel = {
    .create = go_create,
    .destroy = go_destroy,
    .send = go_send,
    .recv = go_recv,
    .producer_done = go_say_nothing,
    .consumer_done = go_say_nothing,
};

const struct channel_operations racy_no_default_channel = {
    .create = go_create,
    .destroy = go_destroy,
    .try_send = go_send, /* the select without its default */
    .recv = go_recv,
    .close = go_close,
};
