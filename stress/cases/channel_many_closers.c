/* stress/cases/channel_many_closers.c - each of several senders closes when it is done.
 *
 * Oracle: every element of every producer is received, then the channel is closed. Result: never less.
 */
#include "../racy/channels.h"
#include "channel_traffic.h"

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = state;
    s->channel = operations->create(2, TRAFFIC_PRODUCERS, 0);
}

static void producer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        if (operations->send(s->channel, i) != CKF_OK)
            ckf_stress_outcome(run, "refused");
        s->accepted[ckf_stress_copy(run)]++;
    }
    operations->producer_done(s->channel);
}

CKF_STRESS_CASE(channel_many_closers) = {
    .id = "channel-many-closers",
    .collection = "channel",
    .title = "each of several senders closes the channel when it is done",
    .story = "`defer close(ch)` in every sender, as the article has it: right for one sender, a "
             "panic for two. Counted producers close once, when the last one is done.",
    .operations = {&racy_defer_close_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct channel_traffic),
    .setup = setup,
    .actors = {{"producer", producer, TRAFFIC_PRODUCERS}, {"consumer", traffic_consumer, 1}},
    .arbiter = traffic_compare,
    .teardown = traffic_teardown,
    .rounds = 5,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "the last producer closed, nothing was lost"},
                 {"abort", CKF_STRESS_FORBIDDEN, "a second close, or a send after the first"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a producer was shut out by another's close"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element was not received"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
