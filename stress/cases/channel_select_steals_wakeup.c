/* stress/cases/channel_select_steals_wakeup.c - a select is woken for one channel and takes from the other.
 *
 * Oracle: the receiver of the first channel gets what the select did not take.
 * Result: never asleep while an element waits.
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
}

/* What it takes from the first channel was meant for the other receiver. */
static void selector(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    size_t from;
    if (operations->select(s->channels, &value, &from) != CKF_OK ||
        (from == 0 && operations->send(s->channels[0], value) != CKF_OK))
        ckf_stress_outcome(run, "refused");
}

static void receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    uint64_t value;
    bool received = operations->recv(((struct state *)state)->channels[0], &value) == CKF_OK;
    ckf_stress_outcome(run, received ? "received" : "refused");
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    ckf_stress_pause(run);
    for (uint64_t i = 0; i < 2; i++)
        if (operations->send(s->channels[i], i) != CKF_OK)
            ckf_stress_outcome(run, "refused");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (int i = 0; i < 2; i++)
        operations->destroy(((struct state *)state)->channels[i]);
}

CKF_STRESS_CASE(channel_select_steals_wakeup) = {
    .id = "channel-select-steals-wakeup",
    .collection = "channel",
    .title = "a select is woken for one channel, takes from the other, and tells nobody",
    .story = "Several libraries had it: the wake-up that a select, or a cancelled receive, had no "
             "use for was not passed on.",
    .operations = {&racy_keeping_select_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"selector", selector, 1}, {"receiver", receiver, 1}, {"sender", sender, 1}},
    .teardown = teardown,
    .outcomes = {{"received", CKF_STRESS_ACCEPTABLE, "the wake-up was passed on"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed on an open channel"},
                 {"hang", CKF_STRESS_FORBIDDEN, "a receiver sleeps while an element waits"}},
};
