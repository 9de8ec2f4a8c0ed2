/* stress/racy/channel_lock_order.c - a select that locks its channels in the order in which the
 * caller names them: two selects that name them the other way round wait for each other. */
#include "channels.h"
#include "waiter_list.h"

static enum ckf_status send_value(void *arg, uint64_t value)
{
    struct listed_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    listed_push(channel, value);
    pthread_mutex_unlock(&channel->lock);
    return CKF_OK;
}

static enum ckf_status select_two(void *channels[2], uint64_t *value, size_t *from)
{
    struct listed_channel *first = channels[0], *second = channels[1];
    pthread_mutex_lock(&first->lock);
    pthread_mutex_lock(&second->lock);
    *from = 0;
    bool got = listed_pop(first, value);
    if (!got) {
        *from = 1;
        got = listed_pop(second, value);
    }
    pthread_mutex_unlock(&second->lock);
    pthread_mutex_unlock(&first->lock);
    return got ? CKF_OK : CKF_AGAIN;
}

const struct channel_operations racy_lock_order_channel = {
    .create = listed_create, .destroy = listed_destroy, .send = send_value, .select = select_two};
