/* base/event_fd.c - eventfd(2), read and written by bare system calls: the C library's would be cancellation
 * points. Its close, by which tools know that the number may come again, is kept from being one. */
#include "base/event_fd.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/caller.h"

int ckf_event_fd_open(void)
{
    int saved_errno = errno;
    int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    errno = saved_errno;
    return fd;
}

void ckf_event_fd_close(int fd)
{
    struct ckf_caller caller = ckf_caller_save();
    close(fd);
    ckf_caller_restore(caller);
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
