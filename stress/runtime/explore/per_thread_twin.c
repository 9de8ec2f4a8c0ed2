/* explore/per_thread_twin.c - the numbers of threads for the explore runtime. Linked instead of
 * sync/per_thread.c.
 *
 * A thread's number is the engine's own, so that who called first makes no difference: otherwise every
 * search would begin with all orders of the actors' first calls, and go through everything that
 * follows once for each permutation of their numbers. No number is inherited. How numbers are taken
 * and given back is explored by itself, in tests/test_explore_corpus_programs.c.
 */
#include "engine.h"

#include "sync/per_thread.h"

unsigned ckf_thread_number(void)
{
    const struct ckf_thread *self = ckf_explore_engine.running;
    return self != NULL ? self->id : 0;
}

unsigned ckf_thread_number_end(void)
{
    return ckf_explore_engine.thread_count;
}
