/* explore/unmodelled.c - calls that wait, wake or make threads in ways the engine does not follow.
 *
 * All threads of a program are one to the kernel here, so a wait that only the C library knows of would
 * stop everybody, and a wake would go unseen. Instead of a wrong verdict there is none, and a
 * sentence that names the call. Reached through the linker's --wrap, like pthread.c. */
#include "engine.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <threads.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

_Noreturn static void refuse(const char *name)
{
    ckf_explore_fail(CKF_VERDICT_UNMODELLED, "calls %s, which this engine does not model", name);
}

#define UNMODELLED(type, name, parameters, arguments)                                              \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (ckf_explore_engine.running != NULL)                                                    \
            refuse(#name);                                                                         \
        return __real_##name arguments;                                                            \
    }

/* Locks. */
UNMODELLED(int, pthread_mutex_timedlock, (pthread_mutex_t * m, const struct timespec *t), (m, t))
UNMODELLED(int, pthread_mutex_clocklock,
           (pthread_mutex_t * m, clockid_t c, const struct timespec *t), (m, c, t))
UNMODELLED(int, pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l))
UNMODELLED(int, pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l))
UNMODELLED(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * l), (l))
UNMODELLED(int, pthread_rwlock_trywrlock, (pthread_rwlock_t * l), (l))
UNMODELLED(int, pthread_rwlock_timedrdlock, (pthread_rwlock_t * l, const struct timespec *t),
           (l, t))
UNMODELLED(int, pthread_rwlock_timedwrlock, (pthread_rwlock_t * l, const struct timespec *t),
           (l, t))
UNMODELLED(int, pthread_spin_lock, (pthread_spinlock_t * l), (l))
UNMODELLED(int, pthread_spin_trylock, (pthread_spinlock_t * l), (l))
UNMODELLED(int, mtx_lock, (mtx_t * m), (m))
UNMODELLED(int, mtx_trylock, (mtx_t * m), (m))
UNMODELLED(int, mtx_timedlock, (mtx_t * m, const struct timespec *t), (m, t))

/* Waits. */
UNMODELLED(int, pthread_barrier_wait, (pthread_barrier_t * b), (b))
UNMODELLED(int, sem_wait, (sem_t * s), (s))
UNMODELLED(int, sem_trywait, (sem_t * s), (s))
UNMODELLED(int, sem_timedwait, (sem_t * s, const struct timespec *t), (s, t))
UNMODELLED(int, sem_clockwait, (sem_t * s, clockid_t c, const struct timespec *t), (s, c, t))
UNMODELLED(int, sem_post, (sem_t * s), (s))
UNMODELLED(int, cnd_wait, (cnd_t * c, mtx_t *m), (c, m))
UNMODELLED(int, cnd_timedwait, (cnd_t * c, mtx_t *m, const struct timespec *t), (c, m, t))
UNMODELLED(int, cnd_signal, (cnd_t * c), (c))
UNMODELLED(int, cnd_broadcast, (cnd_t * c), (c))
UNMODELLED(int, select, (int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *t),
           (n, r, w, e, t))
UNMODELLED(int, epoll_wait, (int fd, struct epoll_event *e, int n, int ms), (fd, e, n, ms))

/* Looking at descriptors without waiting is asking the kernel, which is the same for all threads. */
int __real_poll(struct pollfd *p, nfds_t n, int ms);
int __wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
    if (ckf_explore_engine.running != NULL) {
        if (ms != 0)
            refuse("poll");
        ckf_explore_point(OP_PAUSE, 0, 0, 0, CALLER);
        for (nfds_t i = 0; i < n; i++)
            ckf_explore_descriptor_is_used(p[i].fd, CALLER);
    }
    return __real_poll(p, n, ms);
}

/* Signals. One that ends the program would end the search; alarms are the engine's own (watchdog.c). */
UNMODELLED(int, kill, (pid_t p, int n), (p, n))
UNMODELLED(int, pthread_kill, (pthread_t t, int n), (t, n))
UNMODELLED(unsigned, alarm, (unsigned s), (s))
UNMODELLED(int, setitimer, (enum __itimer_which w, const struct itimerval *n, struct itimerval *o),
           (w, n, o))
UNMODELLED(int, pause, (void), ())
UNMODELLED(int, sigwait, (const sigset_t *s, int *n), (s, n))

/* Those that a crash or an abort raises are verdicts (run.c). */
int __real_raise(int number);
int __wrap_raise(int number)
{
    bool caught = number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
                  number == SIGABRT;
    if (ckf_explore_engine.running != NULL && !caught)
        refuse("raise");
    return __real_raise(number);
}

/* Threads and processes. */
UNMODELLED(int, thrd_create, (thrd_t * t, thrd_start_t f, void *a), (t, f, a))
UNMODELLED(int, thrd_join, (thrd_t t, int *r), (t, r))
UNMODELLED(int, pthread_cancel, (pthread_t t), (t))
UNMODELLED(int, pthread_tryjoin_np, (pthread_t t, void **r), (t, r))
UNMODELLED(int, pthread_timedjoin_np, (pthread_t t, void **r, const struct timespec *d), (t, r, d))
UNMODELLED(pid_t, fork, (void), ())

/* What the library does with its event descriptors, which never block. Any other call might be a futex by hand. */
static bool asks_about_a_descriptor(long number)
{
    return number == SYS_read || number == SYS_write;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    if (ckf_explore_engine.running != NULL && !asks_about_a_descriptor(number))
        refuse("syscall");
    long a[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (ckf_explore_engine.running != NULL)
        ckf_explore_descriptor_is_used((int)a[0], CALLER);
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
