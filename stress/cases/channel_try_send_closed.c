/* stress/cases/channel_try_send_closed.c - a send that never waits meets a close.
 *
 * Oracle: it is accepted and received, or refused; nobody is ended. Result: never otherwise.
 */
#include "../racy/channels.h"
#include "channel_traffic.h"

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = state;
    s->channel = operations->create(4, 0, 0);
}

static void producer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        enum ckf_status status = operations->try_send(s->channel, i);
        if (status == CKF_CLOSED)
            return;
        s->accepted[ckf_stress_copy(run)] += status == CKF_OK;
    }
}

CKF_STRESS_CASE(channel_try_send_closed) = {
    .id = "channel-try-send-closed",
    .collection = "channel",
    .title = "a send that never waits meets a close",
    .story = "The article wraps its sends in `select { case ch <- v: default: }` and calls that "
             "safe: it never blocks, but on a closed channel it panics all the same. Asking "
             "`IsWritable` first only moves the race.",
    .operations = {&racy_select_default_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct channel_traffic),
    .setup = setup,
    .actors = {{"producer", producer, TRAFFIC_PRODUCERS},
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
