/* stress/cases/context_background.c - a callee makes a fresh root context.
 *
 * Oracle: a cancelled request ends its callees at once. Result: never after their full time.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

enum { FULL_TIME_NS = 20000000 };

struct state {
    void *request;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->request = operations->create();
}

static void callee(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    void *own = operations->derive(((struct state *)state)->request);
    enum ckf_status status = operations->work(own, FULL_TIME_NS);
    operations->release(own);
    ckf_stress_outcome(run, status == CKF_CANCELED ? "stopped" : "ran on");
}

static void caller(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    operations->cancel(((struct state *)state)->request);
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
    .teardown = teardown,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"stopped", CKF_STRESS_ACCEPTABLE, "the cancel reached the callee"},
                 {"ran on", CKF_STRESS_FORBIDDEN, "the callee ran its full time"}},
};
