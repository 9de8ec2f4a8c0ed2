/* stress/cases/channel_double_close.c - two owners close.
 *
 * Oracle: exactly one close closes, the other is harmless. Result: never otherwise.
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
    s->channel = operations->create(1, 0, 0);
}

static void closer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->close(((struct state *)state)->channel);
}

static void look(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    uint64_t value;
    bool closed = operations->recv(((struct state *)state)->channel, &value) == CKF_CLOSED;
    ckf_stress_outcome(run, closed ? "closed" : "open");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_double_close) = {
    .id = "channel-double-close",
    .collection = "channel",
    .title = "two owners close one channel",
    .story = "`if !closed { close(ch) }` in two places: `panic: close of closed channel`.",
    .operations = {&racy_checked_close_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"closer", closer, 2}},
    .arbiter = look,
    .teardown = teardown,
    .outcomes = {{"closed", CKF_STRESS_ACCEPTABLE, "it is closed, and both closers went on"},
                 {"open", CKF_STRESS_FORBIDDEN, "neither close had an effect"},
                 {"abort", CKF_STRESS_FORBIDDEN, "the second close ended the program"}},
};
