/* stress/cases/channel_linearizable.c - sends, receives and a close of all kinds, by three callers
 *
 * Oracle: the calls have an order, within their intervals, that is a queue of one place.
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

#include "../racy/channel_histories.h"

static const struct channel_scene scene = {
    .shapes = {{{.capacity = 1}}},
    .channels = 1,
    .scripts = {{CALL(SEND, 1, 0), CALL(SEND_WITHIN, 2, 0), CALL(CLOSE, 0, 0)},
                {CALL(RECV, 0, 0), CALL(TRY_RECV, 0, 0), CALL(RECV, 0, 0)},
                {CALL(TRY_SEND, 3, 0), CALL(RECV_WITHIN, 0, 0), CALL(TRY_RECV, 0, 0)}},
};

CHANNEL_HISTORY_OF(scene) = CHANNEL_SPECIFICATION(1, &scene.shapes);

CKF_STRESS_CASE(channel_linearizable) = {
    .id = "channel-linearizable",
    CHANNEL_HISTORY_CASE(scene),
    .title = "sends, receives and a close of all kinds, by three callers",
    .story =
        "Go panics when a send meets a close, so code looks first whether the channel is closed. "
        "The twin looks, and sends a moment later: a send that is accepted after a receiver "
        "was told that there is nothing more.",
    .operations = {&racy_late_push_channel, &mutex_channel, &atomic_channel},
};
