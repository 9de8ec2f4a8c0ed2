/* stress/cases/tasks.h - what the task cases ask of contexts, groups, pools and test helpers, and
 * the library's two answers: they differ in the variant of the channels and pools that they use.
 */
#ifndef STRESS_CASES_TASKS_H
#define STRESS_CASES_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/status.h>

struct ckf_context;

/* --- a request's context, as the code of a service sees it --- */

struct context_operations {
    void *(*create)(void);
    /* What a callee works with. */
    void *(*derive)(void *context);
    /* For a task that outlives its caller. */
    void *(*retain)(void *context);
    void (*release_retained)(void *context);
    void (*release)(void *context);
    void (*cancel)(void *context);
    bool (*is_done)(void *context);
    /* A context that is done `ns` from now at the latest. */
    void *(*create_until)(int64_t ns);
    /* Cancels; who sees that finds the value in the note. */
    void (*cancel_with)(void *context, int *note, int value);
    enum ckf_status (*look)(void *context); /* at it, once */
    /* Sleeps until it is done. */
    void (*wait)(void *context);
    /* Works until the context is done, at the longest for `ns`: CKF_CANCELED, or CKF_TIMED_OUT for
     * work that ran its full time. */
    enum ckf_status (*work)(void *context, int64_t ns);
};

extern const struct context_operations mutex_context, atomic_context;

/* --- what a request leaves behind is cleaned up --- */

struct request_resource {
    unsigned work; /* the handler's */
};

struct cleanup_operations {
    /* A request on the resource, which the clean-up gives back by ckf_stress_free. */
    void *(*begin)(struct request_resource *resource);
    void (*end)(void *request);     /* its handler is done */
    void (*hang_up)(void *request); /* its client is gone */
    void (*clean)(void *request);   /* what a thread of its own does about it */
    unsigned (*cleanups)(void *request);
    void (*forget)(void *request); /* when all is over */
};

extern const struct cleanup_operations mutex_cleanup, atomic_cleanup;

/* --- hooks that are taken back --- */

struct hook_visit {
    unsigned runs;
};

struct hook_operations {
    /* A context with a hook that counts a run of the visit. */
    void *(*hook)(struct hook_visit *visit);
    void (*cancel)(void *hooked);
    bool (*stop)(void *hooked); /* true: it will not run; false: it has ended */
    void (*end)(void *hooked);
};

extern const struct hook_operations mutex_hook, atomic_hook;

/* --- tasks that are waited for --- */

struct group_operations {
    const struct context_operations *context; /* what its tasks work with */
    void *(*create)(void);
    void (*destroy)(void *group);
    /* False: refused, and the task will not run. */
    bool (*go)(void *group, int (*task)(struct ckf_context *context, void *arg), void *arg);
    /* Returns the first error, 0 without one. */
    int (*wait)(void *group);
};

extern const struct group_operations mutex_group, atomic_group;

/* --- objects that are used again --- */

enum { POOLED_SIZE = 64, POOL_MAX_IDLE = 6 }; /* more than there are homes for, so some stack up */

struct pool_operations {
    void *(*create)(void);
    void (*destroy)(void *pool);
    unsigned char *(*get)(void *pool); /* POOLED_SIZE bytes */
    void (*put)(void *pool, unsigned char *object);
};

extern const struct pool_operations mutex_pool, atomic_pool;

#endif
