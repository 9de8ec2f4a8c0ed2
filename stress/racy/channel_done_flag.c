/* stress/racy/channel_done_flag.c - stopping by `done = true`: whoever sleeps is not told, and
 * whoever looks before it sleeps has looked too early. */
#include "channels.h"
#include "go_channel.h"

static void set_done(void *arg)
{
    struct go_channel *channel = arg;
    channel->closed = true; /* no lock, and nobody is woken */
}

const struct channel_operations racy_done_flag_channel = {
    .create = go_create,
    .destroy = go_destroy,
    .send = go_send,
    .recv = go_recv,
    .close = set_done,
};
