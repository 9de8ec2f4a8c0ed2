/* stress/cases/metrics_inexact.c - metrics of a guard are read while it works.
 *
 * Oracle: every attempt was rejected, has ended one way or the other, or is in progress. Result: in every
 * reading the numbers add up and lie between what the callers' own books said before and say after it;
 * in the end they are those of the books.
 */
#include <ck_filter/stress.h>

#include <stdatomic.h>

#include "../racy/breakers.h"
#include "breakers.h"

enum { NEVER = 30000 };

struct state {
    void *breaker;
    _Atomic(uint64_t) attempts, succeeded, failed; /* the callers' */
};

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    ((struct state *)state)->breaker = operations->create(NEVER);
}

static void caller(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        const bool succeeds = i % 2 == 0;
        uint64_t permit;
        atomic_fetch_add(&s->attempts, 1);
        if (!operations->try_enter(s->breaker, &permit))
            continue;
        operations->leave(s->breaker, permit, succeeds);
        atomic_fetch_add(succeeds ? &s->succeeded : &s->failed, 1);
    }
}

static bool add_up(const struct breaker_counts *counts)
{
    return counts->attempts ==
           counts->rejected + counts->succeeded + counts->failed + counts->in_progress;
}

static void reader(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        struct breaker_counts counts;
        uint64_t succeeded = atomic_load(&s->succeeded), failed = atomic_load(&s->failed);
        operations->read_counts(s->breaker, &counts);
        if (!add_up(&counts) || counts.attempts > atomic_load(&s->attempts) ||
            counts.succeeded < succeeded || counts.failed < failed)
            ckf_stress_outcome(run, "inexact");
    }
}

static void compare(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    struct breaker_counts counts;
    operations->read_counts(s->breaker, &counts);
    bool exact = add_up(&counts) && counts.attempts == s->attempts &&
                 counts.succeeded == s->succeeded && counts.failed == s->failed &&
                 counts.in_progress == 0;
    ckf_stress_outcome(run, exact ? "exact" : "inexact");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct breaker_operations *operations = ckf_stress_operations(run);
    operations->destroy(((struct state *)state)->breaker);
}

CKF_STRESS_CASE(metrics_inexact) = {
    .id = "metrics-inexact",
    .collection = "guards",
    .title = "metrics of a guard are read while it works",
    .story =
        "Attempts are counted on the way in, successes and failures on the way out, and a reader "
        "who comes in between sees calls that never end. The rates of a dashboard never add up, "
        "and nobody can tell a leak from a reading.",
    .operations = {&racy_breaker, &mutex_breaker, &atomic_breaker},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"caller", caller, 2}, {"reader", reader, 1}},
    .arbiter = compare,
    .teardown = teardown,
    .rounds = 32,
    .explore_rounds = 1,
    .outcomes = {{"exact", CKF_STRESS_ACCEPTABLE, "the numbers add up"},
                 {"inexact", CKF_STRESS_FORBIDDEN,
                  "attempts are not rejections, successes, failures and what is in progress"}},
};
