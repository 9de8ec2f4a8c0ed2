/* stress/racy/breaker_fields.c - a breaker of atomic fields: each is right by itself. Whoever finds no
 * probe on its way becomes one, a moment later; results have no epoch; counts are kept where the code
 * comes by. */
#include <ck_filter/stress.h>

#include <stdatomic.h>

#include "breakers.h"

enum state { CLOSED, OPEN, HALF_OPEN };

struct breaker {
    unsigned min_calls;
    _Atomic(unsigned) state, failures, probes;
    _Atomic(uint64_t) attempts, rejected, succeeded, failed;
};

static void *create(unsigned min_calls)
{
    struct breaker *breaker = ckf_stress_alloc(sizeof *breaker);
    if (breaker != NULL)
        breaker->min_calls = min_calls;
    return breaker;
}

static bool try_enter(void *arg, uint64_t *permit)
{
    struct breaker *breaker = arg;
    *permit = 0;
    atomic_fetch_add(&breaker->attempts, 1);
    if (atomic_load(&breaker->state) == CLOSED)
        return true;
    if (atomic_load(&breaker->probes) == 0) {
        ckf_stress_pause(NULL);
        atomic_store(&breaker->state, HALF_OPEN);
        atomic_fetch_add(&breaker->probes, 1);
        return true;
    }
    atomic_fetch_add(&breaker->rejected, 1);
    return false;
}

static void leave(void *arg, uint64_t permit, bool succeeded)
{
    struct breaker *breaker = arg;
    (void)permit;
    atomic_fetch_add(succeeded ? &breaker->succeeded : &breaker->failed, 1);
    if (succeeded && atomic_load(&breaker->state) == HALF_OPEN) {
        atomic_store(&breaker->probes, 0);
        atomic_store(&breaker->failures, 0);
        atomic_store(&breaker->state, CLOSED);
    } else if (!succeeded && (atomic_fetch_add(&breaker->failures, 1) + 1 == breaker->min_calls ||
                              atomic_load(&breaker->state) == HALF_OPEN)) {
        atomic_store(&breaker->probes, 0);
        atomic_store(&breaker->state, OPEN);
    }
}

static bool is_closed(void *arg)
{
    return atomic_load(&((struct breaker *)arg)->state) == CLOSED;
}

/* What is on its way was never counted. */
static void read_counts(void *arg, struct breaker_counts *counts)
{
    struct breaker *breaker = arg;
    *counts = (struct breaker_counts){.attempts = atomic_load(&breaker->attempts)};
    ckf_stress_pause(NULL);
    counts->rejected = atomic_load(&breaker->rejected);
    counts->succeeded = atomic_load(&breaker->succeeded);
    counts->failed = atomic_load(&breaker->failed);
}

const struct breaker_operations racy_breaker = {.create = create,
                                                .destroy = ckf_stress_free,
                                                .try_enter = try_enter,
                                                .leave = leave,
                                                .is_closed = is_closed,
                                                .read_counts = read_counts};
