/* ck_filter/status.h - the outcomes that calls return, and what marks the public API.
 *
 * Every function that can fail returns enum ckf_status. Expected outcomes are statuses; misuse that
 * the library can see (a NULL object, say) aborts with one sentence naming the function and the rule.
 * No function changes errno, whatever it returns.
 */
#ifndef CKF_STATUS_H
#define CKF_STATUS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CKF_API      __attribute__((visibility("default")))
#define CKF_MUST_USE __attribute__((warn_unused_result))
#else
#define CKF_API
#define CKF_MUST_USE
#endif

#ifdef __cplusplus
#define CKF_BEGIN_DECLS extern "C" {
#define CKF_END_DECLS   }
#else
#define CKF_BEGIN_DECLS
#define CKF_END_DECLS
#endif

CKF_BEGIN_DECLS

/* The values are this platform's errno numbers, so that strerror() explains them too. */
enum ckf_status {
    CKF_OK = 0,
    CKF_AGAIN = EAGAIN,         /* a try_ call, or CKF_NOW, would have to wait */
    CKF_CLOSED = EPIPE,         /* closed (receivers: closed and drained) */
    CKF_TIMED_OUT = ETIMEDOUT,  /* the deadline came first */
    CKF_CANCELED = ECANCELED,   /* the context was cancelled */
    CKF_NO_MEMORY = ENOMEM,     /* nothing was changed */
    CKF_INVALID = EINVAL,       /* an argument is outside what the header allows */
    CKF_ALREADY = EALREADY,     /* it had been done before: harmless */
    CKF_NOT_FOUND = ENOENT,     /* no such key */
    CKF_STALE = ESTALE,         /* the expected generation has passed */
    CKF_OVERFLOWED = EOVERFLOW, /* counted, but in the overflow counter */
    CKF_BUSY = EBUSY,           /* a bound (retired bytes, permits, rule ids) is reached */
    CKF_IO = EIO,               /* a file could not be read */
    CKF_UNSUPPORTED = ENOTSUP   /* this build of the library, or this machine, cannot do it */
};

/* The two implementations of a collection. They keep the same contract and differ in progress
 * guarantee and speed alone. */
enum ckf_variant {
    CKF_VARIANT_ATOMIC = 0, /* lock-free where the header says so */
    CKF_VARIANT_MUTEX = 1   /* pthread mutexes and condition variables */
};

/* "CKF_CLOSED" for CKF_CLOSED; "CKF_UNKNOWN" for a number that is no status. Never NULL. */
CKF_API const char *ckf_status_name(enum ckf_status status);

CKF_END_DECLS

#endif
