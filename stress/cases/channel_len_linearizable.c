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

static const struct channel_scene bounded_scene = {
    .shapes = {{{.capacity = 2}}},
    .channels = 1,
    .before = {4},
    .scripts = SCRIPTS,
};
static const struct ckf_stress_specification bounded =
    CHANNEL_SPECIFICATION(1, &bounded_scene.shapes);

static void setup_bounded(struct ckf_stress_run *run, void *state)
{
    channel_history_setup(run, state, &bounded_scene);
}

static const struct channel_scene unbounded_scene = {
    .shapes = {{{.capacity = CKF_UNBOUNDED}}},
    .channels = 1,
    .before = {4},
    .scripts = SCRIPTS,
};
static const struct ckf_stress_specification unbounded =
    CHANNEL_SPECIFICATION(1, &unbounded_scene.shapes);

static void setup_unbounded(struct ckf_stress_run *run, void *state)
{
    channel_history_setup(run, state, &unbounded_scene);
}

CKF_STRESS_CASE(channel_len_linearizable) = {
    .id = "channel-len-linearizable",
    CHANNEL_HISTORY_CASE,
    .title = "a channel is asked for its length, and whether it is ready",
    .story = "The length is a number beside the queue, and two threads count at the same time. The "
             "queue is right; what is said of it is wrong for ever.",
    .operations = {&racy_counted_len_channel, &mutex_channel, &atomic_channel},
    .setup = setup_bounded,
    .specification = &bounded,
};

CKF_STRESS_CASE(channel_len_unbounded_linearizable) = {
    .id = "channel-len-unbounded-linearizable",
    CHANNEL_HISTORY_CASE,
    .title = "the same without a bound",
    .operations = {NULL, &mutex_channel, &atomic_channel},
    .setup = setup_unbounded,
    .specification = &unbounded,
};
