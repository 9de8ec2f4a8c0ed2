/* stress/cases/channel_len_range.c - the length is read while elements come and go.
 *
 * Oracle: it lies between 0 and the capacity. Result: never outside.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

enum { PLACES = 2 };

struct state {
    void *channel;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->channel = operations->create(PLACES, 0, 0);
}

static void passer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    void *channel = ((struct state *)state)->channel;
    uint64_t value;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        if (operations->try_send(channel, i) != CKF_OK ||
            operations->try_recv(channel, &value) != CKF_OK)
            ckf_stress_outcome(run, "refused");
}

static void observer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        if (operations->len(((struct state *)state)->channel) > PLACES)
            ckf_stress_outcome(run, "out of range");
    ckf_stress_outcome(run, "in range");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_len_range) = {
    .id = "channel-len-range",
    .collection = "channel",
    .title = "the length is read while elements come and go",
    .story = "The number of sends is read first and the number of receives later: their difference "
             "goes below zero.",
    .operations = {&racy_narrow_len_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"passer", passer, 1}, {"observer", observer, 1}},
    .teardown = teardown,
    .rounds = 32,
    .explore_rounds = 2,
    .outcomes = {{"in range", CKF_STRESS_ACCEPTABLE, "between 0 and the capacity"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed that had to succeed"},
                 {"out of range", CKF_STRESS_FORBIDDEN, "a length that never was"}},
};
