/* stress/racy/channel_dropping.c - elements are handed from sender to waiting receiver; one that is
 * cancelled at that moment reports the cancel and forgets what it holds. */
#include <stdlib.h>

#include "channels.h"
#include "waiter_list.h"

struct token {
    struct listed_channel *channel;
    struct listed_waiter *waiter; /* who waits with this token */
    bool canceled;
};

static void *token_create(void *channel)
{
    struct token *token = calloc(1, sizeof *token);
    if (token != NULL)
        token->channel = channel;
    return token;
}

static void token_cancel(void *arg)
{
    struct token *token = arg;
    pthread_mutex_lock(&token->channel->lock);
    token->canceled = true;
    if (token->waiter != NULL)
        pthread_cond_signal(&token->waiter->woken);
    pthread_mutex_unlock(&token->channel->lock);
}

static enum ckf_status wait_for_hand_over(struct listed_channel *channel, uint64_t *value,
                                          struct token *token)
{
    struct listed_waiter waiter = {.delivered = false};
    pthread_cond_init(&waiter.woken, NULL);
    listed_enroll(channel, &waiter);
    token->waiter = &waiter;
    while (!waiter.delivered && !token->canceled)
        pthread_cond_wait(&waiter.woken, &channel->lock);
    token->waiter = NULL;
    listed_leave(channel, &waiter);
    pthread_cond_destroy(&waiter.woken);
    if (token->canceled)
        return CKF_CANCELED;
    *value = waiter.value;
    return CKF_OK;
}

static enum ckf_status recv_unless(void *arg, uint64_t *value, void *token)
{
    struct listed_channel *channel = arg;
    pthread_mutex_lock(&channel->lock);
    enum ckf_status status = CKF_OK;
    if (((struct token *)token)->canceled)
        status = CKF_CANCELED;
    else if (!listed_pop(channel, value))
        status = wait_for_hand_over(channel, value, token);
    pthread_mutex_unlock(&channel->lock);
    return status;
}

const struct channel_operations racy_dropping_channel = {
    .create = listed_create,
    .destroy = listed_destroy,
    .send = listed_send,
    .try_recv = listed_try_recv,
    .token_create = token_create,
    .token_cancel = token_cancel,
    .token_destroy = free,
    .recv_unless = recv_unless,
};
