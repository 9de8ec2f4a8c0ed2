/* stress/cases/breakers.c - the breaker of the library behind the table of the cases. */
#include "breakers.h"

#include <ck_filter/breaker.h>

static void *create(enum ckf_variant variant, unsigned min_calls)
{
    struct ckf_breaker *breaker;
    const struct ckf_breaker_options options = {.name = "stress",
                                                .variant = variant,
                                                .min_calls = min_calls,
                                                .window_ns = INT64_MAX,
                                                .open_ns = 1,
                                                .probe_ns = INT64_MAX};
    return ckf_breaker_create(&breaker, &options) == CKF_OK ? breaker : NULL;
}

static void *create_mutex(unsigned min_calls)
{
    return create(CKF_VARIANT_MUTEX, min_calls);
}

static void *create_atomic(unsigned min_calls)
{
    return create(CKF_VARIANT_ATOMIC, min_calls);
}

static void destroy(void *breaker)
{
    ckf_breaker_destroy(breaker);
}

static bool try_enter(void *breaker, uint64_t *permit)
{
    struct ckf_permit given;
    if (ckf_breaker_try_enter(breaker, &given) != CKF_OK)
        return false;
    *permit = given.epoch;
    return true;
}

static void leave(void *breaker, uint64_t permit, bool succeeded)
{
    ckf_breaker_leave(breaker, (struct ckf_permit){.epoch = permit},
                      succeeded ? CKF_SUCCEEDED : CKF_FAILED);
}

static bool is_closed(void *breaker)
{
    return ckf_breaker_state(breaker) == CKF_BREAKER_CLOSED;
}

static void read_counts(void *breaker, struct breaker_counts *counts)
{
    struct ckf_breaker_stats stats;
    ckf_breaker_read_stats(breaker, &stats);
    *counts = (struct breaker_counts){.attempts = stats.attempts,
                                      .rejected = stats.rejected,
                                      .succeeded = stats.succeeded,
                                      .failed = stats.failed,
                                      .in_progress = stats.in_progress};
}

#define LIBRARY_BREAKER(create_function)                                                           \
    {                                                                                              \
        .create = (create_function), .destroy = destroy, .try_enter = try_enter, .leave = leave,   \
        .is_closed = is_closed, .read_counts = read_counts                                         \
    }

const struct breaker_operations mutex_breaker = LIBRARY_BREAKER(create_mutex);
const struct breaker_operations atomic_breaker = LIBRARY_BREAKER(create_atomic);

void breaker_trip(const struct breaker_operations *operations, void *breaker, unsigned min_calls)
{
    for (unsigned i = 0; i < min_calls; i++) {
        uint64_t permit;
        if (operations->try_enter(breaker, &permit))
            operations->leave(breaker, permit, false);
    }
}
