/* stress/cases/channel_select_deadlock.c - two selects on one pair of channels, named in opposite order.
 *
 * Oracle: both complete. Result: never stuck.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

struct state {
    void *channels[2];
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (int i = 0; i < 2; i++)
        s->channels[i] = operations->create(4, 0, 0);
    for (int i = 0; i < 2; i++)
        if (operations->send(s->channels[i], 1) != CKF_OK)
            ckf_stress_outcome(run, "refused");
}

static void selector(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    unsigned first = ckf_stress_copy(run);
    void *channels[2] = {s->channels[first], s->channels[1 - first]};
    uint64_t value;
    size_t from;
    enum ckf_status status = operations->select(channels, &value, &from);
    ckf_stress_outcome(run, status == CKF_OK ? "both completed" : "refused");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (int i = 0; i < 2; i++)
        operations->destroy(((struct state *)state)->channels[i]);
}

CKF_STRESS_CASE(channel_select_deadlock) = {
    .id = "channel-select-deadlock",
    .collection = "channel",
    .title = "two selects name the same two channels in opposite order",
    .operations = {&racy_lock_order_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"selector", selector, 2}},
    .teardown = teardown,
    .outcomes = {{"both completed", CKF_STRESS_ACCEPTABLE, "each select took one element"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed although elements were there"},
                 {"hang", CKF_STRESS_FORBIDDEN, "each select holds what the other one needs"}},
};
