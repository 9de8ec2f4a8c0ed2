/* stress/cases/channel_lost_wakeup.c - a receiver goes to sleep as an element arrives.
 *
 * Oracle: it receives the element. Result: never asleep while an element waits.
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
    s->channel = operations->create(8, 0, 0);
}

static void receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    uint64_t value;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        if (operations->recv(((struct state *)state)->channel, &value) != CKF_OK)
            ckf_stress_outcome(run, "refused");
    ckf_stress_outcome(run, "received");
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        if (operations->send(((struct state *)state)->channel, i) != CKF_OK)
            ckf_stress_outcome(run, "refused");
        ckf_stress_pause(run);
    }
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_lost_wakeup) = {
    .id = "channel-lost-wakeup",
    .collection = "channel",
    .title = "a receiver goes to sleep just as an element arrives",
    .operations = {&racy_late_sleeper_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"receiver", receiver, 1}, {"sender", sender, 1}},
    .teardown = teardown,
    .rounds = 8,
    .explore_rounds = 2,
    .outcomes = {{"received", CKF_STRESS_ACCEPTABLE, "every element reached the receiver"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed on an open channel"},
                 {"hang", CKF_STRESS_FORBIDDEN, "the receiver sleeps while an element waits"}},
};
