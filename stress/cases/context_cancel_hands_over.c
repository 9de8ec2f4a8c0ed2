/* stress/cases/context_cancel_hands_over.c - whoever cancels leaves word why.
 *
 * Oracle: who sees the context done reads the note that was written before. Result: never without.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

struct state {
    void *context;
    int note; /* plain: written before the cancel, read after it was seen */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->context = operations->create();
}

static void canceler(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    operations->cancel_with(s->context, &s->note, 7);
}

static void read_note(struct ckf_stress_run *run, const struct state *s)
{
    ckf_stress_outcome(run, s->note == 7 ? "with the note" : "without the note");
}

static void poller(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    while (!operations->is_done(s->context))
        ckf_stress_spin(run);
    read_note(run, s);
}

static void waiter(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    operations->wait(s->context);
    read_note(run, s);
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    operations->release(((struct state *)state)->context);
}

CKF_STRESS_CASE(context_cancel_hands_over) = {
    .id = "context-cancel-hands-over",
    .collection = "tasks",
    .title = "what was written before a cancel is read by those who see it",
    .story = "`done = true; err = reason`: whoever looks in between stops without knowing why.",
    .operations = {&racy_flag_context, &mutex_context, &atomic_context},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"canceler", canceler, 1}, {"poller", poller, 1}, {"waiter", waiter, 1}},
    .teardown = teardown,
    .outcomes = {{"with the note", CKF_STRESS_ACCEPTABLE, "the cancel carried it"},
                 {"without the note", CKF_STRESS_FORBIDDEN, "stopped, and did not know why"}},
};

/* The same where the deadline passes at that moment: who notices it may find that a cancel was first. */
enum { SOON_NS = 3000 };

static void expiring_setup(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->context = operations->create_until(SOON_NS);
}

static void expiring_poller(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    enum ckf_status status;
    while ((status = operations->look(s->context)) == CKF_OK)
        ckf_stress_spin(run);
    if (status == CKF_CANCELED)
        read_note(run, s);
    else
        ckf_stress_outcome(run, "timed out");
}

CKF_STRESS_CASE(context_cancel_at_deadline) = {
    .id = "context-cancel-at-deadline",
    .collection = "tasks",
    .title = "a cancel and a deadline at the same moment: one of them, with its note",
    .operations = {&racy_flag_context, &mutex_context, &atomic_context},
    .state_size = sizeof(struct state),
    .setup = expiring_setup,
    .actors = {{"canceler", canceler, 1}, {"poller", expiring_poller, 2}},
    .teardown = teardown,
    .outcomes = {{"with the note", CKF_STRESS_ACCEPTABLE, "the cancel was first"},
                 {"timed out", CKF_STRESS_ACCEPTABLE, "the deadline was first"},
                 {"without the note", CKF_STRESS_FORBIDDEN, "stopped, and did not know why"}},
};
