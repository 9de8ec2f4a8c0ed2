/* ck_filter/group.h - threads that are started, cancelled and waited for together.
 *
 * A group runs each of its tasks on a thread of its own. The first task that fails cancels the
 * group's context, which ends what the others wait for; wait returns when all have ended and no
 * thread is left. A group is destroyed by the end of the scope that created it, and nothing that it
 * started outlives it.
 *
 *     struct ckf_group *group;
 *     if ((status = ckf_group_create(&group, NULL)) != CKF_OK)
 *         return status;
 *     for (int i = 0; i < 4 && status == CKF_OK; i++)
 *         status = ckf_group_go(group, work, &shares[i], "worker");
 *     enum ckf_status waited = ckf_group_wait(group, CKF_FOREVER, &error);
 *     ckf_group_destroy(group);
 *
 * All functions but destroy may be called by any thread at any time, tasks included. None is a
 * cancellation point; a NULL group aborts. Tasks are started in the order of the calls that had to
 * wait at the limit. What was written before go can be read by the task, and what a task wrote can
 * be read after a wait that returned CKF_OK.
 *
 * A forked child may go on with a group that it inherited if no task ran and no other thread was in a
 * call on it. Tasks do not come along: a group of which some ran can neither be waited for there nor
 * destroyed.
 */
#ifndef CKF_GROUP_H
#define CKF_GROUP_H

#include <ck_filter/clock.h>
#include <ck_filter/context.h>
#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_group;

struct ckf_group_options {
    const char *name;           /* copied; NULL: none */
    struct ckf_context *parent; /* its end is the group's end; NULL: none */
    unsigned limit;             /* tasks that run at once; 0: no limit */
    uint64_t reserved[4];       /* zero */
};

/* options may be NULL. CKF_INVALID: reserved is not zero. CKF_NO_MEMORY. On failure *group is left
 * alone. */
CKF_API CKF_MUST_USE enum ckf_status ckf_group_create(struct ckf_group **group,
                                                      const struct ckf_group_options *options);

/* 0, or the error. The context is the group's and outlives the task. A task that ends its thread
 * without returning (pthread_exit, pthread_cancel) has failed with ECANCELED. */
typedef int (*ckf_task)(struct ckf_context *context, void *arg);

/* Starts task(context, arg) on a new thread, named after name (its first 15 bytes; NULL: as the
 * caller). Waits while the limit is reached. A task may start others; at a limit of 1 it would wait
 * for itself.
 * CKF_OK: accepted; it will run, whatever happens. CKF_CLOSED: a wait has returned CKF_OK.
 * CKF_CANCELED, CKF_TIMED_OUT: the group's context is done. CKF_NO_MEMORY: no memory or no thread. */
CKF_API CKF_MUST_USE enum ckf_status ckf_group_go(struct ckf_group *group, ckf_task task, void *arg,
                                                  const char *name);

/* The same without waiting. CKF_AGAIN: the limit is reached. */
CKF_API CKF_MUST_USE enum ckf_status ckf_group_try_go(struct ckf_group *group, ckf_task task,
                                                      void *arg, const char *name);

/* The context that tasks get. It lives as long as the group; retain it to keep it longer. */
CKF_API struct ckf_context *ckf_group_context(struct ckf_group *group);

/* Waits until no task runs, joins the threads, closes the group and then cancels its context (reason
 * 0). The group's context does not end it: tasks do. Several threads may wait, and later waits
 * return at once. first_error, if not NULL, receives the first non-zero result, or 0, with CKF_OK
 * only.
 * CKF_OK: all have ended. CKF_AGAIN: deadline_ns is CKF_NOW, and some run. CKF_TIMED_OUT: deadline_ns
 * came first; the group goes on, and ckf_group_for_each_running names who has not ended. A task that
 * waits for its own group without a deadline aborts. */
CKF_API CKF_MUST_USE enum ckf_status ckf_group_wait(struct ckf_group *group, int64_t deadline_ns,
                                                    int *first_error);

/* A task that was accepted and has not ended. The name lives as long as the visit. */
struct ckf_running_task {
    const char *name;   /* its first 15 bytes; "" if it has none */
    uint64_t thread_id; /* the kernel's, as gettid(2), ps and gdb say; 0: it has not begun */
    int64_t since_ns;   /* CLOCK_MONOTONIC: when it was started */
    uint64_t reserved[4];
};

/* False stops. */
typedef bool (*ckf_running_visit)(const struct ckf_running_task *task, void *arg);

/* Visits the tasks that run, oldest first, as they were at one moment of the call: what a wait that timed
 * out would have waited for. No lock is held while visiting. CKF_OK, also when stopped. CKF_NO_MEMORY:
 * nothing was visited. */
CKF_API enum ckf_status ckf_group_for_each_running(struct ckf_group *group, ckf_running_visit visit,
                                                   void *arg);

/* Cancels the context (reason 0), waits until no task runs, joins the threads and frees. Aborts if a
 * thread that is no task of it sleeps in the group, or if called by one of its tasks. */
CKF_API void ckf_group_destroy(struct ckf_group *group);

CKF_END_DECLS

#endif
