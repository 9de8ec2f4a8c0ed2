/* stress/cases/channel_history.h - callers go through short scripts of calls on channels, and record
 * them: the cases say which calls, the specification says which results are possible.
 *
 * With each element goes a cell of plain memory, written before the send and read after the receive.
 */
#ifndef STRESS_CASES_CHANNEL_HISTORY_H
#define STRESS_CASES_CHANNEL_HISTORY_H

#include <ck_filter/stress.h>

#include "../specs/channel.h"
#include "channels.h"

enum { HISTORY_CALLERS = 3, HISTORY_CALLS = 3, HISTORY_ELEMENTS = 16 };

/* One call; a script ends early at one of no code. Channels are counted from 0. */
struct history_call {
    bool is_call;
    enum channel_code code;
    /* Of sends, the first of two, or of a select's send (0: it has none); 1 to 15, each once in a
     * scene. is_ready: READY_TO_SEND or not. */
    uint64_t element;
    unsigned channel;
    bool waits; /* a select */
};
enum { READY_TO_SEND = 1 };
#define CALL(code, element, channel)                                                               \
    {                                                                                              \
        true, CHANNEL_##code, element, channel, false                                              \
    }
#define SELECT_THAT_WAITS(element, channel)                                                        \
    {                                                                                              \
        true, CHANNEL_SELECT, element, channel, true                                               \
    }

struct channel_scene {
    struct channel_shapes shapes;
    unsigned channels;
    uint64_t before[CHANNEL_MOST]; /* an element that is in the channel at the start; 0: none */
    struct history_call scripts[HISTORY_CALLERS][HISTORY_CALLS];
};

struct channel_history {
    const struct channel_scene *scene;
    void *channels[CHANNEL_MOST];
    uint64_t cells[HISTORY_ELEMENTS];
};

void channel_history_setup(struct ckf_stress_run *run, struct channel_history *history,
                           const struct channel_scene *scene);
void channel_history_caller(struct ckf_stress_run *run, void *state);
/* Asks the channels how much is in them, closes and drains them. */
void channel_history_drain(struct ckf_stress_run *run, void *state);
void channel_history_teardown(struct ckf_stress_run *run, void *state);

#define CHANNEL_HISTORY_OUTCOMES                                                                   \
    {                                                                                              \
        {"ok", CKF_STRESS_ACCEPTABLE, "the calls have an order that explains their results"},      \
            {"wrong cell", CKF_STRESS_FORBIDDEN,                                                   \
             "an element came without what was written before it was sent"},                       \
            {"not linearizable", CKF_STRESS_FORBIDDEN, "no order of the calls explains them"},     \
            {"hang", CKF_STRESS_FORBIDDEN, "a call sleeps that should have ended"},                \
    }

/* The specification and the setup of a scene, which is a static struct channel_scene. */
#define CHANNEL_HISTORY_OF(scene)                                                                  \
    static void scene##_setup(struct ckf_stress_run *run, void *state)                             \
    {                                                                                              \
        channel_history_setup(run, state, &scene);                                                 \
    }                                                                                              \
    static const struct ckf_stress_specification scene##_specification

/* The parts of a case that all of these share. */
#define CHANNEL_HISTORY_CASE(scene) CHANNEL_HISTORY_CASE_OF(scene, HISTORY_CALLERS)
#define CHANNEL_HISTORY_CASE_OF(scene, callers)                                                    \
    .collection = "channel", .state_size = sizeof(struct channel_history), .setup = scene##_setup, \
    .actors = {{"caller", channel_history_caller, callers}}, .arbiter = channel_history_drain,     \
    .teardown = channel_history_teardown, .specification = &scene##_specification,                 \
    .outcomes = CHANNEL_HISTORY_OUTCOMES

#endif
