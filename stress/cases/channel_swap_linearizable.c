/* stress/cases/channel_swap_linearizable.c - an element goes to and fro between two channels, and is
 * always in one of them; a select over both does not wait.
 *
 * Oracle: the select gets the element, or says that nothing was ready only if it has been taken.
 * Each single look at a channel may well find it empty.
 */
#include <ck_filter/stress.h>

#include "../racy/channel_histories.h"
#include "../specs/channel.h"
#include "channels.h"

struct state {
    void *channels[2];
};

static const struct channel_shapes shapes = {{{.capacity = 2}, {.capacity = 2}}};
static const struct ckf_stress_specification specification = CHANNEL_SPECIFICATION(2, &shapes);

static enum ckf_status put(struct ckf_stress_run *run, struct state *s, uint64_t element,
                           unsigned channel)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ckf_stress_call(run, CHANNEL_TRY_SEND, 0, element, channel);
    enum ckf_status status = operations->try_send(s->channels[channel], element);
    ckf_stress_return(run, status, 0);
    return status;
}

static enum ckf_status get(struct ckf_stress_run *run, struct state *s, unsigned channel)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    uint64_t element = 0;
    ckf_stress_call(run, CHANNEL_TRY_RECV, 0, 0, channel);
    enum ckf_status status = operations->try_recv(s->channels[channel], &element);
    ckf_stress_return(run, status, element);
    return status;
}

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < 2; i++)
        s->channels[i] = operations->create(2, 0, 0);
    (void)put(run, s, 1, 1);
}

static void selector(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    enum ckf_status status = CKF_AGAIN;
    for (unsigned i = 0; i < ckf_stress_rounds(run) && status == CKF_AGAIN; i++) {
        uint64_t element = 0;
        size_t from = 0;
        ckf_stress_call(run, CHANNEL_SELECT, 0, 2, 1);
        status = operations->select_now(s->channels, &element, &from);
        ckf_stress_value(run, 0, channel_select_case(0, false, 0));
        ckf_stress_value(run, 1, channel_select_case(1, false, 0));
        ckf_stress_value(run, CKF_STRESS_VALUES - 1, element);
        ckf_stress_return(run, status, from);
    }
}

/* Puts a new element into the one channel before it takes the old one out of the other. */
static void swapper(struct ckf_stress_run *run, void *state)
{
    for (unsigned i = 1; i <= 2 * ckf_stress_rounds(run); i++) {
        (void)put(run, state, 1 + i, (i + 1) % 2);
        if (get(run, state, i % 2) != CKF_OK)
            return; /* the select was faster */
    }
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < 2; i++)
        operations->destroy(((struct state *)state)->channels[i]);
}

CKF_STRESS_CASE(channel_swap_linearizable) = {
    .id = "channel-swap-linearizable",
    .collection = "channel",
    .title =
        "a select that does not wait, over two channels that an element goes to and fro between",
    .story = "As many looks as you like, one after the other, find nothing: each time, the element "
             "is in "
             "the other channel. Only looks that tell moments apart can know.",
    .operations = {&racy_select_in_turn_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"selector", selector, 1}, {"swapper", swapper, 1}},
    .teardown = teardown,
    .rounds = 14,
    .explore_rounds = 6,
    .specification = &specification,
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE,
                  "the calls have an order that explains their results"},
                 {"not linearizable", CKF_STRESS_FORBIDDEN, "no order of the calls explains them"}},
};
