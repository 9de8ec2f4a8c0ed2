/* explore/cplusplus.c - what programs in C++ ask of their library (libstdc++) and the engine must see:
 * statics of functions, condition variables, threads. Reached through the linker's --wrap, under the
 * names of the Itanium C++ ABI; programs in C do not link this file.
 *
 * A guard's first byte says that its static is made, as compilers look for it; the second one that
 * somebody is making it. Both are put back with all that instrumented code has written, so each
 * execution makes its statics anew. A std::mutex begins with its pthread mutex, a condition variable with
 * its pthread one, and a std::unique_lock with the address of its mutex.
 */
#include "engine.h"

#include <pthread.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define REAL(type, name, ...) type __real_##name(__VA_ARGS__)

static bool outside(void)
{
    return ckf_explore_engine.running == NULL;
}

/* Statics of functions. */

uint8_t __tsan_atomic8_load(const volatile uint8_t *address, int order);
void __tsan_atomic8_store(volatile uint8_t *address, uint8_t value, int order);
uint8_t __tsan_atomic8_exchange(volatile uint8_t *address, uint8_t value, int order);

REAL(int, __cxa_guard_acquire, uint8_t *);
REAL(void, __cxa_guard_release, uint8_t *);
REAL(void, __cxa_guard_abort, uint8_t *);

int __wrap___cxa_guard_acquire(uint8_t *guard)
{
    if (outside())
        return __real___cxa_guard_acquire(guard);
    while (__tsan_atomic8_load(guard, __ATOMIC_ACQUIRE) == 0) {
        if (__tsan_atomic8_exchange(guard + 1, 1, __ATOMIC_ACQUIRE) == 0) {
            if (__tsan_atomic8_load(guard, __ATOMIC_ACQUIRE) == 0)
                return 1;
            __tsan_atomic8_store(guard + 1, 0, __ATOMIC_RELEASE);
            return 0;
        }
        ckf_explore_spin(CALLER);
    }
    return 0;
}

void __wrap___cxa_guard_release(uint8_t *guard)
{
    if (outside()) {
        __real___cxa_guard_release(guard);
        return;
    }
    __tsan_atomic8_store(guard, 1, __ATOMIC_RELEASE);
    __tsan_atomic8_store(guard + 1, 0, __ATOMIC_RELEASE);
}

void __wrap___cxa_guard_abort(uint8_t *guard)
{
    if (outside())
        __real___cxa_guard_abort(guard);
    else
        __tsan_atomic8_store(guard + 1, 0, __ATOMIC_RELEASE);
}

/* Condition variables. */

int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);
int __wrap_pthread_cond_destroy(pthread_cond_t *condition);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);

struct unique_lock {
    pthread_mutex_t *mutex;
};

REAL(void, _ZNSt18condition_variableC1Ev, pthread_cond_t *);
REAL(void, _ZNSt18condition_variableD1Ev, pthread_cond_t *);
REAL(void, _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE, pthread_cond_t *,
     struct unique_lock *);
REAL(void, _ZNSt18condition_variable10notify_oneEv, pthread_cond_t *);
REAL(void, _ZNSt18condition_variable10notify_allEv, pthread_cond_t *);

void __wrap__ZNSt18condition_variableC1Ev(pthread_cond_t *condition)
{
    if (outside())
        __real__ZNSt18condition_variableC1Ev(condition);
    else
        __wrap_pthread_cond_init(condition, NULL);
}

void __wrap__ZNSt18condition_variableD1Ev(pthread_cond_t *condition)
{
    if (outside())
        __real__ZNSt18condition_variableD1Ev(condition);
    else
        __wrap_pthread_cond_destroy(condition);
}

void __wrap__ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(pthread_cond_t *condition,
                                                                      struct unique_lock *lock)
{
    if (outside())
        __real__ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(condition, lock);
    else
        __wrap_pthread_cond_wait(condition, lock->mutex);
}

void __wrap__ZNSt18condition_variable10notify_oneEv(pthread_cond_t *condition)
{
    if (outside())
        __real__ZNSt18condition_variable10notify_oneEv(condition);
    else
        __wrap_pthread_cond_signal(condition);
}

void __wrap__ZNSt18condition_variable10notify_allEv(pthread_cond_t *condition)
{
    if (outside())
        __real__ZNSt18condition_variable10notify_allEv(condition);
    else
        __wrap_pthread_cond_broadcast(condition);
}

/* Threads: the library would start them where the engine does not look. */

#define START_THREAD                                                                               \
    _ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE
#define JOIN(a, b)        a##b
#define WITH_PREFIX(a, b) JOIN(a, b)

void WITH_PREFIX(__real_, START_THREAD)(void *thread, void *state, void (*depend)(void));

void WITH_PREFIX(__wrap_, START_THREAD)(void *thread, void *state, void (*depend)(void))
{
    if (!outside())
        ckf_explore_fail(CKF_VERDICT_UNMODELLED,
                         "starts a std::thread, which this engine does not model");
    WITH_PREFIX(__real_, START_THREAD)(thread, state, depend);
}
