/* explore/per_thread_twin.c - the numbers of threads for the explore runtime. Linked instead of
 * sync/per_thread.c.
 *
 * A thread's number is the engine's own, so that who called first makes no difference: otherwise every
 * search would begin with all orders of the actors' first calls, and go through everything that
 * follows once for each permutation of their numbers. The actors of a case have theirs from the
 * start; other threads take them at their first call, which raises the limit as in the library.
 * None is given back or inherited. How the library itself takes numbers and gives them back is
 * explored by tests/test_explore_corpus_programs.c.
 */
#include "engine.h"

#include "sync/per_thread.h"

_Thread_local unsigned ckf_thread_number_plus_one;
_Thread_local struct ckf_place *ckf_thread_place;
static uint32_t limit; /* more than all numbers that were taken */

enum { ACQUIRE = 2, RELEASE = 3 };

static uint32_t read_limit(uintptr_t pc)
{
    return (uint32_t)ckf_explore_atomic_rmw((uintptr_t)&limit, sizeof limit, RMW_ADD, 0, RELEASE,
                                            pc);
}

void ckf_explore_number_threads(unsigned count)
{
    ckf_explore_shadow_access((uintptr_t)&limit, sizeof limit, ACCESS_WRITE);
    limit = count;
}

/* edge limit-raised: acquire; pairs with the release in ckf_thread_number_limit(). */
unsigned ckf_thread_number_take(void)
{
    const struct ckf_thread *self = ckf_explore_engine.running;
    if (self == NULL)
        return 0;
    unsigned number = self->id;
    for (uintptr_t pc = CALLER; limit <= number;) {
        uint64_t found = limit;
        if (ckf_explore_atomic_cas((uintptr_t)&limit, sizeof limit, &found, number + 1u, ACQUIRE, 0,
                                   false, pc))
            break;
    }
    ckf_thread_number_plus_one = number + 1;
    return number;
}

unsigned ckf_thread_number_end(void)
{
    return ckf_explore_engine.thread_count;
}

/* edge limit-raised: release; pairs with the acquire in ckf_thread_number_take(). */
unsigned ckf_thread_number_limit(void)
{
    return read_limit(CALLER);
}
