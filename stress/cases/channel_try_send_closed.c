/* stress/cases/channel_try_send_closed.c - a send that never waits meets a close.
 *
 * Oracle: it is accepted and received, or refused; nobody is ended. Result: never otherwise.
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
    s->channel = operations->create(4, 0, 0);
}

static void producer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        enum ckf_status status = operations->try_send(s->channel, i);
        if (status == CKF_CLOSED)
            return;
        s->accepted[ckf_stress_copy(run)] += status == CKF_OK;
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

CKF_STRESS_CASE(channel_try_send_closed) = {
    .id = "channel-try-send-closed",
    .collection = "channel",
    .title = "a send that never waits meets a close",
    .story = "The article wraps its sends in `select { case ch <- v: default: }` and calls that "
             "safe: it never blocks, but on a closed channel it panics all the same. Asking "
             "`IsWritable` first only moves the race.",
    .operations = {&racy_select_default_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"producer", producer, PRODUCERS}, {"closer", closer, 1}, {"consumer", consumer, 1}},
    .arbiter = compare,
    .teardown = teardown,
    .rounds = 20,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "what was accepted was received"},
                 {"abort", CKF_STRESS_FORBIDDEN, "a send met the close and ended the program"},
                 {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element was not received"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
