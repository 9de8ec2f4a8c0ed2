/* stress/racy/context_borrowed.c - a context that belongs to its request: a task that was started on
 * the way keeps the pointer and looks at it when the request has ended. */
#include <stdatomic.h>

#include <ck_filter/stress.h>

#include "tasks.h"

struct borrowed {
    atomic_bool done;
};

static void *create(void)
{
    return ckf_stress_alloc(sizeof(struct borrowed));
}

static void *borrow(void *context)
{
    return context;
}

static void give_back(void *context)
{
    (void)context; /* nothing was taken */
}

static void end(void *context)
{
    ckf_stress_free(context);
}

static bool is_done(void *context)
{
    return atomic_load(&((struct borrowed *)context)->done);
}

const struct context_operations racy_borrowed_context = {.create = create,
                                                         .retain = borrow,
                                                         .release_retained = give_back,
                                                         .release = end,
                                                         .is_done = is_done};
