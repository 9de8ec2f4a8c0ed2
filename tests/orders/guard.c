/* tests/orders/guard.c - breakers. */
#include "scene.h"

struct state {
    struct ckf_breaker *breaker;
    struct ckf_permit probe;
    int plain;
};

/* Half open, with its probe on the way. */
static void make_breaker(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_breaker *breaker = NULL;
    struct ckf_permit permit;
    const struct ckf_breaker_options options = {
        .variant = variant_of(run), .min_calls = 1, .open_ns = 1, .probe_ns = INT64_MAX};
    expect(run, ckf_breaker_create(&breaker, &options) == CKF_OK);
    s->breaker = breaker;
    expect(run, ckf_breaker_try_enter(breaker, &permit) == CKF_OK);
    ckf_breaker_leave(breaker, permit, CKF_FAILED);
    expect(run, ckf_breaker_try_enter(breaker, &s->probe) == CKF_OK);
}

static void end_probe(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->plain = 1;
    ckf_breaker_leave(s->breaker, s->probe, CKF_SUCCEEDED);
}

static void enter_when_closed(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_permit permit;
    while (ckf_breaker_try_enter(s->breaker, &permit) != CKF_OK)
        ckf_stress_spin(run);
    expect(run, s->plain == 1);
}

static void see_it_closed(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    while (ckf_breaker_state(s->breaker) != CKF_BREAKER_CLOSED)
        ckf_stress_spin(run);
    expect(run, s->plain == 1);
}

static void destroy_breaker(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_breaker_destroy(((struct state *)state)->breaker);
}

SCENE(memory_before_entry, "order-memory-before-entry", BOTH, make_breaker, destroy_breaker,
      {"probe", end_probe, 1}, {"caller", enter_when_closed, 1});
SCENE(memory_before_state, "order-memory-before-state", BOTH, make_breaker, destroy_breaker,
      {"probe", end_probe, 1}, {"looker", see_it_closed, 1});

/* Both find it open for long enough, and each is one of two probes. */

static void make_open_breaker(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_permit permit;
    const struct ckf_breaker_options options = {.variant = variant_of(run),
                                                .min_calls = 1,
                                                .probes = 2,
                                                .open_ns = 1,
                                                .probe_ns = INT64_MAX};
    expect(run, ckf_breaker_create(&s->breaker, &options) == CKF_OK);
    expect(run, ckf_breaker_try_enter(s->breaker, &permit) == CKF_OK);
    ckf_breaker_leave(s->breaker, permit, CKF_FAILED);
}

static void probe(struct ckf_stress_run *run, void *state)
{
    struct ckf_permit permit;
    expect(run, ckf_breaker_try_enter(((struct state *)state)->breaker, &permit) == CKF_OK);
}

SCENE(both_probes_enter, "order-both-probes-enter", BOTH, make_open_breaker, destroy_breaker,
      {"probe", probe, 2});
