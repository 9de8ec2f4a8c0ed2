/* explore/pthread.c - threads, mutexes, condition variables, once and keys, as the engine does them.
 *
 * Programs reach these through the linker's --wrap; between executions the C library's own are
 * called. What the C library keeps in a pthread_mutex_t is neither read nor written: a mutex is
 * what the engine knows of its address, so a statically initialised one, a zeroed one and one that
 * pthread_mutex_init has seen are the same. Recursive mutexes are not modelled (a second lock by the
 * owner is a hang), nor are priorities, cancellation and process sharing.
 *
 * A lock acquires what the last unlock released. Unlocking is not a point of its own: it commutes
 * with everything that others can do while the mutex is held, except trying it.
 */
#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define REAL(type, name, ...) type __real_##name(__VA_ARGS__)

static bool outside(void)
{
    return ckf_explore_engine.running == NULL;
}

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

/* A use of the object that its destruction must be ordered with. */
static struct ckf_sync *use(uintptr_t address)
{
    struct ckf_granule *granule =
        ckf_explore_shadow_access(address, 1, ACCESS_WRITE | ACCESS_ATOMIC);
    struct ckf_sync *sync = ckf_explore_sync_at(address);
    if (!ckf_explore_engine.solo && ckf_explore_is_shared(&sync->user, ckf_explore_engine.running))
        ckf_explore_mark_contended(granule, address);
    return sync;
}

/* Mutexes. */

static void touch_mutex(const struct ckf_sync *mutex, enum ckf_touch how)
{
    ckf_explore_touch(CKF_THING(CKF_TOUCH_MUTEXES, mutex->address >> 3), how);
}

static void take(struct ckf_sync *mutex)
{
    struct ckf_engine *e = &ckf_explore_engine;
    mutex->owner = (uint8_t)(e->running->id + 1);
    touch_mutex(mutex, e->running->op.kind == OP_TRYLOCK ? TOUCH_TRYLOCK : TOUCH_LOCK);
    ckf_explore_view_acquire(e->running, mutex->view);
    ckf_explore_mix((uint64_t)(mutex - e->syncs) * MAX_THREADS + e->running->id);
    if (e->tracing)
        ckf_explore_trace_event(&e->running->op, 0, 0, 0);
    for (uint16_t rest = e->ready; rest != 0; rest &= (uint16_t)(rest - 1)) {
        struct ckf_thread *other = &e->threads[__builtin_ctz(rest)];
        if (other->op.kind != OP_LOCK || other->op.address != mutex->address)
            continue;
        e->ready &= (uint16_t)~ckf_explore_bit(other);
        other->state = THREAD_BLOCKED;
        mutex->waiters |= ckf_explore_bit(other);
    }
}

static void lock_mutex(uintptr_t address, uintptr_t pc)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    struct ckf_sync *mutex = use(address);
    if (mutex->owner == 0) {
        ckf_explore_memory_point(OP_LOCK, address, 1, 0, pc);
    } else {
        self->op = (struct ckf_operation){.kind = OP_LOCK, .address = address, .size = 1, .pc = pc};
        mutex->waiters |= ckf_explore_bit(self);
        ckf_explore_block();
    }
    take(use(address));
}

static void unlock_mutex(uintptr_t address, uintptr_t pc)
{
    struct ckf_engine *e = &ckf_explore_engine;
    struct ckf_sync *mutex = use(address);
    if (mutex->owner != e->running->id + 1)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "unlocks a mutex that it does not hold");
    ckf_explore_park_if_due(pc);
    if (e->tracing) {
        const struct ckf_operation unlock = {.kind = OP_UNLOCK, .address = address, .pc = pc};
        ckf_explore_trace_event(&unlock, 0, 0, 0);
    }
    touch_mutex(mutex, TOUCH_WRITE);
    mutex->owner = 0;
    if (!e->solo)
        mutex->view = ckf_explore_view_release(e->running);
    for (; mutex->waiters != 0; mutex->waiters &= (uint16_t)(mutex->waiters - 1))
        ckf_explore_make_ready(&e->threads[__builtin_ctz(mutex->waiters)], OP_LOCK);
    for (uint16_t rest = e->asleep; rest != 0; rest &= (uint16_t)(rest - 1)) {
        unsigned id = (unsigned)__builtin_ctz(rest);
        if (e->threads[id].op.address == address)
            e->asleep &= (uint16_t) ~(1u << id);
    }
}

REAL(int, pthread_mutex_init, pthread_mutex_t *, const pthread_mutexattr_t *);
REAL(int, pthread_mutex_destroy, pthread_mutex_t *);
REAL(int, pthread_mutex_lock, pthread_mutex_t *);
REAL(int, pthread_mutex_trylock, pthread_mutex_t *);
REAL(int, pthread_mutex_unlock, pthread_mutex_t *);

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    if (outside())
        return __real_pthread_mutex_init(mutex, attributes);
    ckf_explore_shadow_access((uintptr_t)mutex, 1, ACCESS_WRITE);
    ckf_explore_sync_at((uintptr_t)mutex)->view = NULL;
    return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    if (outside())
        return __real_pthread_mutex_destroy(mutex);
    ckf_explore_shadow_access((uintptr_t)mutex, 1, ACCESS_WRITE);
    if (ckf_explore_sync_at((uintptr_t)mutex)->owner != 0)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "destroys a mutex that is locked");
    return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (outside())
        return __real_pthread_mutex_lock(mutex);
    lock_mutex((uintptr_t)mutex, CALLER);
    return 0;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    if (outside())
        return __real_pthread_mutex_trylock(mutex);
    ckf_explore_memory_point(OP_TRYLOCK, (uintptr_t)mutex, 1, 0, CALLER);
    struct ckf_sync *sync = use((uintptr_t)mutex);
    if (sync->owner != 0) {
        touch_mutex(sync, TOUCH_READ);
        return EBUSY;
    }
    take(sync);
    return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (outside())
        return __real_pthread_mutex_unlock(mutex);
    unlock_mutex((uintptr_t)mutex, CALLER);
    return 0;
}

/* Condition variables. Times are those of the engine's one clock, whatever clock they name. */

static int wait_on(uintptr_t condition, uintptr_t mutex, int64_t deadline_ns, uintptr_t pc)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    self->operands[0] = (uint64_t)deadline_ns;
    self->op = (struct ckf_operation){
        .kind = OP_COND_WAIT, .address = condition, .address2 = mutex, .size = 1, .pc = pc};
    if (!ckf_explore_engine.solo)
        ckf_explore_schedule();
    struct ckf_sync *sync = use(condition);
    if (ckf_explore_engine.tracing)
        ckf_explore_trace_event(&self->op, 0, 0, 0);
    unlock_mutex(mutex, pc);
    bool in_time = ckf_explore_sleep(sync, deadline_ns);
    lock_mutex(mutex, pc);
    return in_time ? 0 : ETIMEDOUT;
}

static void notify(uintptr_t condition, enum ckf_operation_kind kind, unsigned count, uintptr_t pc)
{
    if (UNLIKELY(ckf_explore_engine.watching_sites) && ckf_explore_leaves_out(kind, pc))
        return;
    ckf_explore_point(kind, condition, 1, 0, pc);
    struct ckf_sync *sync = use(condition);
    if (ckf_explore_engine.tracing)
        ckf_explore_trace_event(&ckf_explore_engine.running->op,
                                (uint64_t)__builtin_popcount(sync->waiters), 0, 0);
    ckf_explore_wake(sync, count);
}

REAL(int, pthread_cond_init, pthread_cond_t *, const pthread_condattr_t *);
REAL(int, pthread_cond_destroy, pthread_cond_t *);
REAL(int, pthread_cond_wait, pthread_cond_t *, pthread_mutex_t *);
REAL(int, pthread_cond_timedwait, pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
REAL(int, pthread_cond_clockwait, pthread_cond_t *, pthread_mutex_t *, clockid_t,
     const struct timespec *);
REAL(int, pthread_cond_signal, pthread_cond_t *);
REAL(int, pthread_cond_broadcast, pthread_cond_t *);

int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    if (outside())
        return __real_pthread_cond_init(condition, attributes);
    ckf_explore_shadow_access((uintptr_t)condition, 1, ACCESS_WRITE);
    return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *condition)
{
    if (outside())
        return __real_pthread_cond_destroy(condition);
    ckf_explore_shadow_access((uintptr_t)condition, 1, ACCESS_WRITE);
    if (ckf_explore_sync_at((uintptr_t)condition)->waiters != 0)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "destroys a condition variable that others wait on");
    return 0;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    if (outside())
        return __real_pthread_cond_wait(condition, mutex);
    return wait_on((uintptr_t)condition, (uintptr_t)mutex, INT64_MAX, CALLER);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *deadline)
{
    if (outside())
        return __real_pthread_cond_timedwait(condition, mutex, deadline);
    return wait_on((uintptr_t)condition, (uintptr_t)mutex, nanoseconds(deadline), CALLER);
}

int __wrap_pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  clockid_t clock, const struct timespec *deadline)
{
    if (outside())
        return __real_pthread_cond_clockwait(condition, mutex, clock, deadline);
    return wait_on((uintptr_t)condition, (uintptr_t)mutex, nanoseconds(deadline), CALLER);
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
    if (outside())
        return __real_pthread_cond_signal(condition);
    notify((uintptr_t)condition, OP_SIGNAL, 1, CALLER);
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
    if (outside())
        return __real_pthread_cond_broadcast(condition);
    notify((uintptr_t)condition, OP_BROADCAST, MAX_THREADS, CALLER);
    return 0;
}

/* Once. */

REAL(int, pthread_once, pthread_once_t *, void (*)(void));

int __wrap_pthread_once(pthread_once_t *once, void (*routine)(void))
{
    if (outside())
        return __real_pthread_once(once, routine);
    ckf_explore_memory_point(OP_ONCE, (uintptr_t)once, 1, 0, CALLER);
    struct ckf_sync *sync = use((uintptr_t)once);
    touch_mutex(sync, TOUCH_WRITE);
    while (sync->owner != 0)
        ckf_explore_sleep(sync, INT64_MAX);
    struct ckf_thread *self = ckf_explore_engine.running;
    if (!sync->done) {
        sync->owner = (uint8_t)(self->id + 1);
        routine();
        touch_mutex(sync, TOUCH_WRITE);
        sync->owner = 0;
        sync->done = true;
        sync->view = ckf_explore_view_release(self);
        ckf_explore_wake(sync, MAX_THREADS);
    }
    ckf_explore_view_acquire(self, sync->view);
    return 0;
}

/* Threads. A handle is the thread's number plus one. */

REAL(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
REAL(int, pthread_join, pthread_t, void **);
REAL(int, pthread_detach, pthread_t);
REAL(pthread_t, pthread_self, void);
REAL(pid_t, gettid, void);
REAL(void, pthread_exit, void *);

static void run_start_routine(void *arg)
{
    struct ckf_thread *self = arg;
    self->result = self->start(self->start_arg);
}

static const char *name_of(unsigned id)
{
    static const char *const names[MAX_THREADS] = {
        "main",      "thread 1",  "thread 2",  "thread 3", "thread 4",  "thread 5",
        "thread 6",  "thread 7",  "thread 8",  "thread 9", "thread 10", "thread 11",
        "thread 12", "thread 13", "thread 14", "thread 15"};
    return names[id % MAX_THREADS];
}

int __wrap_pthread_create(pthread_t *handle, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *arg)
{
    if (outside())
        return __real_pthread_create(handle, attributes, start, arg);
    struct ckf_thread *thread =
        ckf_explore_thread_start(run_start_routine, NULL, name_of(ckf_explore_engine.thread_count));
    thread->arg = thread;
    thread->start = start;
    thread->start_arg = arg;
    ckf_explore_shadow_access((uintptr_t)handle, sizeof *handle, ACCESS_WRITE);
    *handle = (pthread_t)thread->id + 1;
    return 0;
}

static struct ckf_thread *thread_of(pthread_t handle)
{
    if (handle == 0 || handle > ckf_explore_engine.thread_count)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "uses a thread handle that is none");
    return &ckf_explore_engine.threads[handle - 1];
}

int __wrap_pthread_join(pthread_t handle, void **result)
{
    if (outside())
        return __real_pthread_join(handle, result);
    struct ckf_thread *thread = thread_of(handle);
    if (thread->joined || thread->detached)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "joins a thread that was joined or detached");
    ckf_explore_thread_wait(thread, CALLER);
    if (result != NULL) {
        ckf_explore_shadow_access((uintptr_t)result, sizeof *result, ACCESS_WRITE);
        *result = thread->result;
    }
    return 0;
}

int __wrap_pthread_detach(pthread_t handle)
{
    if (outside())
        return __real_pthread_detach(handle);
    struct ckf_thread *thread = thread_of(handle);
    if (thread->joined || thread->detached)
        ckf_explore_fail(CKF_VERDICT_MISUSE, "detaches a thread that was joined or detached");
    thread->detached = true;
    return 0;
}

pthread_t __wrap_pthread_self(void)
{
    return outside() ? __real_pthread_self() : (pthread_t)ckf_explore_engine.running->id + 1;
}

/* The kernel's are all one thread's. */
pid_t __wrap_gettid(void)
{
    return outside() ? __real_gettid() : (pid_t)ckf_explore_engine.running->id + 1;
}

_Noreturn void __wrap_pthread_exit(void *result)
{
    if (outside())
        __real_pthread_exit(result);
    ckf_explore_engine.running->result = result;
    ckf_explore_thread_exit();
}

/* Keys. */

REAL(int, pthread_key_create, pthread_key_t *, void (*)(void *));
REAL(int, pthread_key_delete, pthread_key_t);
REAL(int, pthread_setspecific, pthread_key_t, const void *);
REAL(void *, pthread_getspecific, pthread_key_t);

enum { DESTRUCTOR_ROUNDS = 4 };

void ckf_explore_pthread_begin(void)
{
    ckf_explore_engine.key_count = 0;
}

int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    struct ckf_engine *e = &ckf_explore_engine;
    if (outside())
        return __real_pthread_key_create(key, destructor);
    if (e->key_count == MAX_KEYS)
        return EAGAIN;
    ckf_explore_shadow_access((uintptr_t)key, sizeof *key, ACCESS_WRITE);
    ckf_explore_touch(CKF_COUNTERS, TOUCH_WRITE);
    e->key_destructors[e->key_count] = destructor;
    *key = e->key_count++;
    return 0;
}

int __wrap_pthread_key_delete(pthread_key_t key)
{
    if (outside())
        return __real_pthread_key_delete(key);
    ckf_explore_engine.key_destructors[key] = NULL;
    return 0;
}

int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
    if (outside())
        return __real_pthread_setspecific(key, value);
    struct ckf_thread *self = ckf_explore_engine.running;
    if (!self->keys_used)
        for (int i = 0; i < MAX_KEYS; i++)
            self->keys[i] = NULL;
    self->keys_used = true;
    self->keys[key] = value;
    return 0;
}

void *__wrap_pthread_getspecific(pthread_key_t key)
{
    if (outside())
        return __real_pthread_getspecific(key);
    return ckf_explore_engine.running->keys_used
               ? (void *)(uintptr_t)ckf_explore_engine.running->keys[key]
               : NULL;
}

static bool run_destructors(struct ckf_thread *thread)
{
    bool any = false;
    for (unsigned key = 0; key < ckf_explore_engine.key_count; key++) {
        void *value = (void *)(uintptr_t)thread->keys[key];
        thread->keys[key] = NULL;
        if (value != NULL && ckf_explore_engine.key_destructors[key] != NULL) {
            ckf_explore_engine.key_destructors[key](value);
            any = true;
        }
    }
    return any;
}

void ckf_explore_pthread_exit_keys(struct ckf_thread *thread)
{
    for (int round = 0; thread->keys_used && round < DESTRUCTOR_ROUNDS; round++)
        if (!run_destructors(thread))
            break;
}

/* What has no meaning here. */

REAL(int, pthread_setcancelstate, int, int *);
REAL(int, pthread_atfork, void (*)(void), void (*)(void), void (*)(void));
REAL(int, pthread_setname_np, pthread_t, const char *);

int __wrap_pthread_setcancelstate(int state, int *previous)
{
    if (outside())
        return __real_pthread_setcancelstate(state, previous);
    if (previous == NULL)
        return 0;
    ckf_explore_overwrite((uintptr_t)previous);
    *previous = PTHREAD_CANCEL_ENABLE;
    return 0;
}

int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    return outside() ? __real_pthread_atfork(prepare, parent, child) : 0;
}

int __wrap_pthread_setname_np(pthread_t handle, const char *name)
{
    return outside() ? __real_pthread_setname_np(handle, name) : 0;
}
