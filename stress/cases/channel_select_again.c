/* stress/cases/channel_select_again.c - an element moves between two channels, and a select that looks
 * at both finds none.
 *
 * Oracle: one of the two always holds an element, so the select takes one.
 * Result: never "nothing ready".
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
        s->channels[i] = operations->create(32, 0, 0);
    if (operations->send(s->channels[0], 1) != CKF_OK)
        ckf_stress_outcome(run, "refused");
}

/* Puts one in before it takes one out. */
static void mover(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        if (operations->send(s->channels[(i + 1) % 2], 2) != CKF_OK)
            ckf_stress_outcome(run, "refused");
        operations->try_recv(s->channels[i % 2], &value);
    }
}

static void selector(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    size_t from;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        if (operations->select_now(s->channels, &value, &from) != CKF_OK)
            ckf_stress_outcome(run, "none ready");
        else if (operations->send(s->channels[0], value) != CKF_OK)
            ckf_stress_outcome(run, "refused");
    }
    ckf_stress_outcome(run, "taken");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (int i = 0; i < 2; i++)
        operations->destroy(((struct state *)state)->channels[i]);
}

CKF_STRESS_CASE(channel_select_again) = {
    .id = "channel-select-again",
    .collection = "channel",
    .title = "an element moves between two channels, and a select of both finds neither ready",
    .story =
        "A select with a default looks at its channels one after the other. Each is empty when "
        "it is looked at; there is no moment at which both are.",
    .operations = {&racy_one_by_one_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"mover", mover, 1}, {"selector", selector, 1}},
    .teardown = teardown,
    .rounds = 16,
    .explore_rounds = 2,
    .outcomes = {{"taken", CKF_STRESS_ACCEPTABLE, "the select found the element"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed on an open channel"},
                 {"none ready", CKF_STRESS_FORBIDDEN, "one was ready at each moment"}},
};
