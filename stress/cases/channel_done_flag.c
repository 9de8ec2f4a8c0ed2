/* stress/cases/channel_done_flag.c - stopping by a plain flag without a wake-up.
 *
 * Oracle: the worker has handled everything that was accepted, and stops. Result: never stuck.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

struct state {
    void *channel;
    uint64_t received; /* the worker's */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->channel = operations->create(8, 0, 0);
}

static void worker(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    while (operations->recv(s->channel, &value) == CKF_OK)
        s->received++;
}

static void owner(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        if (operations->send(s->channel, i) != CKF_OK)
            ckf_stress_outcome(run, "refused");
    operations->close(s->channel);
}

static void compare(struct ckf_stress_run *run, void *state)
{
    bool exact = ((struct state *)state)->received == ckf_stress_rounds(run);
    ckf_stress_outcome(run, exact ? "stopped" : "lost element");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_done_flag) = {
    .id = "channel-done-flag",
    .collection = "channel",
    .title = "a worker is stopped by a plain flag that wakes nobody",
    .story = "`done = true` instead of a close: the worker that sleeps does not see it.",
    .operations = {&racy_done_flag_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"worker", worker, 1}, {"owner", owner, 1}},
    .arbiter = compare,
    .teardown = teardown,
    .rounds = 3,
    .explore_rounds = 1,
    .outcomes = {{"stopped", CKF_STRESS_ACCEPTABLE, "everything was handled, then it stopped"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "it stopped before everything was handled"},
                 {"hang", CKF_STRESS_FORBIDDEN, "the worker never learned that it should stop"}},
};
