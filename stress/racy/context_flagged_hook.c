/* stress/racy/context_flagged_hook.c - a hook that is stopped by a flag, which the canceller looks at
 * before it runs the hook. */
#include <stdatomic.h>

#include <ck_filter/stress.h>

#include "tasks.h"

struct hooked {
    struct hook_visit *visit;
    _Atomic(bool) stopped, ran;
};

static void *hook(struct hook_visit *visit)
{
    struct hooked *hooked = ckf_stress_alloc(sizeof *hooked);
    if (hooked != NULL)
        hooked->visit = visit;
    return hooked;
}

static void cancel(void *arg)
{
    struct hooked *hooked = arg;
    if (atomic_load(&hooked->stopped))
        return;
    ckf_stress_pause(NULL);
    hooked->visit->runs++;
    atomic_store(&hooked->ran, true);
}

static bool stop(void *arg)
{
    struct hooked *hooked = arg;
    atomic_store(&hooked->stopped, true);
    return !atomic_load(&hooked->ran);
}

const struct hook_operations racy_flagged_hook = {hook, cancel, stop, ckf_stress_free};
