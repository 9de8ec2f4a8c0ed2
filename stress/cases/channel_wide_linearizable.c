/* stress/cases/channel_wide_linearizable.c - elements larger than a word, by three callers, with a close
 *
 * Oracle: the calls have an order that is a queue; a call in progress may hold a place.
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

static const struct channel_scene scene = {
    .shapes = {{{.capacity = 2, .large_elements = true}}},
    .channels = 1,
    .scripts = {{CALL(TRY_SEND, 1, 0), CALL(SEND, 2, 0), CALL(CLOSE, 0, 0)},
                {CALL(TRY_RECV, 0, 0), CALL(RECV, 0, 0), CALL(LEN, 0, 0)},
                {CALL(TRY_SEND, 3, 0), CALL(RECV, 0, 0)}},
};

CHANNEL_HISTORY_OF(scene) = CHANNEL_SPECIFICATION(1, &scene.shapes);

CKF_STRESS_CASE(channel_wide_linearizable) = {
    .id = "channel-wide-linearizable",
    CHANNEL_HISTORY_CASE(scene),
    .title = "elements larger than a word, by three callers, with a close",
    .operations = {NULL, &mutex_channel, &atomic_channel},
};
