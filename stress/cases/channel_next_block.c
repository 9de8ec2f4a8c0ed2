/* stress/cases/channel_next_block.c - the channel is closed while a sender installs its next block.
 *
 * Oracle: every accepted element is received. Result: never another count.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channel_traffic.h"

enum { BEFORE = 127 }; /* blocks have 128 cells */

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = state;
    uint64_t value;
    s->channel = operations->create(CHANNEL_ENDLESS, 0, 0);
    for (uint64_t i = 0; i < BEFORE; i++)
        if (operations->send(s->channel, i) != CKF_OK ||
            operations->recv(s->channel, &value) != CKF_OK)
            ckf_stress_outcome(run, "lost element");
}

CKF_STRESS_CASE(channel_next_block) = {
    .id = "channel-next-block",
    .collection = "channel",
    .title = "the channel is closed while a sender installs the next block",
    .story = "An unbounded channel links its blocks in two steps. A receiver that sees the close "
             "between them finds no block, and takes the channel for drained.",
    .operations = {&racy_late_block_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct channel_traffic),
    .setup = setup,
    .actors = {{"producer", traffic_producer, TRAFFIC_PRODUCERS},
               {"closer", traffic_closer, 1},
               {"consumer", traffic_consumer, 1}},
    .arbiter = traffic_compare,
    .teardown = traffic_teardown,
    .rounds = 3,
    .explore_rounds = 1,
    .flags = CKF_STRESS_COPES_WITHOUT_MEMORY,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "what was accepted was received"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element is out of reach"},
                 {"duplicate element", CKF_STRESS_FORBIDDEN, "one element was received twice"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
