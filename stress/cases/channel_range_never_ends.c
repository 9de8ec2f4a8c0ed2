/* stress/cases/channel_range_never_ends.c - receivers loop until close, and nobody closes.
 *
 * Oracle: the receivers come back. Result: never a thread parked for ever.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

enum { CONSUMERS = 2 };

struct state {
    void *channel;
    uint64_t received[CONSUMERS]; /* each consumer's own */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->channel = operations->create(4, 1, 0);
}

static void producer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        if (operations->send(s->channel, i) != CKF_OK)
            ckf_stress_outcome(run, "refused");
    operations->producer_done(s->channel);
}

static void consumer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    while (operations->recv(s->channel, &value) == CKF_OK)
        s->received[ckf_stress_copy(run)]++;
}

static void compare(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    bool exact = s->received[0] + s->received[1] == ckf_stress_rounds(run);
    ckf_stress_outcome(run, exact ? "exact" : "lost element");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_range_never_ends) = {
    .id = "channel-range-never-ends",
    .collection = "channel",
    .title = "receivers loop until the channel is closed, and nobody closes it",
    .story = "`for v := range ch` after a producer that returned without a word.",
    .operations = {&racy_silent_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"producer", producer, 1}, {"consumer", consumer, CONSUMERS}},
    .arbiter = compare,
    .teardown = teardown,
    .rounds = 8,
    .explore_rounds = 1,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "everything was received and the loops ended"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element was not received"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a send was refused before the end"},
                 {"hang", CKF_STRESS_FORBIDDEN, "the receivers are parked for ever"}},
};
