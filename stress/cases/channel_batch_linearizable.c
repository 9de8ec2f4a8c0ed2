/* stress/cases/channel_batch_linearizable.c - batches, beside single calls and a close
 *
 * Oracle: each element of a batch has its moment within the call, one after the other, and the moments
 * of all calls are those of a queue (of two places, of any number, of none).
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

#include "../racy/channel_histories.h"

static const struct channel_scene bounded = {
    .shapes = {{{.capacity = 2}}},
    .channels = 1,
    .scripts = {{CALL(SEND_MANY, 1, 0), CALL(SEND_MANY, 3, 0), CALL(IS_CLOSED, 0, 0)},
                {CALL(RECV_MANY, 0, 0), CALL(RECV_MANY, 0, 0), CALL(RECV_MANY, 0, 0)},
                {CALL(TRY_SEND, 5, 0), CALL(CLOSE, 0, 0), CALL(IS_CLOSED, 0, 0)}},
};
CHANNEL_HISTORY_OF(bounded) = CHANNEL_SPECIFICATION(1, &bounded.shapes);

static const struct channel_scene unbounded = {
    .shapes = {{{.capacity = CKF_UNBOUNDED}}},
    .channels = 1,
    .scripts = {{CALL(SEND_MANY, 1, 0), CALL(SEND_MANY, 3, 0), CALL(CLOSE, 0, 0)},
                {CALL(RECV_MANY, 0, 0), CALL(RECV_MANY, 0, 0)},
                {CALL(TRY_SEND, 5, 0), CALL(RECV_MANY, 0, 0), CALL(IS_CLOSED, 0, 0)}},
};
CHANNEL_HISTORY_OF(unbounded) = CHANNEL_SPECIFICATION(1, &unbounded.shapes);

static const struct channel_scene rendezvous = {
    .shapes = {{{.capacity = 0}}},
    .channels = 1,
    .scripts = {{CALL(SEND_MANY, 1, 0), CALL(SEND_MANY, 3, 0)},
                {CALL(RECV_MANY, 0, 0), CALL(RECV_MANY, 0, 0)},
                {CALL(SEND_WITHIN, 5, 0), CALL(RECV_WITHIN, 0, 0), CALL(CLOSE, 0, 0)}},
};
CHANNEL_HISTORY_OF(rendezvous) = CHANNEL_SPECIFICATION(1, &rendezvous.shapes);

CKF_STRESS_CASE(channel_batch_linearizable) = {
    .id = "channel-batch-linearizable",
    CHANNEL_HISTORY_CASE(bounded),
    .title = "batches, beside single calls and a close",
    .story = "A batch is sent under one look at the flag: the channel was open when it began. Its "
             "last element goes in when it has been closed and drained, and nobody takes it out.",
    .operations = {&racy_late_push_channel, &mutex_channel, &atomic_channel},
};

CKF_STRESS_CASE(channel_batch_unbounded_linearizable) = {
    .id = "channel-batch-unbounded-linearizable",
    CHANNEL_HISTORY_CASE(unbounded),
    .title = "batches without a bound, beside single calls and a close",
    .operations = {NULL, &mutex_channel, &atomic_channel},
};

CKF_STRESS_CASE(channel_batch_rendezvous_linearizable) = {
    .id = "channel-batch-rendezvous-linearizable",
    CHANNEL_HISTORY_CASE(rendezvous),
    .title = "batches from hand to hand, and a close",
    .operations = {NULL, &mutex_channel, &atomic_channel},
};
