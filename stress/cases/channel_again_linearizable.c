/* stress/cases/channel_again_linearizable.c - calls that do not wait say that they would have to
 *
 * Oracle: there was such a moment within the call (a queue of two places that one element is in).
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

#include "../racy/channel_histories.h"

static const struct channel_scene scene = {
    .shapes = {{{.capacity = 2}}},
    .channels = 1,
    .before = {4},
    .scripts = {{CALL(TRY_RECV, 0, 0), CALL(TRY_RECV, 0, 0)},
                {CALL(TRY_SEND, 1, 0), CALL(TRY_SEND, 2, 0)},
                {CALL(TRY_RECV, 0, 0), CALL(TRY_SEND, 3, 0)}},
};

CHANNEL_HISTORY_OF(scene) = CHANNEL_SPECIFICATION(1, &scene.shapes);

CKF_STRESS_CASE(channel_again_linearizable) = {
    .id = "channel-again-linearizable",
    CHANNEL_HISTORY_CASE(scene),
    .title = "calls that do not wait say that they would have to",
    .story = "Empty is when head and tail are equal; but the two were read one after the other. An "
             "element went in after the one look and another one out before the other: the channel "
             "was never empty.",
    .operations = {&racy_unlocked_look_channel, &mutex_channel, &atomic_channel},
};
