/* stress/cases/context_background.c - a callee makes a fresh root context.
 *
 * Oracle: a cancel that is done before a callee's full time is over ends the callee. On a machine so
 * busy that the cancel itself comes later, there is nothing to see.
 */
#include <ck_filter/clock.h>
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

enum { FULL_TIME_NS = 20000000 };

struct state {
    void *request;
    /* Written by the callee. */
    int64_t full_time_ns; /* when its work is over, at the earliest */
    enum ckf_status status;
    /* Written by the caller. */
    int64_t cancelled_ns;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->request = operations->create();
}

static void callee(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    void *own = operations->derive(s->request);
    s->full_time_ns = ckf_deadline_after_ns(FULL_TIME_NS);
    s->status = operations->work(own, FULL_TIME_NS);
    operations->release(own);
}

static void caller(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    ckf_stress_pause(run);
    operations->cancel(s->request);
    s->cancelled_ns = ckf_deadline_after_ns(0);
}

static void judge(struct ckf_stress_run *run, void *state)
{
    const struct state *s = state;
    bool in_time = s->cancelled_ns < s->full_time_ns;
    ckf_stress_outcome(run, s->status == CKF_CANCELED ? "stopped"
                            : in_time                 ? "ran on"
                                                      : "cancelled too late");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    operations->release(((struct state *)state)->request);
}

CKF_STRESS_CASE(context_background) = {
    .id = "context-background",
    .collection = "tasks",
    .title = "a callee makes a fresh root context, and the cancel of its caller is lost",
    .story = "`context.WithTimeout(context.Background(), 5*time.Second)` inside a callee: the "
             "request is gone, the callee works on for its five seconds.",
    .operations = {&racy_fresh_root_context, &mutex_context, &atomic_context},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"callee", callee, 1}, {"caller", caller, 1}},
    .arbiter = judge,
    .teardown = teardown,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"stopped", CKF_STRESS_ACCEPTABLE, "the cancel reached the callee"},
                 {"cancelled too late", CKF_STRESS_ACCEPTABLE, "the callee was done by then"},
                 {"ran on", CKF_STRESS_FORBIDDEN, "the callee ran its full time"}},
};
