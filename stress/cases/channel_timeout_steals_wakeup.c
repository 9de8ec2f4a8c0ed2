/* stress/cases/channel_timeout_steals_wakeup.c - a waiter that times out absorbs a wake-up.
 *
 * Oracle: the patient receiver gets the element. Result: never asleep while an element waits.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

enum { PATIENCE_NS = 20000 };

struct state {
    void *channel;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->channel = operations->create(8, 0, 0);
}

static void hasty_receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    void *channel = ((struct state *)state)->channel;
    uint64_t value;
    int64_t patience = 1 + ckf_stress_random(run, PATIENCE_NS);
    if (operations->recv_within(channel, &value, patience) == CKF_OK &&
        operations->send(channel, value) != CKF_OK) /* it was meant for the other one */
        ckf_stress_outcome(run, "refused");
}

static void patient_receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    uint64_t value;
    enum ckf_status status = operations->recv(((struct state *)state)->channel, &value);
    ckf_stress_outcome(run, status == CKF_OK ? "received" : "refused");
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    if (operations->send(((struct state *)state)->channel, 1) != CKF_OK)
        ckf_stress_outcome(run, "refused");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_timeout_steals_wakeup) = {
    .id = "channel-timeout-steals-wakeup",
    .collection = "channel",
    .title = "a receiver that times out keeps the wake-up that another one needed",
    .operations = {&racy_thief_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"hasty receiver", hasty_receiver, 1},
               {"patient receiver", patient_receiver, 1},
               {"sender", sender, 1}},
    .teardown = teardown,
    .outcomes = {{"received", CKF_STRESS_ACCEPTABLE, "the element reached who was left waiting"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed on an open channel"},
                 {"hang", CKF_STRESS_FORBIDDEN, "a receiver sleeps while an element waits"}},
};
