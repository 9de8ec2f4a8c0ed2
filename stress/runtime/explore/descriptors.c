/* explore/descriptors.c - event descriptors, which are the kernel's own: what an execution leaves open when
 * it is cut off, or by mistake, is closed behind it. So descriptors do not run out, and have the same
 * numbers in every execution.
 */
#include "engine.h"

#include <errno.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

enum { MOST = 64 };

static int open_now[MOST]; /* by the execution that runs */
static size_t count;

int __real_eventfd(unsigned value, int flags);
int __real_close(int fd);

int __wrap_eventfd(unsigned value, int flags)
{
    bool inside = ckf_explore_engine.running != NULL;
    if (inside && count == MOST) {
        errno = EMFILE;
        return -1;
    }
    int fd = __real_eventfd(value, flags);
    if (inside && fd >= 0)
        open_now[count++] = fd;
    return fd;
}

void ckf_explore_descriptor_closes(int fd)
{
    for (size_t i = 0; i < count; i++)
        if (open_now[i] == fd) {
            open_now[i] = open_now[--count];
            return;
        }
    ckf_explore_snapshots_refuse(); /* it was opened in a way that the engine does not see */
}

int __wrap_close(int fd)
{
    if (ckf_explore_engine.running != NULL)
        ckf_explore_descriptor_closes(fd);
    return __real_close(fd);
}

bool ckf_explore_descriptors_are_open(void)
{
    return count > 0;
}

void ckf_explore_close_descriptors(void)
{
    while (count > 0)
        __real_close(open_now[--count]);
}
