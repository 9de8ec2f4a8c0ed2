/* stress/racy/channel_two_claims.c - a select that waits in two lists without one claim for both:
 * two senders each hand it an element, and it returns one of them. */
#include <ck_filter/stress.h>

#include "channels.h"
#include "waiter_list.h"

/* True if an element was there at once; otherwise the waiter is in the list. */
static bool pop_or_enroll(struct listed_channel *channel, struct listed_waiter *waiter,
                          uint64_t *value)
{
    pthread_mutex_lock(&channel->lock);
    bool got = listed_pop(channel, value);
    if (!got)
        listed_enroll(channel, waiter);
    pthread_mutex_unlock(&channel->lock);
    return got;
}

static bool is_delivered(struct listed_channel *channel, const struct listed_waiter *waiter)
{
    pthread_mutex_lock(&channel->lock);
    bool delivered = waiter->delivered;
    pthread_mutex_unlock(&channel->lock);
    return delivered;
}

static void leave(struct listed_channel *channel, struct listed_waiter *waiter)
{
    pthread_mutex_lock(&channel->lock);
    listed_leave(channel, waiter);
    pthread_mutex_unlock(&channel->lock);
    pthread_cond_destroy(&waiter->woken);
}

/* Waits in both lists until one of the waiters holds an element, and returns which. */
static size_t await_either(struct listed_channel *channels[2], struct listed_waiter waiters[2])
{
    for (;;) {
        for (size_t i = 0; i < 2; i++)
            if (is_delivered(channels[i], &waiters[i]))
                return i;
        ckf_stress_spin(NULL);
    }
}

static enum ckf_status select_two(void *arg[2], uint64_t *value, size_t *from)
{
    struct listed_channel *channels[2] = {arg[0], arg[1]};
    struct listed_waiter waiters[2] = {{.delivered = false}, {.delivered = false}};
    for (size_t i = 0; i < 2; i++) {
        pthread_cond_init(&waiters[i].woken, NULL);
        if (pop_or_enroll(channels[i], &waiters[i], value)) {
            *from = i;
            if (i > 0)
                leave(channels[0], &waiters[0]);
            return CKF_OK;
        }
    }
    *from = await_either(channels, waiters);
    *value = waiters[*from].value;
    for (size_t i = 0; i < 2; i++)
        leave(channels[i], &waiters[i]);
    return CKF_OK;
}

const struct channel_operations racy_two_claims_channel = {
    .create = listed_create,
    .destroy = listed_destroy,
    .send = listed_send,
    .try_recv = listed_try_recv,
    .select = select_two,
};
