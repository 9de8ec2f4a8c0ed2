/* stress/cases/channel_cancel_loses_element.c - a receiver is cancelled in the middle of a hand-over.
 *
 * Oracle: the element is received, by the cancelled receiver or later. Result: never lost.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

struct state {
    void *channel, *token;
    uint64_t received; /* the receiver's */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->channel = operations->create(1, 0, 0);
    s->token = operations->token_create(s->channel);
}

static void receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    s->received = operations->recv_unless(s->channel, &value, s->token) == CKF_OK;
}

static void canceler(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    operations->token_cancel(((struct state *)state)->token);
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    if (operations->send(((struct state *)state)->channel, 1) != CKF_OK)
        ckf_stress_outcome(run, "refused");
}

static void find_element(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    bool queued = operations->try_recv(s->channel, &value) == CKF_OK;
    if (queued + s->received == 1)
        ckf_stress_outcome(run, queued ? "kept" : "received");
    else
        ckf_stress_outcome(run, queued ? "duplicate element" : "lost element");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->token_destroy(((struct state *)state)->token);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_cancel_loses_element) = {
    .id = "channel-cancel-loses-element",
    .collection = "channel",
    .title = "a receiver that is cancelled in the middle of a hand-over drops the element",
    .operations = {&racy_dropping_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"receiver", receiver, 1}, {"canceler", canceler, 1}, {"sender", sender, 1}},
    .arbiter = find_element,
    .teardown = teardown,
    .outcomes = {{"received", CKF_STRESS_ACCEPTABLE, "the element came before the cancel"},
                 {"kept", CKF_STRESS_ACCEPTABLE, "the cancel came first, the element waits"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a send failed on an open channel"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "the element went with the cancel"},
                 {"duplicate element", CKF_STRESS_FORBIDDEN, "the element was received twice"}},
};
