/* stress/cases/channel_stalled_producer.c - a producer stops in the middle of a send, and consumers starve.
 *
 * Oracle: an element that was sent can be received, wherever another producer stands still.
 * Result: always. (The progress checker stops the producer at each of its steps for ever.)
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

struct state {
    void *channel;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->channel = operations->create(8, 0, 0);
}

static void stalled_producer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    if (operations->try_send(((struct state *)state)->channel, 1) != CKF_OK)
        ckf_stress_outcome(run, "refused");
}

static void other_producer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    void *channel = ((struct state *)state)->channel;
    uint64_t value;
    if (operations->try_send(channel, 2) != CKF_OK)
        ckf_stress_outcome(run, "refused");
    bool received = operations->try_recv(channel, &value) == CKF_OK;
    ckf_stress_outcome(run, received ? "received" : "starved");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_stalled_producer) = {
    .id = "channel-stalled-producer",
    .collection = "channel",
    .title = "a producer stops in the middle of a send, and consumers starve",
    .story = "It has claimed the next place of a ring and not filled it, when the scheduler, a "
             "signal or a debugger stops it. What others send goes behind that place.",
    .operations = {&racy_ticket_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"stalled producer", stalled_producer, 1}, {"other producer", other_producer, 1}},
    .teardown = teardown,
    .outcomes = {{"received", CKF_STRESS_ACCEPTABLE, "an element was there and was received"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a send found no room where there was some"},
                 {"starved", CKF_STRESS_FORBIDDEN, "the sent element is out of reach"}},
};
