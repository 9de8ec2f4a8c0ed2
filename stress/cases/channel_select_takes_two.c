/* stress/cases/channel_select_takes_two.c - one select completes two cases.
 *
 * Oracle: one element is received, the other one waits. Result: never lost.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

struct state {
    void *channels[2];
    uint64_t selected; /* elements that the select returned */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (int i = 0; i < 2; i++)
        s->channels[i] = operations->create(4, 0, 0);
}

static void selector(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    size_t from;
    s->selected = operations->select(s->channels, &value, &from) == CKF_OK;
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    if (operations->send(s->channels[ckf_stress_copy(run)], 1) != CKF_OK)
        ckf_stress_outcome(run, "refused");
}

static void find_elements(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value, left = 0;
    for (int i = 0; i < 2; i++)
        left += operations->try_recv(s->channels[i], &value) == CKF_OK;
    if (left + s->selected == 2)
        ckf_stress_outcome(run, "exactly one");
    else
        ckf_stress_outcome(run, left + s->selected < 2 ? "lost element" : "duplicate element");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (int i = 0; i < 2; i++)
        operations->destroy(((struct state *)state)->channels[i]);
}

CKF_STRESS_CASE(channel_select_takes_two) = {
    .id = "channel-select-takes-two",
    .collection = "channel",
    .title = "one select completes two of its cases",
    .operations = {&racy_two_claims_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"selector", selector, 1}, {"sender", sender, 2}},
    .arbiter = find_elements,
    .teardown = teardown,
    .outcomes = {{"exactly one", CKF_STRESS_ACCEPTABLE, "one element was taken, the other waits"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a send failed on an open channel"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "both were taken, one was returned"},
                 {"duplicate element", CKF_STRESS_FORBIDDEN, "an element was seen twice"},
                 {"hang", CKF_STRESS_FORBIDDEN, "the select sleeps while elements wait"}},
};
