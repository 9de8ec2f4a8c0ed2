/* stress/cases/channel_event_fd.c - a poller goes to sleep on its descriptor just as the channel becomes ready.
 *
 * Oracle: after "not now" the descriptor turns readable when something changes: an element, room, a
 * close. Result: always.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

/* What the poller waits for, in which channel. */
static const struct {
    size_t shape;
    bool room, close;
} scenes[] = {{4, false, false}, {1, true, false}, {CHANNEL_ENDLESS, false, false},
              {4, false, true},  {0, false, true}, {CHANNEL_ENDLESS, false, true}};
enum { SCENES = sizeof scenes / sizeof *scenes };

struct state {
    void *channels[SCENES];
    bool disappointed[SCENES]; /* the poller's: "not now" */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (int i = 0; i < SCENES; i++) {
        s->channels[i] = operations->create(scenes[i].shape, 0, 0);
        bool full = !scenes[i].room || operations->try_send(s->channels[i], 1) == CKF_OK;
        if (!full || !operations->readable(s->channels[i], scenes[i].room))
            ckf_stress_outcome(run, "refused"); /* a new descriptor is readable */
    }
}

static void poller(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    for (int i = 0; i < SCENES; i++) {
        enum ckf_status status = scenes[i].room ? operations->try_send(s->channels[i], 2)
                                                : operations->try_recv(s->channels[i], &value);
        s->disappointed[i] = status == CKF_AGAIN;
    }
}

static void changer(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value;
    enum ckf_status status = CKF_OK;
    for (int i = 0; i < SCENES; i++) {
        if (scenes[i].close)
            operations->close(s->channels[i]);
        else if (scenes[i].room)
            status = operations->try_recv(s->channels[i], &value);
        else
            status = operations->try_send(s->channels[i], 3);
        if (status != CKF_OK)
            ckf_stress_outcome(run, "refused");
    }
}

static void look(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (int i = 0; i < SCENES; i++)
        if (s->disappointed[i] && !operations->readable(s->channels[i], scenes[i].room))
            ckf_stress_outcome(run, "missed");
    ckf_stress_outcome(run, "told");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (int i = 0; i < SCENES; i++)
        operations->destroy(((struct state *)state)->channels[i]);
}

CKF_STRESS_CASE(channel_event_fd) = {
    .id = "channel-event-fd",
    .collection = "channel",
    .title = "a poller sleeps on its descriptor, and the channel is ready",
    .story = "The poller finds nothing and then clears the descriptor: what arrived in between has "
             "made it readable for nobody.",
    .operations = {&racy_deaf_poller_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"poller", poller, 1}, {"changer", changer, 1}},
    .arbiter = look,
    .teardown = teardown,
    .outcomes = {{"told", CKF_STRESS_ACCEPTABLE, "who was sent away was told to come again"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed that had to succeed"},
                 {"missed", CKF_STRESS_FORBIDDEN, "the poller would sleep for ever"}},
};
