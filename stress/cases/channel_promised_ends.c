/* stress/cases/channel_promised_ends.c - one sender and one receiver, as promised, and somebody who closes.
 *
 * Oracle: what was accepted is received, in order, before the close is. Result: never otherwise.
 */

#include "../racy/channels.h"
#include "channel_traffic.h"

enum { ELEMENTS = 3 };

struct promised {
    struct channel_traffic traffic; /* first: the closer and the teardown are those of traffic */
    bool disordered;
};

static void setup_bounded(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ((struct promised *)state)->traffic.channel = operations->create(2, 0, 0);
}

static void setup_unbounded(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    ((struct promised *)state)->traffic.channel = operations->create(CHANNEL_ENDLESS, 0, 0);
}

/* Two at once, then one, as often as the case has rounds. */
static void sender(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct channel_traffic *s = &((struct promised *)state)->traffic;
    for (unsigned i = 0; i < ckf_stress_rounds(run) * ELEMENTS; i += ELEMENTS) {
        const uint64_t pair[2] = {i, i + 1};
        size_t done;
        if (operations->send_two(s->channel, pair, &done) != CKF_OK)
            return;
        s->accepted[0] += done;
        if (done < 2 || operations->send(s->channel, i + 2) != CKF_OK)
            return;
        s->accepted[0]++;
    }
}

static void receiver(struct ckf_stress_run *run, void *state)
{
    const struct channel_operations *operations = ckf_stress_operations(run);
    struct promised *s = state;
    uint64_t value;
    while (operations->recv(s->traffic.channel, &value) == CKF_OK)
        s->disordered |= value != s->traffic.received++;
}

static void compare(struct ckf_stress_run *run, void *state)
{
    if (((struct promised *)state)->disordered)
        ckf_stress_outcome(run, "out of order");
    else
        traffic_compare(run, state);
}

#define PROMISED_ENDS(id_, title_, setup_)                                                         \
    {                                                                                              \
        .id = (id_), .collection = "channel", .title = (title_),                                   \
        .story = "With one thread at either end a queue needs no compare-and-swap: each index "    \
                 "has one writer. But a close has no end of its own. A flag beside the queue is "  \
                 "tested before the element is stored, and the receiver may have left between.",   \
        .operations = {&racy_promised_channel, &promised_mutex_channel, &promised_atomic_channel}, \
        .state_size = sizeof(struct promised), .setup = (setup_),                                  \
        .actors = {{"sender", sender, 1},                                                          \
                   {"closer", traffic_closer, 1},                                                  \
                   {"receiver", receiver, 1}},                                                     \
        .arbiter = compare, .teardown = traffic_teardown, .rounds = 10, .explore_rounds = 1,       \
        .outcomes = {                                                                              \
            {"exact", CKF_STRESS_ACCEPTABLE, "what was accepted was received"},                    \
            {"lost element", CKF_STRESS_FORBIDDEN, "an accepted element was not received"},        \
            {"duplicate element", CKF_STRESS_FORBIDDEN, "more was received than accepted"},        \
            {"out of order", CKF_STRESS_FORBIDDEN, "elements changed places"},                     \
            {"hang", CKF_STRESS_FORBIDDEN, "somebody waits for ever"}                              \
        }                                                                                          \
    }

CKF_STRESS_CASE(channel_promised_ends) = PROMISED_ENDS(
    "channel-promised-ends", "one sender, one receiver, and a close by a third", setup_bounded);
CKF_STRESS_CASE(channel_promised_unbounded) =
    PROMISED_ENDS("channel-promised-unbounded",
                  "one sender, one receiver, a close by a third, no bound", setup_unbounded);
