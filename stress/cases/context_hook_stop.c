/* stress/cases/context_hook_stop.c - a hook is taken back at the moment of the cancel.
 *
 * Oracle: when stop has returned, the hook will not run, or has ended. Result: never afterwards, and
 * it ran exactly if stop says so.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

struct state {
    void *hooked;
    struct hook_visit *visit; /* freed as soon as the hook is stopped */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct hook_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->visit = ckf_stress_alloc(sizeof *s->visit);
    s->hooked = operations->hook(s->visit);
}

static void canceler(struct ckf_stress_run *run, void *state)
{
    const struct hook_operations *operations = ckf_stress_operations(run);
    operations->cancel(((struct state *)state)->hooked);
}

static void owner(struct ckf_stress_run *run, void *state)
{
    const struct hook_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    bool prevented = operations->stop(s->hooked);
    bool ran = s->visit->runs > 0; /* plain: it has ended, or will not begin */
    ckf_stress_free(s->visit);
    ckf_stress_outcome(run, prevented == !ran ? "as stop says" : "wrongly told");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct hook_operations *operations = ckf_stress_operations(run);
    operations->end(((struct state *)state)->hooked);
}

CKF_STRESS_CASE(context_hook_stop) = {
    .id = "context-hook-stop",
    .collection = "tasks",
    .title = "a hook is stopped while the cancel runs it",
    .story =
        "A stop that only sets a flag: the canceller has looked at it already, and the hook runs "
        "on memory that its owner has freed.",
    .operations = {&racy_flagged_hook, &mutex_hook, &atomic_hook},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"canceler", canceler, 1}, {"owner", owner, 1}},
    .teardown = teardown,
    .outcomes = {{"as stop says", CKF_STRESS_ACCEPTABLE, "it was prevented, or had ended"},
                 {"wrongly told", CKF_STRESS_FORBIDDEN, "it ran though stop had prevented it"},
                 {"use after free", CKF_STRESS_FORBIDDEN, "it ran after stop had returned"}},
};

/* The context ends while a handle of its hook is given back: the last release runs the hook. */
static void holder(struct ckf_stress_run *run, void *state)
{
    const struct hook_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    operations->end(((struct state *)state)->hooked);
}

CKF_STRESS_CASE(context_handle_outlives) = {
    .id = "context-handle-outlives",
    .collection = "tasks",
    .title = "a hook is stopped while its context ends",
    .story =
        "A hook that points back to its context, and a context that is freed with its last user: "
        "the handle is one of them.",
    .operations = {&racy_flagged_hook, &mutex_hook, &atomic_hook},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"holder", holder, 1}, {"owner", owner, 1}},
    .outcomes = {{"as stop says", CKF_STRESS_ACCEPTABLE, "it was prevented, or had ended"},
                 {"wrongly told", CKF_STRESS_FORBIDDEN, "it ran though stop had prevented it"},
                 {"use after free", CKF_STRESS_FORBIDDEN, "the handle was used after its context"}},
};
