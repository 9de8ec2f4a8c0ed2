/* stress/cases/channel_buffer_hides_leak.c - a buffer of one hides the missing receiver.
 *
 * Oracle: the sender comes back. Result: never a thread parked for ever.
 */
#include "../racy/channels.h"
#include "channel_deserted.h"

enum { CAPACITY = 1 };

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ((struct deserted *)state)->channel = operations->create(CAPACITY, 0, 1);
}

static void sender(struct ckf_stress_run *run, void *state)
{
    deserted_send(run, state, CAPACITY);
}

CKF_STRESS_CASE(channel_buffer_hides_leak) = {
    .id = "channel-buffer-hides-leak",
    .collection = "channel",
    .title = "a buffer of one hides the missing receiver until the second send",
    .story = "Giving the channel a buffer of one makes the symptom go away, until something is "
             "sent twice.",
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
