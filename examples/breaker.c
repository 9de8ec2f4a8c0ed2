/* examples/breaker.c - a circuit breaker: who keeps failing is left alone, and asked now and then.
 *
 * A backend is down for a while, as seen by a client that calls it all the time. The breaker opens after
 * a few failures, refuses calls meanwhile, lets a probe through now and then, and closes when one
 * has succeeded. In the end every attempt is accounted for.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include <ck_filter/breaker.h>
#include <ck_filter/status.h>

enum { MIN_CALLS = 4, FAILURES_TO_RECOVERY = 10, ATTEMPTS_AFTER = 5 };

struct backend {
    unsigned failures_left;
};

static bool call(struct backend *backend)
{
    if (backend->failures_left == 0)
        return true;
    backend->failures_left--;
    return false;
}

/* False if the call was refused. */
static bool attempt(struct ckf_breaker *breaker, struct backend *backend)
{
    struct ckf_permit permit;
    if (ckf_breaker_try_enter(breaker, &permit) != CKF_OK)
        return false;
    ckf_breaker_leave(breaker, permit, call(backend) ? CKF_SUCCEEDED : CKF_FAILED);
    return true;
}

int main(void)
{
    const struct ckf_breaker_options options = {
        .name = "backend", .min_calls = MIN_CALLS, .open_ns = 1000 * 1000 /* 1 ms */};
    struct backend backend = {.failures_left = FAILURES_TO_RECOVERY};
    struct ckf_breaker *breaker;
    struct ckf_breaker_stats stats;
    if (ckf_breaker_create(&breaker, &options) != CKF_OK)
        return 1;
    while (backend.failures_left > 0 || ckf_breaker_state(breaker) != CKF_BREAKER_CLOSED)
        (void)attempt(breaker, &backend);
    for (int i = 0; i < ATTEMPTS_AFTER; i++)
        if (!attempt(breaker, &backend))
            return 1;
    ckf_breaker_read_stats(breaker, &stats);
    ckf_breaker_destroy(breaker);
    printf("the breaker opened %" PRIu64 " times: %" PRIu64 " calls failed, %" PRIu64
           " succeeded, and some were refused\n",
           stats.opened, stats.failed, stats.succeeded);
    /* four failures, then one by each probe */
    bool as_expected = stats.failed == FAILURES_TO_RECOVERY &&
                       stats.opened == 1 + FAILURES_TO_RECOVERY - MIN_CALLS &&
                       stats.succeeded == 1 + ATTEMPTS_AFTER && stats.rejected > 0 &&
                       stats.attempts == stats.rejected + stats.failed + stats.succeeded;
    return as_expected ? 0 : 1;
}
