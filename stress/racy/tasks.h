/* stress/racy/tasks.h - contexts, groups and pools as the article's code uses or builds them. */
#ifndef STRESS_RACY_TASKS_H
#define STRESS_RACY_TASKS_H

#include "../cases/tasks.h"

extern const struct context_operations racy_fresh_root_context;  /* context.Background() */
extern const struct context_operations racy_borrowed_context;    /* a pointer, no reference */
extern const struct context_operations racy_flag_context;        /* done before it says why */
extern const struct cleanup_operations racy_cleanup_thread;      /* waits for done, then frees */
extern const struct hook_operations racy_flagged_hook;           /* stopped by a flag */
extern const struct group_operations racy_counted_late_group;    /* Add inside the task */
extern const struct group_operations racy_last_error_group;      /* errors overwrite each other */
extern const struct group_operations racy_shared_argument_group; /* &i for everyone */
extern const struct group_operations racy_done_first_group;      /* Done before the work */
extern const struct pool_operations racy_untagged_pool;          /* a bare pointer as the head */
extern const struct pool_operations racy_unwiped_pool;           /* objects as they came back */

#endif
