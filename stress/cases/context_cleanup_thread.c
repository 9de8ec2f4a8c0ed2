/* stress/cases/context_cleanup_thread.c - a clean-up thread for each request waits for its end.
 *
 * Oracle: the clean-up runs once, and not before the handler is done with what is cleaned up. Result:
 * never twice, never during.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

struct state {
    void *request;
    struct request_resource *resource;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct cleanup_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->resource = ckf_stress_alloc(sizeof *s->resource);
    s->request = operations->begin(s->resource);
}

static void handler(struct ckf_stress_run *run, void *state)
{
    const struct cleanup_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        s->resource->work++; /* plain: the request's own */
        ckf_stress_pause(run);
    }
    operations->end(s->request);
    ckf_stress_outcome(run, "cleaned up after it");
}

static void client(struct ckf_stress_run *run, void *state)
{
    const struct cleanup_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    operations->hang_up(((struct state *)state)->request);
}

static void cleaner(struct ckf_stress_run *run, void *state)
{
    const struct cleanup_operations *operations = ckf_stress_operations(run);
    operations->clean(((struct state *)state)->request);
}

static void judge(struct ckf_stress_run *run, void *state)
{
    const struct cleanup_operations *operations = ckf_stress_operations(run);
    unsigned cleanups = operations->cleanups(((struct state *)state)->request);
    if (cleanups != 1)
        ckf_stress_outcome(run, cleanups == 0 ? "never cleaned up" : "cleaned up twice");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct cleanup_operations *operations = ckf_stress_operations(run);
    operations->forget(((struct state *)state)->request);
}

CKF_STRESS_CASE(context_cleanup_thread) = {
    .id = "context-cleanup-thread",
    .collection = "tasks",
    .title = "a clean-up thread waits for the end of its request",
    .story = "`go func() { <-ctx.Done(); db.Close() }()`: it runs while the handler still works on "
             "what it closes, and never if nobody cancels. A hook on a context that the request's "
             "threads hold runs once, when the last of them lets go.",
    .operations = {&racy_cleanup_thread, &mutex_cleanup, &atomic_cleanup},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"handler", handler, 1}, {"client", client, 1}, {"cleaner", cleaner, 1}},
    .arbiter = judge,
    .teardown = teardown,
    .rounds = 20,
    .explore_rounds = 1,
    .outcomes = {{"cleaned up after it", CKF_STRESS_ACCEPTABLE,
                  "the last one to let go cleaned up"},
                 {"never cleaned up", CKF_STRESS_FORBIDDEN, "nobody cleaned up"},
                 {"cleaned up twice", CKF_STRESS_FORBIDDEN, "two cleaned up"},
                 {"use after free", CKF_STRESS_FORBIDDEN,
                  "the handler worked on what had been cleaned up"}},
};
