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
    /* Works until the context is done, at the longest for `ns`: CKF_CANCELED, or CKF_TIMED_OUT for
     * work that ran its full time. */
    enum ckf_status (*work)(void *context, int64_t ns);
};

extern const struct context_operations mutex_context, atomic_context;

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

enum { POOLED_SIZE = 64 };

struct pool_operations {
    void *(*create)(void);
    void (*destroy)(void *pool);
    unsigned char *(*get)(void *pool); /* POOLED_SIZE bytes */
    void (*put)(void *pool, unsigned char *object);
};

extern const struct pool_operations mutex_pool, atomic_pool;

#endif
