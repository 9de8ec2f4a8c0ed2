/* ck_filter/breaker.h - a circuit breaker: refuses calls to what keeps failing, and looks now and then
 * whether it has recovered.
 *
 *     struct ckf_permit permit;
 *     if (ckf_breaker_try_enter(breaker, &permit) != CKF_OK)
 *         return unavailable();
 *     bool done = call_the_backend();
 *     ckf_breaker_leave(breaker, permit, done ? CKF_SUCCEEDED : CKF_FAILED);
 *
 * Closed:    calls may go. Their results are counted in a window, which ends with its time or with
 *            32,767 results. Once min_calls of it have ended and failure_percent of them or more have
 *            failed, the breaker opens.
 * Open:      calls are refused, for open_ns.
 * Half open: as many calls as there are probes may go, others are refused: however many come at once,
 *            no more get a permit. The first failure opens the breaker again; when all have succeeded
 *            it closes. Probes that have not ended after probe_ns are given up, and others may go.
 *
 * Epochs. Every change of state begins one, and a permit is of the epoch that it was given in. A result
 * that comes in a later epoch changes nothing (CKF_STALE): a call that began when all was well says
 * nothing of today, and cannot close a breaker that is waiting for its probes.
 *
 * All functions but destroy may be called by any thread at any time. Nobody ever waits for a call that
 * has a permit. Progress: with CKF_VARIANT_ATOMIC, lock-free; try_enter of a closed breaker is wait-free
 * and writes nothing but a count of its own. With CKF_VARIANT_MUTEX, one short lock. Memory: a change of
 * state happens before what is told because of it.
 *
 * A forked child may go on with a breaker that it inherited; with CKF_VARIANT_MUTEX only if no other thread
 * was in a call on it. Permits of other threads stay in progress there, and probes are given up in time. */
#ifndef CKF_BREAKER_H
#define CKF_BREAKER_H

#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_breaker;

/* Zeros are defaults. */
struct ckf_breaker_options {
    const char *name; /* copied; NULL: none */
    enum ckf_variant variant;
    unsigned min_calls;       /* 0: 20; at most 32,767 */
    unsigned failure_percent; /* 0: 50; at most 100 */
    unsigned probes;          /* 0: 1; at most 32,767 */
    int64_t window_ns;        /* 0: 10 s */
    int64_t open_ns;          /* 0: 5 s */
    int64_t probe_ns;         /* 0: 30 s */
    uint64_t reserved[4];     /* zero */
};

enum ckf_breaker_state { CKF_BREAKER_CLOSED = 0, CKF_BREAKER_OPEN = 1, CKF_BREAKER_HALF_OPEN = 2 };

/* CKF_ABANDONED: the call tells nothing of the other side, a cancelled one for example. */
enum ckf_result { CKF_SUCCEEDED = 0, CKF_FAILED = 1, CKF_ABANDONED = 2 };

/* Given by try_enter, handed back once by leave, by whatever thread. */
struct ckf_permit {
    uint64_t epoch;
};

/* Options may be NULL. CKF_INVALID: an option is outside what is said above, or reserved is not zero.
 * CKF_NO_MEMORY. On failure *breaker is left alone. */
CKF_API CKF_MUST_USE enum ckf_status ckf_breaker_create(struct ckf_breaker **breaker,
                                                        const struct ckf_breaker_options *options);

/* No call may be in progress. Permits need not have been handed back. */
CKF_API void ckf_breaker_destroy(struct ckf_breaker *breaker);

/* CKF_OK: the call may go, and leave is owed. CKF_BUSY: it may not; *permit is left alone. */
CKF_API CKF_MUST_USE enum ckf_status ckf_breaker_try_enter(struct ckf_breaker *breaker,
                                                           struct ckf_permit *permit);

/* Says how the call ended. CKF_OK: the breaker has taken it into account. CKF_STALE: it is of an earlier
 * epoch, and was counted in the statistics alone. */
CKF_API enum ckf_status ckf_breaker_leave(struct ckf_breaker *breaker, struct ckf_permit permit,
                                          enum ckf_result result);

/* As of a moment of the call. An open breaker whose time is over is open until somebody enters. */
CKF_API enum ckf_breaker_state ckf_breaker_state(struct ckf_breaker *breaker);

/* Since creation. In every answer attempts = rejected + succeeded + failed + abandoned + in_progress, each
 * attempt stands in one of these, and whatever had ended before the reading stands where it ended; what
 * ends meanwhile may still stand as in progress. When nobody calls, all are exact. */
struct ckf_breaker_stats {
    uint64_t attempts, rejected, succeeded, failed, abandoned;
    uint64_t in_progress; /* permits that had not been handed back */
    uint64_t opened;      /* how often it did */
    uint64_t reserved[8];
};
CKF_API void ckf_breaker_read_stats(struct ckf_breaker *breaker, struct ckf_breaker_stats *stats);

CKF_END_DECLS

#endif
