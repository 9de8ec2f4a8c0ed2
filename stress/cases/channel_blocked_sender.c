/* stress/cases/channel_blocked_sender.c - an unbuffered send, and nobody receives.
 *
 * Oracle: the sender comes back. Result: never a thread parked for ever.
 */
#include "../racy/channels.h"
#include "channel_deserted.h"

enum { CAPACITY = 0 };

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ((struct deserted *)state)->channel = operations->create(CAPACITY, 0, 1);
}

static void sender(struct ckf_stress_run *run, void *state)
{
    deserted_send(run, state, CAPACITY);
}

CKF_STRESS_CASE(channel_blocked_sender) = {
    .id = "channel-blocked-sender",
    .collection = "channel",
    .title = "an unbuffered send, and nobody receives",
    .story = "`ch <- result` in a goroutine whose caller has returned on a time-out: the goroutine "
             "leaks. Counted consumers close the channel when the last one is done.",
    .operations = {&racy_silent_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct deserted),
    .setup = setup,
    .actors = {{"sender", sender, 1}, {"receiver", deserted_receiver, 1}},
    .teardown = deserted_teardown,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"told", CKF_STRESS_ACCEPTABLE, "the sender learned that nobody receives"},
                 {"accepted", CKF_STRESS_FORBIDDEN, "more was accepted than there is room for"},
                 {"hang", CKF_STRESS_FORBIDDEN, "the sender is parked for ever"}},
};
