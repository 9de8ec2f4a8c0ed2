/* stress/cases/channel_two_sleepers.c - two elements arrive for two sleepers, and one of them wakes.
 *
 * Oracle: both receivers receive. Result: nobody sleeps while an element waits.
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
    s->channel = operations->create(4, 0, 0);
}

static void receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    uint64_t value;
    bool received = operations->recv(((struct state *)state)->channel, &value) == CKF_OK;
    ckf_stress_outcome(run, received ? "received" : "refused");
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    for (uint64_t i = 0; i < 2; i++)
        if (operations->send(((struct state *)state)->channel, i) != CKF_OK)
            ckf_stress_outcome(run, "refused");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_two_sleepers) = {
    .id = "channel-two-sleepers",
    .collection = "channel",
    .title = "two elements arrive for two sleepers, and one of them wakes",
    .story = "A send says by a flag that somebody may wake. The second one finds the flag set.",
    .operations = {&racy_one_flag_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"receiver", receiver, 2}, {"sender", sender, 1}},
    .teardown = teardown,
    .outcomes = {{"received", CKF_STRESS_ACCEPTABLE, "both received"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed on an open channel"},
                 {"hang", CKF_STRESS_FORBIDDEN, "a receiver sleeps while an element waits"}},
};
