/* stress/cases/chain_ignores_cancel.c - one stage of eight does not pass the context on.
 *
 * Oracle: a cancelled chain stops in every stage. Result: never runs on behind one of them.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

enum { STAGES = 8, FULL_TIME_NS = 20000000 };

struct state {
    void *root;
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
    enum ckf_status status =
        run_stages(ckf_stress_operations(run), ((struct state *)state)->root, STAGES);
    ckf_stress_outcome(run, status == CKF_CANCELED ? "stopped" : "ran on");
}

static void canceler(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    operations->cancel(((struct state *)state)->root);
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
    .teardown = teardown,
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"stopped", CKF_STRESS_ACCEPTABLE, "the cancel went through all stages"},
                 {"ran on", CKF_STRESS_FORBIDDEN, "the stages behind it never stopped"}},
};
