/* stress/cases/channel_send_after_close.c - "closed?" is checked, then the send happens.
 *
 * Oracle: a send is accepted and received, or refused; nobody is ended. Result: never otherwise.
 */
#include "../racy/channels.h"
#include "channel_traffic.h"

/* What senders have left in a channel that nobody receives from meanwhile. */
static void drain(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->close(((struct channel_traffic *)state)->channel);
    traffic_consumer(run, state);
    traffic_compare(run, state);
}

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = state;
    s->channel = operations->create(2, 0, 0);
}

CKF_STRESS_CASE(channel_send_after_close) = {
    .id = "channel-send-after-close",
    .collection = "channel",
    .title = "the channel is asked whether it is closed, and then the send happens",
    .story = "`if !closed { ch <- v }`: the close comes between the question and the send, and Go "
             "answers with `panic: send on closed channel`.",
    .operations = {&racy_checked_send_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct channel_traffic),
    .setup = setup,
    .actors = {{"producer", traffic_producer, TRAFFIC_PRODUCERS},
               {"closer", traffic_closer, 1},
               {"consumer", traffic_consumer, 1}},
    .arbiter = traffic_compare,
    .teardown = traffic_teardown,
    .rounds = 20,
    .explore_rounds = 1,
    .explore_copies = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "what was accepted was received"},
                 {"abort", CKF_STRESS_FORBIDDEN, "a send met the close and ended the program"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element was not received"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};

CKF_STRESS_CASE(channel_senders_meet_close) = {
    .id = "channel-senders-meet-close",
    .collection = "channel",
    .title = "two senders and a close meet in a channel that nobody receives from",
    .operations = {NULL, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct channel_traffic),
    .setup = setup,
    .actors = {{"producer", traffic_producer, TRAFFIC_PRODUCERS}, {"closer", traffic_closer, 1}},
    .arbiter = drain,
    .teardown = traffic_teardown,
    .rounds = 1,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "what was accepted was there"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element was not received"},
                 {"duplicate element", CKF_STRESS_FORBIDDEN, "one element was received twice"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
