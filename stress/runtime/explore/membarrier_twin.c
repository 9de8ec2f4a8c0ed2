/* explore/membarrier_twin.c - membarrier(2) for the explore runtime: whether there is one is a choice, so
 * that both ways of the library's sections are explored.
 *
 * All threads run a full fence at one moment of the call: what any of them has executed before it, all see
 * from then on.
 */
#include "engine.h"

#include "base/membarrier.h"

bool ckf_membarrier_start(void)
{
    return ckf_explore_engine.running == NULL || ckf_explore_choose(CKF_CHOICE_RANDOM, 2) == 0;
}

void ckf_membarrier(void)
{
    enum { SEQ_CST = 5 };
    ckf_explore_point(OP_BARRIER, 0, 0, SEQ_CST, CALLER);
    if (ckf_explore_engine.tracing)
        ckf_explore_trace_event(&ckf_explore_engine.running->op, 0, 0, 0);
    ckf_explore_touch(CKF_EVERYTHING, TOUCH_WRITE);
    for (unsigned i = 0; i < ckf_explore_engine.thread_count; i++)
        ckf_explore_see_everything(&ckf_explore_engine.threads[i]);
}
