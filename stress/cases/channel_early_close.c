/* stress/cases/channel_early_close.c - close while elements are queued or in flight.
 *
 * Oracle: every accepted element is received before "closed" is. Result: never less.
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
    s->channel = operations->create(3, 0, 0);
}

static void producer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        if (operations->send(s->channel, i) != CKF_OK)
            return;
        s->accepted[ckf_stress_copy(run)]++;
    }
}

static void closer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    operations->close(((struct state *)state)->channel);
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

CKF_STRESS_CASE(channel_early_close) = {
    .id = "channel-early-close",
    .collection = "channel",
    .title = "the channel is closed while elements are queued or in flight",
    .operations = {&racy_discarding_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"producer", producer, PRODUCERS}, {"closer", closer, 1}, {"consumer", consumer, 1}},
    .arbiter = compare,
    .teardown = teardown,
    .rounds = 20,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "what was accepted was received"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element was not received"},
                 {"duplicate element", CKF_STRESS_FORBIDDEN, "an element was received twice"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
