/* stress/racy/context_flag.c - a context that is a flag, raised before the note is written. */
#include <stdatomic.h>
#include <stdlib.h>

#include <ck_filter/clock.h>
#include <ck_filter/stress.h>

#include "tasks.h"

struct flag {
    _Atomic(bool) done;
};

static void *create(void)
{
    return calloc(1, sizeof(struct flag));
}

static void *create_until(int64_t ns)
{
    (void)ns; /* it has no deadline */
    return create();
}

static bool is_done(void *context)
{
    return atomic_load(&((struct flag *)context)->done);
}

static enum ckf_status look(void *context)
{
    return is_done(context) ? CKF_CANCELED : CKF_OK;
}

static void wait(void *context)
{
    while (!is_done(context))
        ckf_stress_spin(NULL);
}

static void cancel_with(void *context, int *note, int value)
{
    atomic_store(&((struct flag *)context)->done, true);
    ckf_stress_pause(NULL);
    *note = value;
}

const struct context_operations racy_flag_context = {.create = create,
                                                     .create_until = create_until,
                                                     .release = free,
                                                     .cancel_with = cancel_with,
                                                     .is_done = is_done,
                                                     .look = look,
                                                     .wait = wait};
