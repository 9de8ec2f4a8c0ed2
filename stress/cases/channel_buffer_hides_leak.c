/* stress/cases/channel_buffer_hides_leak.c - a buffer of one hides the missing receiver.
 *
 * Oracle: the sender comes back. Result: never a thread parked for ever.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

struct state {
    void *channel;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->channel = operations->create(1, 0, 1);
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    enum ckf_status status = CKF_OK;
    for (int i = 0; i < 2 && status == CKF_OK; i++)
        status = operations->send(((struct state *)state)->channel, 1);
    ckf_stress_outcome(run, status == CKF_CLOSED ? "told" : "accepted");
}

static void receiver_that_gives_up(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    operations->consumer_done(((struct state *)state)->channel);
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_buffer_hides_leak) = {
    .id = "channel-buffer-hides-leak",
    .collection = "channel",
    .title = "a buffer of one hides the missing receiver until the second send",
    .story = "Giving the channel a buffer of one makes the symptom go away, until something is "
             "sent twice.",
    .operations = {&racy_silent_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"sender", sender, 1}, {"receiver", receiver_that_gives_up, 1}},
    .teardown = teardown,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"told", CKF_STRESS_ACCEPTABLE, "the sender learned that nobody receives"},
                 {"accepted", CKF_STRESS_FORBIDDEN, "more was accepted than there is room for"},
                 {"hang", CKF_STRESS_FORBIDDEN, "the sender is parked for ever"}},
};
