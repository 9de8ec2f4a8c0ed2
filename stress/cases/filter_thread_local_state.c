/* stress/cases/filter_thread_local_state.c - filter state lives in thread-local memory.
 *
 * Oracle: what any thread counted can be read by all. Result: never less.
 */
#include <ck_filter/stress.h>

#include "../racy/filters.h"
#include "filters.h"

struct state {
    void *filter;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->filter = operations->create();
    operations->deny(s->filter, 0);
}

static void user(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++)
        (void)is_dropped(operations, ((struct state *)state)->filter, word_text(0));
}

static void compare(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    uint64_t judged = (uint64_t)ckf_stress_rounds(run) * ckf_stress_copies(run, 0);
    uint64_t hits = operations->hits(((struct state *)state)->filter, 0);
    ckf_stress_outcome(run, hits == judged ? "exact" : "lost counts");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct filter_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->filter);
}

CKF_STRESS_CASE(filter_thread_local_state) = {
    .id = "filter-thread-local-state",
    .collection = "filter",
    .title = "filter state lives in thread-local memory and goes with its thread",
    .operations = {&racy_thread_local_filter, &mutex_filter, &atomic_filter},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"user", user, 2}},
    .arbiter = compare,
    .teardown = teardown,
    .rounds = 10,
    .explore_rounds = 1,
    .flags = CKF_STRESS_FRESH_THREADS | CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "all threads' hits are in the sum"},
                 {"lost counts", CKF_STRESS_FORBIDDEN, "hits stayed in a thread that has gone"}},
};
