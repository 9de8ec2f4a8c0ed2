/* stress/cases/channel_done_linearizable.c - producers, and consumers, are counted down while others send
 * and receive
 *
 * Oracle: exactly the last one closes, and the channel is closed from that moment on.
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

#include "../racy/channel_histories.h"

static const struct channel_scene producers = {
    .shapes = {{{.capacity = 1, .producers = 2}}},
    .channels = 1,
    .scripts = {{CALL(TRY_SEND, 1, 0), CALL(PRODUCER_DONE, 0, 0), CALL(TRY_SEND, 2, 0)},
                {CALL(PRODUCER_DONE, 0, 0), CALL(IS_CLOSED, 0, 0)},
                {CALL(RECV_WITHIN, 0, 0), CALL(ADD_PRODUCER, 0, 0), CALL(IS_CLOSED, 0, 0)}},
};
CHANNEL_HISTORY_OF(producers) = CHANNEL_SPECIFICATION(1, &producers.shapes);

static const struct channel_scene consumers = {
    .shapes = {{{.capacity = 1, .consumers = 2}}},
    .channels = 1,
    .scripts = {{CALL(SEND, 1, 0), CALL(SEND, 2, 0), CALL(IS_CLOSED, 0, 0)},
                {CALL(TRY_RECV, 0, 0), CALL(CONSUMER_DONE, 0, 0), CALL(IS_CLOSED, 0, 0)},
                {CALL(ADD_CONSUMER, 0, 0), CALL(CONSUMER_DONE, 0, 0), CALL(CONSUMER_DONE, 0, 0)}},
};
CHANNEL_HISTORY_OF(consumers) = CHANNEL_SPECIFICATION(1, &consumers.shapes);

CKF_STRESS_CASE(channel_done_linearizable) = {
    .id = "channel-done-linearizable",
    CHANNEL_HISTORY_CASE(producers),
    .title = "producers are counted down while others send and receive",
    .story = "`if (--producers == 0) close(ch)`: the two that come at the same time both leave one "
             "behind, and the receivers wait for ever.",
    .operations = {&racy_counted_down_channel, &mutex_channel, &atomic_channel},
};

CKF_STRESS_CASE(channel_consumers_linearizable) = {
    .id = "channel-consumers-linearizable",
    CHANNEL_HISTORY_CASE(consumers),
    .title = "consumers are counted down while somebody sends",
    .operations = {&racy_counted_down_channel, &mutex_channel, &atomic_channel},
};
