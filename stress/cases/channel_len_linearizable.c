/* stress/cases/channel_len_linearizable.c - a channel is asked how much is in it, and whether it is ready
 *
 * Oracle: the length is exact when nothing moves, and never above the capacity; ready is what was so at
 * a moment of the call.
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

#include "../racy/channel_histories.h"

/* What each caller does; nobody waits. */
#define SCRIPTS                                                                                    \
    {                                                                                              \
        {CALL(TRY_SEND, 1, 0), CALL(TRY_RECV, 0, 0), CALL(LEN, 0, 0)},                             \
            {CALL(LEN, 0, 0), CALL(TRY_SEND, 2, 0), CALL(IS_READY, 0, 0)},                         \
            {CALL(IS_READY, READY_TO_SEND, 0), CALL(TRY_RECV, 0, 0), CALL(LEN, 0, 0)},             \
    }

static const struct channel_scene bounded = {
    .shapes = {{{.capacity = 2}}},
    .channels = 1,
    .before = {4},
    .scripts = SCRIPTS,
};
CHANNEL_HISTORY_OF(bounded) = CHANNEL_SPECIFICATION(1, &bounded.shapes);

static const struct channel_scene unbounded = {
    .shapes = {{{.capacity = CKF_UNBOUNDED}}},
    .channels = 1,
    .before = {4},
    .scripts = SCRIPTS,
};
CHANNEL_HISTORY_OF(unbounded) = CHANNEL_SPECIFICATION(1, &unbounded.shapes);

CKF_STRESS_CASE(channel_len_linearizable) = {
    .id = "channel-len-linearizable",
    CHANNEL_HISTORY_CASE(bounded),
    .title = "a channel is asked for its length, and whether it is ready",
    .story = "The length is a number beside the queue, and two threads count at the same time. The "
             "queue is right; what is said of it is wrong for ever.",
    .operations = {&racy_counted_len_channel, &mutex_channel, &atomic_channel},
};

CKF_STRESS_CASE(channel_len_unbounded_linearizable) = {
    .id = "channel-len-unbounded-linearizable",
    CHANNEL_HISTORY_CASE(unbounded),
    .title = "the same without a bound",
    .operations = {NULL, &mutex_channel, &atomic_channel},
};
