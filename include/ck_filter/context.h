/* ck_filter/context.h - cancellation and deadlines that reach every blocked call.
 *
 * A context says whether the work that carries it should go on. It is done once it was cancelled or
 * its deadline came, and the first of these outcomes stays. Contexts form trees: a cancelled parent
 * cancels its descendants at once, and nobody's deadline is later than its parent's. Pass one to a
 * call that may wait, and the call ends when the context is done.
 *
 * Lifetime. Contexts are counted: create and retain give a reference, release takes one back, a
 * living child holds one on its parent. A call needs the context alive while it runs;
 * ckf_context_cancel alone needs it at its start only, so that whoever waited for the cancel may
 * release it right away. A released child leaves nothing in its parent.
 *
 * Progress. Reading the status is wait-free: one load, and a look at the clock where there is a
 * deadline. Deadlines need no thread and no timer: whoever asks, or sleeps, looks at the clock.
 * The other calls take short locks; no user code runs under them.
 *
 * Memory. What was written before a cancel can be read by whoever learns of it: from the status, the
 * reason, a wait, or a blocked call that ended. What was written before a release of a reference
 * can be read by the hooks that the last release runs.
 *
 * All functions may be called by any thread at any time; none is a cancellation point; a NULL
 * context or hook aborts, except as the parent. A forked child may go on with the contexts that it
 * inherited if no other thread was in a call on one of their tree.
 */
#ifndef CKF_CONTEXT_H
#define CKF_CONTEXT_H

#include <ck_filter/clock.h>
#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_context;

/* A handle on one function that waits for a context to be done. */
struct ckf_hook;

/* Makes a context with one reference, to be released by the caller. parent may be NULL. deadline_ns
 * is an absolute time, CKF_FOREVER for none; a time that has passed makes a context that is done. A
 * child of a parent that is done is done likewise, from the start.
 * CKF_INVALID: deadline_ns is 0. CKF_NO_MEMORY. On failure *context is left alone. */
CKF_API CKF_MUST_USE enum ckf_status ckf_context_create(struct ckf_context **context,
                                                        struct ckf_context *parent,
                                                        int64_t deadline_ns);

/* One more reference; returns its argument. Wait-free. */
CKF_API struct ckf_context *ckf_context_retain(struct ckf_context *context);

/* Gives a reference back. The last one runs the hooks that are left, newest first, on this thread,
 * and frees. */
CKF_API void ckf_context_release(struct ckf_context *context);

/* Cancels the context and its descendants, ends the calls that wait with them, and runs the hooks:
 * those of the context, newest first, then those of its descendants, each parent's before its
 * children's. All of it on this thread and before it returns, except hooks that another thread's
 * cancel is running. The reason is free for the caller's use. A context that was done stays as it
 * was; one that had timed out gets its hooks run all the same. Cancelling again does nothing. */
CKF_API void ckf_context_cancel(struct ckf_context *context, int reason);

/* CKF_OK: not done. CKF_CANCELED, CKF_TIMED_OUT: the outcome, for ever. Wait-free. Once a context is
 * seen cancelled, its descendants are seen done. */
CKF_API CKF_MUST_USE enum ckf_status ckf_context_status(struct ckf_context *context);

/* The same, in a call. Programs have no use for it. */
CKF_API CKF_MUST_USE enum ckf_status ckf_context_status_in_full(struct ckf_context *context);

#if defined(__GNUC__)
/* Loops ask often, and most of the time nothing has happened: then they need no call. This is also a
 * promise about every context, now and later: it begins with a word that is 0 as long as the context
 * is not done and has no deadline. */
extern inline __attribute__((__gnu_inline__)) enum ckf_status ckf_context_status(
    struct ckf_context *context)
{
    /* relaxed: nothing is taken from an outcome that is not there */
    if (__builtin_expect(context != NULL, 1) &&
        __builtin_expect(
            __atomic_load_n((const uint64_t *)(const void *)context, __ATOMIC_RELAXED) == 0, 1))
        return CKF_OK;
    return ckf_context_status_in_full(context);
}
#endif

/* What was given to the cancel that made the outcome; 0 if it was not cancelled. Wait-free. */
CKF_API int ckf_context_reason(struct ckf_context *context);

/* Waits until the context is done. CKF_OK: it is. CKF_AGAIN: deadline_ns is CKF_NOW, and it is not.
 * CKF_TIMED_OUT: deadline_ns came first. */
CKF_API CKF_MUST_USE enum ckf_status ckf_context_wait(struct ckf_context *context,
                                                      int64_t deadline_ns);

/* Has function(arg) called once: by the cancel of the context or an ancestor, or else by the last
 * release; at once, on this thread and before the call returns, if the context is done. A deadline
 * that passes calls nothing by itself. The function runs without any lock and may call whatever it
 * likes. hook, if not NULL, receives a handle, before the function can run, which outlives the
 * context and has to be given to ckf_hook_stop; without a handle, arg belongs to the function.
 * CKF_NO_MEMORY: nothing will be called, *hook is left alone. */
CKF_API CKF_MUST_USE enum ckf_status ckf_context_on_done(struct ckf_context *context,
                                                         void (*function)(void *arg), void *arg,
                                                         struct ckf_hook **hook);

/* Gives the handle back. true: the function did not run and will not. false: it has ended; where
 * it runs on another thread, this waits for it. Called on the thread that is running the function
 * (from within it), it returns false at once. */
CKF_API bool ckf_hook_stop(struct ckf_hook *hook);

CKF_END_DECLS

#endif
