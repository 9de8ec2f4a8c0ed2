/* stress/cases/channel_lost_room.c - a sender goes to sleep as room is made.
 *
 * Oracle: it sends. Result: never asleep while there is room.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

static const size_t shapes[] = {1, 1 | CHANNEL_LARGE, 3};
enum { SHAPES = sizeof shapes / sizeof *shapes };

struct state {
    void *channels[SHAPES];
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (int i = 0; i < SHAPES; i++) {
        s->channels[i] = operations->create(shapes[i], 0, 0);
        for (uint64_t n = 0; n < channel_places(shapes[i]); n++)
            if (operations->send(s->channels[i], n) != CKF_OK)
                ckf_stress_outcome(run, "refused");
    }
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (int i = 0; i < SHAPES; i++)
        if (operations->send(((struct state *)state)->channels[i], 7) != CKF_OK)
            ckf_stress_outcome(run, "refused");
    ckf_stress_outcome(run, "sent");
}

static void taker(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    uint64_t value;
    for (int i = 0; i < SHAPES; i++) {
        ckf_stress_pause(run);
        if (operations->recv(((struct state *)state)->channels[i], &value) != CKF_OK)
            ckf_stress_outcome(run, "refused");
    }
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (int i = 0; i < SHAPES; i++)
        operations->destroy(((struct state *)state)->channels[i]);
}

CKF_STRESS_CASE(channel_lost_room) = {
    .id = "channel-lost-room",
    .collection = "channel",
    .title = "a sender goes to sleep just as room is made",
    .operations = {&racy_late_sender_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"sender", sender, 1}, {"taker", taker, 1}},
    .teardown = teardown,
    .outcomes = {{"sent", CKF_STRESS_ACCEPTABLE, "the sender found the room"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed on an open channel"},
                 {"hang", CKF_STRESS_FORBIDDEN, "a sender sleeps while there is room"}},
};
