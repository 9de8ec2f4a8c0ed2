/* stress/cases/channel_promised_linearizable.c - calls of all kinds on channels whose ends are promised:
 * in each, one caller sends, one receives, and a third one closes or looks.
 *
 * Oracle: the calls have an order, within their intervals, that is a queue.
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

static const struct channel_scene mixed = {
    .shapes = {{{.capacity = 1}}},
    .channels = 1,
    .scripts = {{CALL(SEND, 1, 0), CALL(SEND_WITHIN, 2, 0), CALL(TRY_SEND, 3, 0)},
                {CALL(RECV, 0, 0), CALL(TRY_RECV, 0, 0), CALL(RECV_WITHIN, 0, 0)},
                {CALL(LEN, 0, 0), CALL(CLOSE, 0, 0), CALL(IS_CLOSED, 0, 0)}},
};
CHANNEL_HISTORY_OF(mixed) = CHANNEL_SPECIFICATION(1, &mixed.shapes);

/* Each sends in one channel and then looks for what the other has sent in the other one. */
static const struct channel_scene crossed = {
    .shapes = {{{.capacity = 1}, {.capacity = 2}}},
    .channels = 2,
    .scripts = {{CALL(TRY_SEND, 1, 0), CALL(TRY_RECV, 0, 1), CALL(TRY_SEND, 2, 0)},
                {CALL(TRY_SEND, 3, 1), CALL(TRY_RECV, 0, 0), CALL(IS_READY, READY_TO_SEND, 1)},
                {CALL(IS_READY, 0, 0), CALL(LEN, 0, 1), CALL(CLOSE, 0, 1)}},
};
CHANNEL_HISTORY_OF(crossed) = CHANNEL_SPECIFICATION(2, &crossed.shapes);

/* Nobody has waited for the closer when it asks. */
static const struct channel_scene closed = {
    .shapes = {{{.capacity = 1}}},
    .channels = 1,
    .scripts = {{CALL(TRY_SEND, 1, 0), CALL(TRY_SEND, 2, 0), CALL(IS_CLOSED, 0, 0)},
                {CALL(CLOSE, 0, 0), CALL(TRY_RECV, 0, 0)},
                {CALL(IS_CLOSED, 0, 0), CALL(IS_CLOSED, 0, 0), CALL(LEN, 0, 0)}},
};
CHANNEL_HISTORY_OF(closed) = CHANNEL_SPECIFICATION(1, &closed.shapes);

static const struct channel_scene batches = {
    .shapes = {{{.capacity = 3}}},
    .channels = 1,
    .before = {7},
    .scripts = {{CALL(SEND_MANY, 1, 0), CALL(SEND_MANY, 3, 0), CALL(TRY_SEND, 5, 0)},
                {CALL(RECV_MANY, 0, 0), CALL(RECV_MANY, 0, 0), CALL(TRY_RECV, 0, 0)},
                {CALL(CLOSE, 0, 0), CALL(LEN, 0, 0)}},
};
CHANNEL_HISTORY_OF(batches) = CHANNEL_SPECIFICATION(1, &batches.shapes);

static const struct channel_scene selected = {
    .shapes = {{{.capacity = 1}, {.capacity = 1}}},
    .channels = 2,
    .scripts = {{CALL(TRY_SEND, 1, 0), CALL(TRY_SEND, 2, 0)},
                {CALL(SELECT, 0, 0), CALL(SELECT, 0, 1), CALL(SELECT, 0, 0)},
                {CALL(TRY_SEND, 3, 1), CALL(CLOSE, 0, 0)}},
};
CHANNEL_HISTORY_OF(selected) = CHANNEL_SPECIFICATION(2, &selected.shapes);

#define PROMISED .operations = {NULL, &promised_mutex_channel, &promised_atomic_channel}

CKF_STRESS_CASE(channel_promised_linearizable) = {
    .id = "channel-promised-linearizable",
    CHANNEL_HISTORY_CASE(mixed),
    .title = "a promised sender, a promised receiver, and somebody who closes",
    PROMISED,
};
CKF_STRESS_CASE(channel_promised_again_linearizable) = {
    .id = "channel-promised-again-linearizable",
    CHANNEL_HISTORY_CASE(crossed),
    .title = "two promised channels: each sends in one and finds the other empty",
    PROMISED,
};
CKF_STRESS_CASE(channel_promised_close_linearizable) = {
    .id = "channel-promised-close-linearizable",
    CHANNEL_HISTORY_CASE(closed),
    .title = "a promised channel is closed, and others ask whether it is",
    PROMISED,
};
CKF_STRESS_CASE(channel_promised_batch_linearizable) = {
    .id = "channel-promised-batch-linearizable",
    CHANNEL_HISTORY_CASE(batches),
    .title = "a promised sender and a promised receiver of several at once",
    PROMISED,
};
CKF_STRESS_CASE(channel_promised_select_linearizable) = {
    .id = "channel-promised-select-linearizable",
    CHANNEL_HISTORY_CASE(selected),
    .title = "a select that does not wait, over two promised channels",
    PROMISED,
};
