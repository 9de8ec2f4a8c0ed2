/* stress/cases/channel_false_empty.c - a channel that is never empty says that it is.
 *
 * Oracle: who puts an element in before taking one out always finds one, and who takes one out first
 * always finds room. Result: never "nothing there".
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

enum { PLACES = 4 };

struct state {
    void *elements, *room; /* one is nearly empty, the other nearly full */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->elements = operations->create(PLACES, 0, 0);
    s->room = operations->create(PLACES, 0, 0);
    for (uint64_t i = 0; i < PLACES; i++)
        if (operations->try_send(s->room, i) != CKF_OK)
            ckf_stress_outcome(run, "false full");
}

static void recycler(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        if (operations->try_send(s->elements, i) != CKF_OK)
            ckf_stress_outcome(run, "false full");
        if (operations->try_recv(s->elements, &value) != CKF_OK)
            ckf_stress_outcome(run, "false empty");
        if (operations->try_recv(s->room, &value) != CKF_OK)
            ckf_stress_outcome(run, "false empty");
        if (operations->try_send(s->room, i) != CKF_OK)
            ckf_stress_outcome(run, "false full");
    }
    ckf_stress_outcome(run, "found");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    operations->destroy(s->elements);
    operations->destroy(s->room);
}

CKF_STRESS_CASE(channel_false_empty) = {
    .id = "channel-false-empty",
    .collection = "channel",
    .title = "a channel that is never empty says that it is",
    .story = "A ring hands out tickets. A sender that has its ticket and has not published its "
             "element hides those of the senders after it.",
    .operations = {&racy_ticket_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"recycler", recycler, 2}},
    .teardown = teardown,
    .rounds = 8,
    .outcomes = {{"found", CKF_STRESS_ACCEPTABLE, "there was always an element, and always room"},
                 {"false empty", CKF_STRESS_FORBIDDEN, "an element was there and was not found"},
                 {"false full", CKF_STRESS_FORBIDDEN, "there was room and it was not found"}},
};
