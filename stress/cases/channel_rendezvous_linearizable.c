/* stress/cases/channel_rendezvous_linearizable.c - a rendezvous by three callers: sends, receives and
 * a close, of all kinds.
 *
 * Oracle: each element changes hands at a moment within both calls, or both say that it did not.
 */
#include "channel_history.h"

#include <ck_filter/channel.h>
#include <ck_filter/stress.h>

#include "../racy/channel_histories.h"

static const struct channel_scene scene = {
    .shapes = {{{.capacity = 0}}},
    .channels = 1,
    .scripts = {{CALL(SEND, 1, 0), CALL(SEND_WITHIN, 2, 0), CALL(CLOSE, 0, 0)},
                {CALL(RECV_WITHIN, 0, 0), CALL(RECV, 0, 0)},
                {CALL(TRY_SEND, 3, 0), CALL(RECV_WITHIN, 0, 0), CALL(CLOSE, 0, 0)}},
};

CHANNEL_HISTORY_OF(scene) = CHANNEL_SPECIFICATION(1, &scene.shapes);

CKF_STRESS_CASE(channel_rendezvous_linearizable) = {
    .id = "channel-rendezvous-linearizable",
    CHANNEL_HISTORY_CASE(scene),
    .title = "a rendezvous: sends, receives and a close of all kinds, by three callers",
    .story = "A send with a time-out wakes up, sees that nobody has come, and takes its offer back "
             "a moment later: somebody has come by then. The element is received, and the sender "
             "keeps it as well.",
    .operations = {&racy_late_withdrawal_channel, &mutex_channel, &atomic_channel},
};
