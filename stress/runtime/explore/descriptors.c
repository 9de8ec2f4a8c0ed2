/* explore/descriptors.c - event descriptors, which are the kernel's own: what an execution leaves open when
 * it is cut off, or by mistake, is closed behind it. So descriptors do not run out, and have the same
 * numbers in every execution.
 *
 * For each there is a word that stands in for it: opening and closing it count as writes of the word, use
 * as reads. So a thread that uses a descriptor with nothing that orders it after the one who opened it, or
 * before the one who closes it, is found as a data race, as ThreadSanitizer would.
 */
#include "engine.h"

#include <errno.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

enum { MOST = 64 };

static int open_now[MOST]; /* by the execution that runs */
static size_t count;
static uint64_t stand_ins[MOST]; /* by the descriptor's number; never really written */

static void touch(int fd, unsigned kind, uintptr_t caller)
{
    if (fd < 0 || fd >= MOST)
        return;
    ckf_explore_engine.running->pc = caller;
    ckf_explore_shadow_access((uintptr_t)&stand_ins[fd], sizeof *stand_ins, kind);
}

void ckf_explore_descriptor_is_used(int fd, uintptr_t caller)
{
    touch(fd, ACCESS_READ, caller);
}

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
    if (inside && fd >= 0) {
        open_now[count++] = fd;
        if (fd < MOST) /* whatever had this number before is gone */
            ckf_explore_shadow_fresh((uintptr_t)&stand_ins[fd], sizeof *stand_ins);
    }
    return fd;
}

static void note_close(int fd, uintptr_t caller)
{
    touch(fd, ACCESS_WRITE, caller);
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
        note_close(fd, CALLER);
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
