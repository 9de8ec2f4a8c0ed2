/* stress/cases/channel_select_sends_linearizable.c - selects that send to one channel or receive from
 * another
 *
 * Oracle: one case has its effect, or none was ready at one moment; two selects on the same pair of
 * rendezvous meet in one of the channels.
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

#include "../racy/channel_histories.h"

static const struct channel_scene at_once = {
    .shapes = {{{.capacity = 1}, {.capacity = 1}}},
    .channels = 2,
    .before = {4, 5},
    .scripts = {{CALL(SELECT, 1, 0), CALL(SELECT, 2, 0)},
                {CALL(TRY_RECV, 0, 0), CALL(TRY_RECV, 0, 1)},
                {CALL(TRY_SEND, 3, 1), CALL(CLOSE, 0, 0)}},
};
CHANNEL_HISTORY_OF(at_once) = CHANNEL_SPECIFICATION(2, &at_once.shapes);

static const struct channel_scene meeting = {
    .shapes = {{{.capacity = 0}, {.capacity = 0}}},
    .channels = 2,
    .scripts = {{SELECT_THAT_WAITS(1, 0)},
                {SELECT_THAT_WAITS(2, 1)},
                {CALL(RECV_WITHIN, 0, 0), CALL(SEND_WITHIN, 3, 1), CALL(CLOSE, 0, 0)}},
};
CHANNEL_HISTORY_OF(meeting) = CHANNEL_SPECIFICATION(2, &meeting.shapes);

static const struct channel_scene mixed = {
    .shapes = {{{.capacity = 1}, {.capacity = 0}}},
    .channels = 2,
    .scripts = {{SELECT_THAT_WAITS(0, 0), SELECT_THAT_WAITS(1, 0), SELECT_THAT_WAITS(0, 1)},
                {CALL(SEND, 2, 0), CALL(SEND_WITHIN, 3, 1), CALL(CLOSE, 0, 1)},
                {CALL(TRY_SEND, 4, 0), CALL(SEND, 5, 1), CALL(CLOSE, 0, 0)}},
};
CHANNEL_HISTORY_OF(mixed) = CHANNEL_SPECIFICATION(2, &mixed.shapes);

CKF_STRESS_CASE(channel_select_sends_linearizable) = {
    .id = "channel-select-sends-linearizable",
    CHANNEL_HISTORY_CASE(at_once),
    .title = "selects that send or receive, and do not wait",
    .story =
        "There was no room for the send when it was tried, and nothing to receive when that was "
        "tried. But in the meantime there was room.",
    .operations = {&racy_select_in_turn_channel, &mutex_channel, &atomic_channel},
};

CKF_STRESS_CASE(channel_select_meets_linearizable) = {
    .id = "channel-select-meets-linearizable",
    CHANNEL_HISTORY_CASE(meeting),
    .title = "two selects that send or receive on the same pair of rendezvous",
    .operations = {NULL, &mutex_channel, &atomic_channel},
};

CKF_STRESS_CASE(channel_select_waits_linearizable) = {
    .id = "channel-select-waits-linearizable",
    CHANNEL_HISTORY_CASE(mixed),
    .title = "selects that wait for a bounded channel or a rendezvous",
    .operations = {NULL, &mutex_channel, &atomic_channel},
};
