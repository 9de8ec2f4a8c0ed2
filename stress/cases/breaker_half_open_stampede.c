/* stress/cases/breaker_half_open_stampede.c - a breaker's time is over, and everybody probes at once.
 *
 * Oracle: one probe was asked for, so one caller gets a permit. Result: exactly one.
 */
#include <ck_filter/stress.h>

#include <stdatomic.h>

#include "../racy/breakers.h"
#include "breakers.h"

enum { MIN_CALLS = 1 };

struct state {
    void *breaker;
    _Atomic(unsigned) probes;
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    s->breaker = operations->create(MIN_CALLS);
    breaker_trip(operations, s->breaker, MIN_CALLS);
}

static void caller(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    uint64_t permit;
    if (operations->try_enter(s->breaker, &permit))
        atomic_fetch_add(&s->probes, 1); /* the probe takes its time */
}

static void count(struct ckf_stress_run *run, void *state)
{
    const unsigned probes = ((struct state *)state)->probes;
    ckf_stress_outcome(run, probes == 1 ? "one probe" : probes == 0 ? "no probe" : "stampede");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->breaker);
}

CKF_STRESS_CASE(breaker_half_open_stampede) = {
    .id = "breaker-half-open-stampede",
    .collection = "guards",
    .title = "a breaker's time is over, and everybody probes at once",
    .story =
        "A service that is just getting up gets all the traffic that waited for it, since each "
        "caller found that nobody was probing yet. (And with the settings it came with, the "
        "breaker of the article opens at 50 %, not at 5 %.)",
    .operations = {&racy_breaker, &mutex_breaker, &atomic_breaker},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"caller", caller, 3}},
    .arbiter = count,
    .teardown = teardown,
    .outcomes = {{"one probe", CKF_STRESS_ACCEPTABLE, "one caller probes, the others are refused"},
                 {"no probe", CKF_STRESS_FORBIDDEN, "nobody will ever close it"},
                 {"stampede", CKF_STRESS_FORBIDDEN, "more probes than permits"}},
};
