/* stress/cases/channel_plain_memory.c - memory without atomics changes hands with an element.
 *
 * Oracle: the receiver finds what was written before the send and before the close; the sender finds
 * what was written before the receive that made room. Result: never anything else.
 */
#include <ck_filter/stress.h>

#include "../racy/channels.h"
#include "channels.h"

/* Two elements, and a close, through a channel of each kind. */
struct state {
    void *channel;
    uint64_t sent[2], returned, last; /* plain */
};

static void expect(struct ckf_stress_run *run, bool holds, const char *otherwise)
{
    if (!holds)
        ckf_stress_outcome(run, otherwise);
}

static void send_two(struct ckf_stress_run *run, struct state *s)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    for (uint64_t n = 0; n < 2; n++) {
        s->sent[n] = n + 7;
        expect(run, operations->send(s->channel, n + 1) == CKF_OK, "refused");
    }
}

static void close_after(struct ckf_stress_run *run, struct state *s)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    s->last = 9;
    operations->close(s->channel);
}

static void sender(struct ckf_stress_run *run, void *state)
{
    send_two(run, state);
    close_after(run, state);
}

/* Of one place: the first receive happens before the second send returns. */
static void sender_into_one_place(struct ckf_stress_run *run, void *state)
{
    send_two(run, state);
    expect(run, ((struct state *)state)->returned == 5, "stale memory");
    close_after(run, state);
}

static void receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t value = 0;
    s->returned = 5;
    for (uint64_t n = 0; n < 2; n++) {
        expect(run, operations->recv(s->channel, &value) == CKF_OK && value == n + 1,
               "wrong element");
        expect(run, s->sent[n] == n + 7, "stale memory");
    }
    expect(run, operations->recv(s->channel, &value) == CKF_CLOSED, "wrong element");
    expect(run, s->last == 9, "stale memory");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->channel);
    ckf_stress_outcome(run, "handed over");
}

/* A way for an element to travel: a kind of core, and an element of a word or more. */
#define PLAIN_MEMORY(name, shape, id_, title_, sender_, racy)                                      \
    static void name##_setup(struct ckf_stress_run *run, void *state)                              \
    {                                                                                              \
        const struct channel_operations *operations = ckf_stress_operations(run);                  \
        ((struct state *)state)->channel = operations->create(shape, 0, 0);                        \
    }                                                                                              \
    CKF_STRESS_CASE(name) = {                                                                      \
        .id = (id_),                                                                               \
        .collection = "channel",                                                                   \
        .title = (title_),                                                                         \
        .story = "The index that says how many elements there are moves before the element is in " \
                 "its place.",                                                                     \
        .operations = {racy, &mutex_channel, &atomic_channel},                                     \
        .state_size = sizeof(struct state),                                                        \
        .setup = name##_setup,                                                                     \
        .actors = {{"sender", sender_, 1}, {"receiver", receiver, 1}},                             \
        .teardown = teardown,                                                                      \
        .outcomes = {                                                                              \
            {"handed over", CKF_STRESS_ACCEPTABLE, "everybody found what was written before"},     \
            {"refused", CKF_STRESS_FORBIDDEN, "a call failed on an open channel"},                 \
            {"wrong element", CKF_STRESS_FORBIDDEN, "another element than was sent, or half"},     \
            {"stale memory", CKF_STRESS_FORBIDDEN, "what was written before was not there"},       \
            {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}}}

PLAIN_MEMORY(channel_plain_memory, CHANNEL_ENDLESS, "channel-plain-memory",
             "memory without atomics changes hands with an element", sender,
             &racy_early_publish_channel);
PLAIN_MEMORY(channel_plain_memory_large, CHANNEL_ENDLESS | CHANNEL_LARGE,
             "channel-plain-memory-large",
             "memory without atomics changes hands with an element of several words", sender, NULL);
PLAIN_MEMORY(channel_plain_memory_bounded, 1, "channel-plain-memory-bounded",
             "memory without atomics changes hands in a channel of one place",
             sender_into_one_place, NULL);
PLAIN_MEMORY(channel_plain_memory_bounded_large, 1 | CHANNEL_LARGE,
             "channel-plain-memory-bounded-large",
             "memory without atomics changes hands with large elements, in one place",
             sender_into_one_place, NULL);
PLAIN_MEMORY(channel_plain_memory_rendezvous, 0, "channel-plain-memory-rendezvous",
             "memory without atomics changes hands from hand to hand", sender, NULL);
