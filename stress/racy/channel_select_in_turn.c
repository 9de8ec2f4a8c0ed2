/* stress/racy/channel_select_in_turn.c - a select that does not wait tries its cases in turn, and says
 * "nothing was ready" when each has failed once: at different moments. */
#include <ck_filter/stress.h>

#include "channel_histories.h"
#include "queue.h"

enum { PAUSES = 4 };

static enum ckf_status select_now(void *channels[2], uint64_t *value, size_t *from)
{
    for (*from = 0; *from < 2; ++*from) {
        enum ckf_status status = queue_try_recv(channels[*from], value);
        if (status != CKF_AGAIN)
            return status;
        for (int i = 0; i < PAUSES; i++)
            ckf_stress_pause(NULL);
    }
    return CKF_AGAIN;
}

static enum ckf_status select_either_way(void *channels[2], uint64_t sent, uint64_t *value,
                                         size_t *chosen, bool waits)
{
    (void)waits;
    *chosen = 0;
    enum ckf_status status = queue_try_send(channels[0], sent);
    if (status != CKF_AGAIN)
        return status;
    for (int i = 0; i < PAUSES; i++)
        ckf_stress_pause(NULL);
    *chosen = 1;
    return queue_try_recv(channels[1], value);
}

const struct channel_operations racy_select_in_turn_channel = {.create = queue_create,
                                                               .destroy = queue_destroy,
                                                               .try_send = queue_try_send,
                                                               .try_recv = queue_try_recv,
                                                               .close_once = queue_close,
                                                               .select_now = select_now,
                                                               .select_either_way =
                                                                   select_either_way};
