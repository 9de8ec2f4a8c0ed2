/* stress/cases/channel_index_wrap.c - full and empty at the wrap of the indices.
 *
 * Oracle: elements come out in order, each once. Result: never otherwise.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

enum { CAPACITY = 3, ELEMENTS = 600 };

struct state {
    void *channel;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->channel = operations->create(CAPACITY, 0, 0);
}

static void fill_and_drain(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    void *channel = ((struct state *)state)->channel;
    uint64_t sent = 0, received = 0, value;
    while (received < ELEMENTS) {
        while (operations->try_send(channel, sent) == CKF_OK)
            sent++;
        if (sent - received != CAPACITY)
            ckf_stress_outcome(run, "wrong capacity");
        while (operations->try_recv(channel, &value) == CKF_OK)
            if (value != received++)
                ckf_stress_outcome(run, "out of order");
        if (received != sent)
            ckf_stress_outcome(run, "false empty");
    }
    ckf_stress_outcome(run, "in order");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
}

CKF_STRESS_CASE(channel_index_wrap) = {
    .id = "channel-index-wrap",
    .collection = "channel",
    .title = "indices wrap in a ring whose capacity is no power of two",
    .operations = {&racy_narrow_index_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"owner", fill_and_drain, 1}},
    .teardown = teardown,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"in order", CKF_STRESS_ACCEPTABLE, "the ring did not notice the wrap"},
                 {"out of order", CKF_STRESS_FORBIDDEN, "the ring jumped to another slot"},
                 {"false empty", CKF_STRESS_FORBIDDEN, "elements were there and not found"},
                 {"wrong capacity", CKF_STRESS_FORBIDDEN, "more or less fitted than should"}},
};
