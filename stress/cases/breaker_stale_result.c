/* stress/cases/breaker_stale_result.c - the result of a call from before the trouble comes in while a
 * probe is on its way, which fails.
 *
 * Oracle: only the probe says how the other side is today. Result: the breaker is open.
 */
#include <ck_filter/stress.h>

#include "../racy/breakers.h"
#include "breakers.h"

enum { MIN_CALLS = 2 };

struct state {
    void *breaker;
    uint64_t old_permit;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->breaker = operations->create(MIN_CALLS);
    if (!operations->try_enter(s->breaker, &s->old_permit))
        ckf_stress_outcome(run, "refused");
    breaker_trip(operations, s->breaker, MIN_CALLS);
}

static void latecomer(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    operations->leave(s->breaker, s->old_permit, true);
}

static void prober(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t permit;
    if (!operations->try_enter(s->breaker, &permit)) {
        ckf_stress_outcome(run, "refused");
        return;
    }
    ckf_stress_pause(run);
    operations->leave(s->breaker, permit, false);
}

static void look(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    bool closed = operations->is_closed(((struct state *)state)->breaker);
    ckf_stress_outcome(run, closed ? "closed" : "open");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->breaker);
}

CKF_STRESS_CASE(breaker_stale_result) = {
    .id = "breaker-stale-result",
    .collection = "guards",
    .title = "the result of a call from before the trouble comes in while a probe is on its way",
    .story =
        "A success is a success, so the breaker closes: but that call began, and was answered, "
        "when all was well. The probe that fails meanwhile is then one failure among few.",
    .operations = {&racy_breaker, &mutex_breaker, &atomic_breaker},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"latecomer", latecomer, 1}, {"prober", prober, 1}},
    .arbiter = look,
    .teardown = teardown,
    .outcomes = {{"open", CKF_STRESS_ACCEPTABLE, "the probe failed"},
                 {"closed", CKF_STRESS_FORBIDDEN, "yesterday's success closed it"},
                 {"refused", CKF_STRESS_FORBIDDEN, "a caller was refused who had to be let in"}},
};
