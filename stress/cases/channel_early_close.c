/* stress/cases/channel_early_close.c - close while elements are queued or in flight.
 *
 * Oracle: every accepted element is received before "closed" is. Result: never less.
 */
#include "../racy/channels.h"
#include "channel_traffic.h"

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = state;
    s->channel = operations->create(3, 0, 0);
}

CKF_STRESS_CASE(channel_early_close) = {
    .id = "channel-early-close",
    .collection = "channel",
    .title = "the channel is closed while elements are queued or in flight",
    .operations = {&racy_discarding_channel, &mutex_channel, &atomic_channel},
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
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element was not received"},
                 {"duplicate element", CKF_STRESS_FORBIDDEN, "an element was received twice"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
