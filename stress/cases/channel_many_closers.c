/* stress/cases/channel_many_closers.c - each of several senders closes when it is done.
 *
 * Oracle: every element of every producer is received, then the channel is closed. Result: never less.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

enum { PRODUCERS = 2 };

struct state {
    void *channel;
    uint64_t accepted[PRODUCERS]; /* each producer's own */
    uint64_t received;            /* the consumer's */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->channel = operations->create(2, PRODUCERS, 0);
}

static void producer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        if (operations->send(s->channel, i) != CKF_OK)
            ckf_stress_outcome(run, "refused");
        s->accepted[ckf_stress_copy(run)]++;
    }
    operations->producer_done(s->channel);
}

static void consumer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    while (operations->recv(s->channel, &value) == CKF_OK)
        s->received++;
}

static void compare(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t accepted = 0;
    for (int i = 0; i < PRODUCERS; i++)
        accepted += s->accepted[i];
    if (s->received == accepted)
        ckf_stress_outcome(run, "exact");
    else
        ckf_stress_outcome(run, s->received < accepted ? "lost element" : "duplicate element");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_many_closers) = {
    .id = "channel-many-closers",
    .collection = "channel",
    .title = "each of several senders closes the channel when it is done",
    .story = "`defer close(ch)` in every sender, as the article has it: right for one sender, a "
             "panic for two. Counted producers close once, when the last one is done.",
    .operations = {&racy_defer_close_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"producer", producer, PRODUCERS}, {"consumer", consumer, 1}},
    .arbiter = compare,
    .teardown = teardown,
    .rounds = 5,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "the last producer closed, nothing was lost"},
                 {"abort", CKF_STRESS_FORBIDDEN, "a second close, or a send after the first"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a producer was shut out by another's close"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element was not received"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
