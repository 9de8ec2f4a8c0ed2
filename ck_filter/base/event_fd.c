/* base/event_fd.c - eventfd(2) by bare system calls: the C library's read, write and close would be
 * cancellation points. */
#include "base/event_fd.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

int ckf_event_fd_open(void)
{
    int saved_errno = errno;
    int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    errno = saved_errno;
    return fd;
}

void ckf_event_fd_close(int fd)
{
    int saved_errno = errno;
    syscall(SYS_close, fd);
    errno = saved_errno;
}

void ckf_event_fd_set(int fd)
{
    int saved_errno = errno;
    uint64_t one = 1;
    syscall(SYS_write, fd, &one, sizeof one); /* a full counter fails, and is readable */
    errno = saved_errno;
}

void ckf_event_fd_clear(int fd)
{
    int saved_errno = errno;
    uint64_t count;
    syscall(SYS_read, fd, &count, sizeof count); /* an empty counter fails, and is clear */
    errno = saved_errno;
}
