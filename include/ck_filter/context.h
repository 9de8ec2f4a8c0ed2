/* ck_filter/context.h - cancellation and deadlines that reach every blocked call. */
#ifndef CKF_CONTEXT_H
#define CKF_CONTEXT_H

#include <ck_filter/clock.h>
#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_context;
struct ckf_hook;

CKF_API enum ckf_status ckf_context_create(
    struct ckf_context **, struct ckf_context *parent,
    int64_t deadline_ns); /* CKF_FOREVER: none; 0: CKF_INVALID */
CKF_API struct ckf_context *ckf_context_retain(struct ckf_context *);
CKF_API void ckf_context_release(struct ckf_context *);
CKF_API void ckf_context_cancel(struct ckf_context *, int reason);
CKF_API enum ckf_status ckf_context_status(
    struct ckf_context *); /* CKF_OK, CKF_CANCELED, CKF_TIMED_OUT: the first outcome stays */
CKF_API int ckf_context_reason(struct ckf_context *);
CKF_API enum ckf_status ckf_context_wait(
    struct ckf_context *,
    int64_t deadline_ns); /* CKF_OK: it is done; CKF_TIMED_OUT: deadline_ns came first */
CKF_API enum ckf_status ckf_context_on_done(struct ckf_context *, void (*)(void *), void *arg,
                                            struct ckf_hook **);
CKF_API bool ckf_hook_stop(struct ckf_hook *);

CKF_END_DECLS

#endif
