/* tests/support.c - threads, children, waiting and failing allocations for the unit tests. */
#include "support.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ck_filter/memory.h>

/* Tests ask for absurd amounts of memory, and children of threaded processes start threads. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1:die_after_fork=0";
}

const enum ckf_variant atomic_variant = CKF_VARIANT_ATOMIC;
const enum ckf_variant mutex_variant = CKF_VARIANT_MUTEX;

unsigned test_times(void)
{
    const char *text = getenv("CKF_TEST_TIMES");
    unsigned long times = text != NULL ? strtoul(text, NULL, 10) : 1;
    return times < 1 ? 1 : (unsigned)times;
}

int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void give_way(void)
{
    sched_yield();
}

void assert_child_succeeds(pid_t child)
{
    int status = -1;
    AWAIT(waitpid(child, &status, WNOHANG) == child);
    assert_int_equal(status, 0);
}

static void *run_body(void *arg)
{
    struct test_thread *thread = arg;
    thread->tid = (int)syscall(SYS_gettid);
    pthread_barrier_wait(&thread->started);
    thread->result = thread->body(thread->arg);
    return NULL;
}

void thread_start(struct test_thread *thread, int (*body)(void *arg), void *arg)
{
    *thread = (struct test_thread){.body = body, .arg = arg};
    pthread_barrier_init(&thread->started, NULL, 2);
    int error = pthread_create(&thread->handle, NULL, run_body, thread);
    if (error != 0)
        fail_msg("pthread_create: %s", strerror(error));
    pthread_barrier_wait(&thread->started);
}

int thread_join(struct test_thread *thread)
{
    int error = pthread_join(thread->handle, NULL);
    if (error != 0)
        fail_msg("pthread_join: %s", strerror(error));
    pthread_barrier_destroy(&thread->started);
    return thread->result;
}

/* Voluntary context switches so far, or -1 while the thread does not sleep. */
static long sleep_mark(int tid)
{
    char path[64], line[256], state = '?';
    long switches = -1;
    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    while (fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "State: %c", &state);
        sscanf(line, "voluntary_ctxt_switches: %ld", &switches);
    }
    fclose(file);
    return state == 'S' ? switches : -1;
}

/* Consecutive sightings of one and the same sleep that count as sleeping. */
enum { SIGHTINGS = 20 };

void await_sleep(const struct test_thread *thread)
{
    int64_t end = clock_ns() + PATIENCE_NS;
    long last = -1;
    for (int seen = 0; seen < SIGHTINGS;) {
        if (clock_ns() > end)
            fail_msg("thread %d never slept", thread->tid);
        long mark = sleep_mark(thread->tid);
        seen = mark >= 0 && mark == last ? seen + 1 : 0;
        last = mark;
        give_way();
    }
}

static atomic_uint countdown;
static atomic_bool happened;
static atomic_size_t live;
static atomic_size_t bytes;
static atomic_size_t held, most_held; /* as the C library rounds them */

static bool should_fail(void)
{
    unsigned left = atomic_load(&countdown);
    while (left > 0)
        if (atomic_compare_exchange_weak(&countdown, &left, left - 1)) {
            if (left == 1)
                atomic_store(&happened, true);
            return left == 1;
        }
    return false;
}

static void hold(size_t size)
{
    size_t now = atomic_fetch_add(&held, size) + size, most = atomic_load(&most_held);
    while (most < now && !atomic_compare_exchange_weak(&most_held, &most, now))
        ;
}

static void *counting_allocate(size_t size, size_t align, void *arg)
{
    (void)arg;
    errno = ENOMEM; /* an allocator may, and no call of the library may then */
    if (should_fail())
        return NULL;
    void *memory = NULL;
    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) != 0)
        return NULL;
    atomic_fetch_add(&live, 1);
    atomic_fetch_add(&bytes, size);
    hold(malloc_usable_size(memory));
    return memory;
}

static void counting_release(void *memory, void *arg)
{
    (void)arg;
    errno = EFAULT;
    atomic_fetch_sub(&live, 1);
    atomic_fetch_sub(&held, malloc_usable_size(memory));
    free(memory);
}

void install_failing_allocator(void)
{
    struct ckf_allocator counting = {counting_allocate, counting_release, NULL};
    enum ckf_status status = ckf_set_allocator(&counting);
    if (status != CKF_OK) {
        fprintf(stderr, "ckf_set_allocator: %s\n", ckf_status_name(status));
        exit(2);
    }
}

void fail_allocation(unsigned nth)
{
    atomic_store(&happened, false);
    atomic_store(&countdown, nth);
}

bool allocation_failed(void)
{
    return atomic_load(&happened);
}

size_t allocated_bytes(void)
{
    return atomic_load(&bytes);
}

size_t live_allocations(void)
{
    return atomic_load(&live);
}

size_t live_bytes(void)
{
    return atomic_load(&held);
}

size_t peak_bytes(void)
{
    return atomic_load(&most_held);
}

void forget_peak(void)
{
    atomic_store(&most_held, atomic_load(&held));
}

uint32_t random_u32(uint32_t *seed)
{
    uint32_t x = *seed == 0 ? 2463534242u : *seed;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *seed = x;
}
