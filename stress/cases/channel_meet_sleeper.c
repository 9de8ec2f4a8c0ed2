/* stress/cases/channel_meet_sleeper.c - two senders that never wait find one sleeping receiver, which gives
 * up by itself after a while.
 *
 * Oracle: who was told "sent" was received, once. Result: never otherwise. It is also the case in
 * which a stopped receiver must stop no sender.
 */
#include "../racy/channels.h"
#include "channel_traffic.h"

enum { RECEIVES = 2 };

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ((struct channel_traffic *)state)->channel = operations->create(0, 0, 0);
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        s->accepted[ckf_stress_copy(run)] += operations->try_send(s->channel, i) == CKF_OK;
}

static void receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = state;
    uint64_t value;
    for (int i = 0; i < RECEIVES; i++)
        s->received += operations->recv_within(s->channel, &value, 20000) == CKF_OK;
}

CKF_STRESS_CASE(channel_meet_sleeper) = {
    .id = "channel-meet-sleeper",
    .collection = "channel",
    .title = "two senders that never wait find one sleeping receiver",
    .story = "A flag says that a receiver waits. Two senders look at it, both hand over, and one "
             "element "
             "is written over the other: only a claim by compare-and-swap makes one of them the "
             "giver.",
    .operations = {&racy_unclaimed_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct channel_traffic),
    .setup = setup,
    .actors = {{"sender", sender, TRAFFIC_PRODUCERS}, {"receiver", receiver, 1}},
    .arbiter = traffic_compare,
    .teardown = traffic_teardown,
    .rounds = 50,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "what was accepted was received"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element was not received"},
                 {"duplicate element", CKF_STRESS_FORBIDDEN, "more was received than accepted"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
