/* base/membarrier.c - membarrier(2), the private expedited kind: some microseconds a call. */
#include "base/membarrier.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

static long membarrier(int command)
{
    int saved_errno = errno;
    long result = syscall(SYS_membarrier, command, 0, 0);
    errno = saved_errno;
    return result;
}

bool ckf_membarrier_start(void)
{
    return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

void ckf_membarrier(void)
{
    if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0)
        ckf_die("membarrier", ENOSYS);
}
