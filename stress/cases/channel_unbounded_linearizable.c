/* stress/cases/channel_unbounded_linearizable.c - an unbounded channel, by three callers, with a close
 *
 * Oracle: the calls have an order, within their intervals, that is a queue.
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

static const struct channel_scene scene = {
    .shapes = {{{.capacity = CKF_UNBOUNDED}}},
    .channels = 1,
    .scripts = {{CALL(SEND, 1, 0), CALL(TRY_SEND, 2, 0), CALL(CLOSE, 0, 0)},
                {CALL(TRY_RECV, 0, 0), CALL(RECV, 0, 0), CALL(TRY_RECV, 0, 0)},
                {CALL(TRY_SEND, 3, 0), CALL(RECV_WITHIN, 0, 0)}},
};

CHANNEL_HISTORY_OF(scene) = CHANNEL_SPECIFICATION(1, &scene.shapes);

CKF_STRESS_CASE(channel_unbounded_linearizable) = {
    .id = "channel-unbounded-linearizable",
    CHANNEL_HISTORY_CASE(scene),
    .title = "an unbounded channel, by three callers, with a close",
    .operations = {NULL, &mutex_channel, &atomic_channel},
};
