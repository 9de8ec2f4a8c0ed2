/* stress/racy/canary_two_moments.c - the rules in force are asked, then the candidate, a moment later. */
#include <ck_filter/stress.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "../cases/guards.h"

struct canary {
    _Atomic(bool) in_force, candidate; /* whether they deny the word */
};

static void *create(void)
{
    return calloc(1, sizeof(struct canary));
}

static void reconfigure(void *arg, bool denied)
{
    struct canary *canary = arg;
    atomic_store(&canary->in_force, denied);
    atomic_store(&canary->candidate, denied);
}

static enum canary_answer compare(void *arg)
{
    struct canary *canary = arg;
    bool now = atomic_load(&canary->in_force);
    ckf_stress_pause(NULL);
    return now == atomic_load(&canary->candidate) ? CANARY_AGREES : CANARY_DIFFERS;
}

const struct canary_operations racy_canary = {
    .create = create, .destroy = free, .reconfigure = reconfigure, .compare = compare};
