/* stress/cases/channel_plain_memory.c - memory without atomics changes hands with an element.
 *
 * Oracle: the receiver finds what was written before the send and before the close; the sender finds
 * what was written before the receive that made room. Result: never anything else.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

/* Each kind of core, and each way for an element to travel. */
static const size_t shapes[] = {0, 1, 1 | CHANNEL_LARGE, CHANNEL_ENDLESS,
                                CHANNEL_ENDLESS | CHANNEL_LARGE};
enum { SHAPES = sizeof shapes / sizeof *shapes };

struct scene {
    void *channel;
    uint64_t sent[2], returned, last; /* plain */
};

struct state {
    struct scene scenes[SHAPES];
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (int i = 0; i < SHAPES; i++)
        s->scenes[i].channel = operations->create(shapes[i], 0, 0);
}

static void expect(struct ckf_stress_run *run, bool holds, const char *otherwise)
{
    if (!holds)
        ckf_stress_outcome(run, otherwise);
}

/* Of one place: the first receive happens before the second send returns. */
static bool has_one_place(size_t shape)
{
    return channel_places(shape) == 1;
}

static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (int i = 0; i < SHAPES; i++) {
        struct scene *scene = &((struct state *)state)->scenes[i];
        for (uint64_t n = 0; n < 2; n++) {
            scene->sent[n] = n + 7;
            expect(run, operations->send(scene->channel, n + 1) == CKF_OK, "refused");
        }
        if (has_one_place(shapes[i]))
            expect(run, scene->returned == 5, "stale memory");
        scene->last = 9;
        operations->close(scene->channel);
    }
}

static void receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (int i = 0; i < SHAPES; i++) {
        struct scene *scene = &((struct state *)state)->scenes[i];
        uint64_t value = 0;
        scene->returned = 5;
        for (uint64_t n = 0; n < 2; n++) {
            expect(run, operations->recv(scene->channel, &value) == CKF_OK && value == n + 1,
                   "wrong element");
            expect(run, scene->sent[n] == n + 7, "stale memory");
        }
        expect(run, operations->recv(scene->channel, &value) == CKF_CLOSED, "wrong element");
        expect(run, scene->last == 9, "stale memory");
    }
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (int i = 0; i < SHAPES; i++)
        operations->destroy(((struct state *)state)->scenes[i].channel);
    ckf_stress_outcome(run, "handed over");
}

CKF_STRESS_CASE(channel_plain_memory) = {
    .id = "channel-plain-memory",
    .collection = "channel",
    .title = "memory without atomics changes hands with an element",
    .story = "The index that says how many elements there are moves before the element is in its "
             "place.",
    .operations = {&racy_early_publish_channel, &mutex_channel, &atomic_channel},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"sender", sender, 1}, {"receiver", receiver, 1}},
    .teardown = teardown,
    .outcomes = {{"handed over", CKF_STRESS_ACCEPTABLE, "everybody found what was written before"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a call failed on an open channel"},
                 {"wrong element", CKF_STRESS_FORBIDDEN, "another element than was sent, or half"},
                 {"stale memory", CKF_STRESS_FORBIDDEN, "what was written before was not there"},
                 {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}},
};
