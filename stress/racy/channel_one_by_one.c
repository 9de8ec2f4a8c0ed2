/* stress/racy/channel_one_by_one.c - a select with a default that asks one channel after the other. */
#include <ck_filter/stress.h>

#include "channels.h"
#include "waiter_list.h"

static enum ckf_status select_one_by_one(void *channels[2], uint64_t *value, size_t *from)
{
    for (*from = 0; *from < 2; ++*from) {
        if (listed_try_recv(channels[*from], value) == CKF_OK)
            return CKF_OK;
        ckf_stress_pause(NULL);
    }
    return CKF_AGAIN;
}

const struct channel_operations racy_one_by_one_channel = {
    .create = listed_create,
    .destroy = listed_destroy,
    .send = listed_send,
    .try_recv = listed_try_recv,
    .select_now = select_one_by_one,
};
