/* stress/cases/channel_destroy_too_early.c - the last receiver frees the channel while the sender still wakes it.
 *
 * Oracle: nobody touches the channel after it is gone. Result: never.
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
    s->channel = operations->create(1, 0, 0);
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    if (operations->send(((struct state *)state)->channel, 1) != CKF_OK)
        ckf_stress_outcome(run, "refused");
}

static void last_receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    void *channel = ((struct state *)state)->channel;
    uint64_t value;
    enum ckf_status status = operations->recv(channel, &value);
    operations->destroy(channel);
    ckf_stress_outcome(run, status == CKF_OK ? "received" : "refused");
}

CKF_STRESS_CASE(channel_destroy_too_early) = {
    .id = "channel-destroy-too-early",
    .collection = "channel",
    .title = "the last receiver frees the channel while the sender still wakes it",
    .story = "The sender has handed its element over and has one more thing to do: unlock, and "
             "wake the receiver. The receiver is done with the channel by then.",
    .operations = {&racy_touching_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"sender", sender, 1}, {"last receiver", last_receiver, 1}},
    .outcomes = {{"received", CKF_STRESS_ACCEPTABLE, "destroy waited for the sender to leave"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed on an open channel"},
                 {"use after free", CKF_STRESS_FORBIDDEN, "the sender touched the freed channel"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
