/* explore/libc.c - memory, time and bytes: what programs ask of the C library and the engine must
 * see. Reached through the linker's --wrap, like pthread.c.
 *
 * The clock stands still while threads run, except that each look at it costs a microsecond; when a
 * deadline fires, it is that late. Sleeping is giving way. */
#include "engine.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_aligned_alloc(size_t, size_t);
int __real_posix_memalign(void **, size_t, size_t);
void __real_free(void *);
void *__real_memcpy(void *, const void *, size_t);
void *__real_memmove(void *, const void *, size_t);
void *__real_memset(void *, int, size_t);
int __real_sched_yield(void);
int __real_nanosleep(const struct timespec *, struct timespec *);
int __real_clock_nanosleep(clockid_t, int, const struct timespec *, struct timespec *);
int __real_usleep(unsigned);
unsigned __real_sleep(unsigned);
void __real_thrd_yield(void);
int __real_thrd_sleep(const struct timespec *, struct timespec *);
int __real_clock_gettime(clockid_t, struct timespec *);
_Noreturn void __real_abort(void);
ssize_t __real_getrandom(void *, size_t, unsigned);

static bool outside(void)
{
    return ckf_explore_engine.running == NULL;
}

static void *allocate(size_t size, size_t align, uint64_t pattern, uintptr_t pc)
{
    void *memory = ckf_explore_heap_allocate(size, align, pc);
    if (memory == NULL)
        return NULL;
    ckf_explore_heap_fill(memory, size, pattern);
    if (pattern == JUNK)
        ckf_explore_shadow_unwritten((uintptr_t)memory, size);
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return outside() ? __real_malloc(size) : allocate(size, 16, JUNK, CALLER);
}

void *__wrap_calloc(size_t count, size_t size)
{
    if (outside())
        return __real_calloc(count, size);
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return allocate(count * size, 16, ZEROS, CALLER);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    return outside() ? __real_aligned_alloc(align, size) : allocate(size, align, JUNK, CALLER);
}

int __wrap_posix_memalign(void **memory, size_t align, size_t size)
{
    if (outside())
        return __real_posix_memalign(memory, align, size);
    void *allocated = allocate(size, align, JUNK, CALLER);
    if (allocated == NULL)
        return ENOMEM;
    ckf_explore_overwrite((uintptr_t)memory);
    *memory = allocated;
    return 0;
}

void __wrap_free(void *memory)
{
    if (memory == NULL)
        return;
    if (outside()) {
        __real_free(memory);
    } else if (!ckf_explore_heap_owns(memory)) {
        ckf_explore_snapshots_refuse(); /* some library has allocated it */
        __real_free(memory);
    } else {
        ckf_explore_heap_free(memory);
    }
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (outside())
        return __real_realloc(memory, size);
    if (memory != NULL && !ckf_explore_heap_owns(memory)) {
        ckf_explore_snapshots_refuse(); /* some library has allocated it */
        return __real_realloc(memory, size);
    }
    if (memory != NULL && size == 0) { /* as glibc has it */
        ckf_explore_heap_free(memory);
        return NULL;
    }
    void *larger = allocate(size, 16, JUNK, CALLER);
    if (larger == NULL || memory == NULL)
        return larger;
    size_t old = ckf_explore_heap_size(memory);
    ckf_explore_shadow_access((uintptr_t)memory, old < size ? old : size, ACCESS_COPY);
    __real_memcpy(larger, memory, old < size ? old : size);
    ckf_explore_heap_free(memory);
    return larger;
}

static void about_to(uintptr_t address, size_t size, unsigned kind, uintptr_t pc)
{
    ckf_explore_engine.running->pc = pc;
    ckf_explore_shadow_access(address, size, kind);
}

void *__wrap_memcpy(void *to, const void *from, size_t size)
{
    if (!outside() && size > 0) {
        about_to((uintptr_t)from, size, ACCESS_COPY, CALLER);
        about_to((uintptr_t)to, size, ACCESS_WRITE, CALLER);
    }
    return __real_memcpy(to, from, size);
}

void *__wrap_memmove(void *to, const void *from, size_t size)
{
    if (!outside() && size > 0) {
        about_to((uintptr_t)from, size, ACCESS_COPY, CALLER);
        about_to((uintptr_t)to, size, ACCESS_WRITE, CALLER);
    }
    return __real_memmove(to, from, size);
}

void *__wrap_memset(void *to, int byte, size_t size)
{
    if (!outside() && size > 0)
        about_to((uintptr_t)to, size, ACCESS_WRITE, CALLER);
    return __real_memset(to, byte, size);
}

int __wrap_sched_yield(void)
{
    if (outside())
        return __real_sched_yield();
    ckf_explore_spin(CALLER);
    return 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    if (outside())
        return __real_nanosleep(time, left);
    ckf_explore_spin(CALLER);
    return 0;
}

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                           struct timespec *left)
{
    if (outside())
        return __real_clock_nanosleep(clock, flags, time, left);
    ckf_explore_spin(CALLER);
    return 0;
}

int __wrap_usleep(unsigned microseconds)
{
    if (outside())
        return __real_usleep(microseconds);
    ckf_explore_spin(CALLER);
    return 0;
}

unsigned __wrap_sleep(unsigned seconds)
{
    if (outside())
        return __real_sleep(seconds);
    ckf_explore_spin(CALLER);
    return 0;
}

void __wrap_thrd_yield(void)
{
    if (outside())
        __real_thrd_yield();
    else
        ckf_explore_spin(CALLER);
}

int __wrap_thrd_sleep(const struct timespec *time, struct timespec *left)
{
    if (outside())
        return __real_thrd_sleep(time, left);
    ckf_explore_spin(CALLER);
    return 0;
}

int64_t ckf_explore_engine_now_ns(void)
{
    ckf_explore_touch(CKF_CLOCK, TOUCH_WRITE);
    return ckf_explore_engine.now_ns += 1000;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    if (outside())
        return __real_clock_gettime(clock, time);
    int64_t now = ckf_explore_engine_now_ns();
    ckf_explore_overwrite((uintptr_t)&time->tv_sec);
    ckf_explore_overwrite((uintptr_t)&time->tv_nsec);
    *time = (struct timespec){.tv_sec = now / 1000000000, .tv_nsec = now % 1000000000};
    return 0;
}

ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned flags)
{
    if (outside())
        return __real_getrandom(buffer, size, flags);
    ckf_explore_shadow_access((uintptr_t)buffer, size, ACCESS_WRITE);
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)buffer)[i] = (unsigned char)ckf_explore_random(256);
    return (ssize_t)size;
}

_Noreturn void __wrap_abort(void)
{
    if (outside())
        __real_abort();
    ckf_explore_fail(CKF_VERDICT_ABORT, "calls abort");
}

/* A program that ends in the middle of an execution would take the search along. */
#define ENDS_THE_PROGRAM(name)                                                                     \
    _Noreturn void __real_##name(int);                                                             \
    _Noreturn void __wrap_##name(int status)                                                       \
    {                                                                                              \
        if (outside())                                                                             \
            __real_##name(status);                                                                 \
        ckf_explore_fail(CKF_VERDICT_CRASH, "calls " #name);                                       \
    }

ENDS_THE_PROGRAM(exit)
ENDS_THE_PROGRAM(quick_exit)
ENDS_THE_PROGRAM(_exit)
ENDS_THE_PROGRAM(_Exit)

/* What an execution makes is gone at its end, and must not be destroyed at the program's. */
int __real___cxa_atexit(void (*)(void *), void *, void *);
int __wrap___cxa_atexit(void (*function)(void *), void *arg, void *object)
{
    return outside() ? __real___cxa_atexit(function, arg, object) : 0;
}
