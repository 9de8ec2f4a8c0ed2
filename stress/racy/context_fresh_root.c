/* stress/racy/context_fresh_root.c - a callee that says context.Background() where it should have
 * passed on what it was given: the cancel of its caller never reaches it. */
#include <ck_filter/context.h>

#include "tasks.h"

static void *create(void)
{
    return atomic_context.create();
}

static void *fresh_root(void *parent)
{
    (void)parent;
    return atomic_context.create();
}

static void release(void *context)
{
    atomic_context.release(context);
}

static void cancel(void *context)
{
    atomic_context.cancel(context);
}

static bool is_done(void *context)
{
    return atomic_context.is_done(context);
}

static enum ckf_status work(void *context, int64_t ns)
{
    return atomic_context.work(context, ns);
}

const struct context_operations racy_fresh_root_context = {.create = create,
                                                           .derive = fresh_root,
                                                           .release = release,
                                                           .cancel = cancel,
                                                           .is_done = is_done,
                                                           .work = work};
