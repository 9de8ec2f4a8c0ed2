/* task/context.h - how a sleeping call learns that its context is done.
 *
 * A blocked call attaches a watcher and sleeps, with ckf_context_deadline_ns as one more limit
 * (deadlines have no timer thread). Cancelling fires the watchers of the context and of all its
 * descendants. A NULL context is never done.
 *
 *     if ((status = ckf_context_attach(context, &call.watcher)) != CKF_OK)
 *         return status;
 *     ... sleep until fired or until min(deadline, ckf_context_deadline_ns(context)) ...
 *     ckf_context_detach(context, &call.watcher);
 *     ... if the sleep ended early: ckf_context_outcome(context) says whether and how it is done
 */
#ifndef CKF_TASK_CONTEXT_H
#define CKF_TASK_CONTEXT_H

#include <stdint.h>

#include <ck_filter/context.h>

/* Lives with the sleeping call, which sets fire. Links belong to the context while attached. */
struct ckf_context_watcher {
    struct ckf_context_watcher *previous, *next;
    /* Called at most once, by the cancelling thread, under locks of the context: it must not call
     * into contexts, and must take no lock that is held by anyone who attaches, detaches, creates,
     * cancels or releases contexts. */
    void (*fire)(struct ckf_context_watcher *watcher);
};

/* ckf_context_status that also takes NULL (CKF_OK). Wait-free. */
enum ckf_status ckf_context_outcome(struct ckf_context *context);

/* CKF_OK: attached (nothing to attach to for NULL). CKF_CANCELED or CKF_TIMED_OUT: already done, and
 * not attached: fire will not run. */
enum ckf_status ckf_context_attach(struct ckf_context *context,
                                   struct ckf_context_watcher *watcher);

/* When it returns, fire has ended or will never run. Harmless after an attach that failed and when
 * called twice. NULL context: nothing. */
void ckf_context_detach(struct ckf_context *context, struct ckf_context_watcher *watcher);

/* The earliest deadline of the context and its ancestors; CKF_FOREVER without one or for NULL. */
int64_t ckf_context_deadline_ns(const struct ckf_context *context);

#endif
