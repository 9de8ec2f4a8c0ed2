/* stress/cases/channel_select_linearizable.c - a select that does not wait says that nothing was ready
 *
 * Oracle: there was one moment at which neither of its channels held an element.
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

#include "../racy/channel_histories.h"

static const struct channel_scene scene = {
    .shapes = {{{.capacity = 1}, {.capacity = 1}}},
    .channels = 2,
    .before = {0, 4},
    .scripts = {{CALL(SELECT, 0, 0), CALL(SELECT, 0, 0)},
                {CALL(TRY_SEND, 1, 0), CALL(TRY_RECV, 0, 1), CALL(CLOSE, 0, 1)},
                {CALL(TRY_RECV, 0, 0), CALL(TRY_SEND, 2, 1)}},
};

CHANNEL_HISTORY_OF(scene) = CHANNEL_SPECIFICATION(2, &scene.shapes);

CKF_STRESS_CASE(channel_select_linearizable) = {
    .id = "channel-select-linearizable",
    CHANNEL_HISTORY_CASE(scene),
    .title = "a select that does not wait says that nothing was ready",
    .story = "A select with a default tries its cases one after the other. While it is at one, "
             "elements come to those that it has been at: each was empty when it looked, but never "
             "both.",
    .operations = {&racy_select_in_turn_channel, &mutex_channel, &atomic_channel},
};
