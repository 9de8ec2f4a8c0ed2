/* explore/membarrier_twin.c - membarrier(2) for the explore runtime: it is not there, so that the
 * library orders both sides by operations, which the memory model knows.
 */
#include "engine.h"

#include "base/membarrier.h"

bool ckf_membarrier_start(void)
{
    return false;
}

void ckf_membarrier(void)
{
    ckf_explore_fail(CKF_VERDICT_UNMODELLED, "uses membarrier(2)");
}
