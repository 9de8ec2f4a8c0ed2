/* stress/cases/chain_ignores_cancel.c - one stage of eight does not pass the context on.
 *
 * Oracle: a cancel that is done before the full time of the last stage is over ends it. On a machine
 * so busy that the cancel itself comes later, there is nothing to see.
 */
#include <ck_filter/clock.h>
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

enum { STAGES = 8, FULL_TIME_NS = 20000000 };

struct state {
    void *root;
    /* Written by the chain. */
    int64_t full_time_ns; /* when the last stage's work is over, at the earliest */
    enum ckf_status status;
    /* Written by the canceler. */
    int64_t cancelled_ns;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->root = operations->create();
}

/* Each stage derives from what the one before it worked with; the last one does the work. */
static enum ckf_status run_stages(const struct context_operations *operations, void *context,
                                  unsigned stages)
{
    void *own = operations->derive(context);
    enum ckf_status status =
        stages > 1 ? run_stages(operations, own, stages - 1) : operations->work(own, FULL_TIME_NS);
    operations->release(own);
    return status;
}

static void chain(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->full_time_ns = ckf_deadline_after_ns(FULL_TIME_NS);
    s->status = run_stages(ckf_stress_operations(run), s->root, STAGES);
}

static void canceler(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    ckf_stress_pause(run);
    operations->cancel(s->root);
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
    operations->release(((struct state *)state)->root);
}

CKF_STRESS_CASE(chain_ignores_cancel) = {
    .id = "chain-ignores-cancel",
    .collection = "tasks",
    .title = "one stage of eight does not pass the context on",
    .operations = {&racy_fresh_root_context, &mutex_context, &atomic_context},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"chain", chain, 1}, {"canceler", canceler, 1}},
    .arbiter = judge,
    .teardown = teardown,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"stopped", CKF_STRESS_ACCEPTABLE, "the cancel went through all stages"},
                 {"cancelled too late", CKF_STRESS_ACCEPTABLE, "the chain was done by then"},
                 {"ran on", CKF_STRESS_FORBIDDEN, "the stages behind it never stopped"}},
};
