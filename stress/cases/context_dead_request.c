/* stress/cases/context_dead_request.c - a spawned task keeps the context of a request that ends.
 *
 * Oracle: the task may look at the context as long as it likes. Result: never at freed memory.
 */
#include <ck_filter/stress.h>

#include "../racy/tasks.h"
#include "tasks.h"

struct state {
    void *request, *task_context;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->request = operations->create();
    s->task_context = operations->retain(s->request);
}

static void request(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    ckf_stress_pause(run);
    operations->release(((struct state *)state)->request);
}

static void spawned_task(struct ckf_stress_run *run, void *state)
{
    const struct context_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        if (operations->is_done(s->task_context))
            ckf_stress_outcome(run, "done");
        ckf_stress_pause(run);
    }
    operations->release_retained(s->task_context);
    ckf_stress_outcome(run, "alive");
}

CKF_STRESS_CASE(context_dead_request) = {
    .id = "context-dead-request",
    .collection = "tasks",
    .title = "a spawned task keeps its request's context after the request has ended",
    .story = "The article warns of goroutines that move between threads; contexts do not mind. "
             "What bites is lifetime: in C the request frees what its task still reads.",
    .operations = {&racy_borrowed_context, &mutex_context, &atomic_context},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"request", request, 1}, {"spawned task", spawned_task, 1}},
    .rounds = 4,
    .explore_rounds = 1,
    .outcomes = {{"alive", CKF_STRESS_ACCEPTABLE, "the task's reference kept the context"},
                 {"done", CKF_STRESS_FORBIDDEN, "nobody had cancelled it"},
                 {"use after free", CKF_STRESS_FORBIDDEN, "the task read a freed context"}},
};
