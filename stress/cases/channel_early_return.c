/* stress/cases/channel_early_return.c - a send without a buffer returns before anybody has taken the element.
 *
 * Oracle: every accepted element is received. Result: never another count.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channel_traffic.h"

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = state;
    s->channel = operations->create(0, 0, 0);
}

CKF_STRESS_CASE(channel_early_return) = {
    .id = "channel-early-return",
    .collection = "channel",
    .title = "a send without a buffer returns before anybody has taken the element",
    .story = "The sender waits for its receiver by a condition without asking what woke it: the "
             "close did, and the send says that it succeeded.",
    .operations = {&racy_unguarded_wait_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct channel_traffic),
    .setup = setup,
    .actors = {{"producer", traffic_producer, TRAFFIC_PRODUCERS},
               {"closer", traffic_closer, 1},
               {"consumer", traffic_consumer, 1}},
    .arbiter = traffic_compare,
    .teardown = traffic_teardown,
    .rounds = 4,
    .explore_rounds = 1,
    .explore_copies = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "what was accepted was received"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "a send succeeded, and nobody received"},
                 {"duplicate element", CKF_STRESS_FORBIDDEN, "one element was received twice"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
