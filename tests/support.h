/* tests/support.h - what the unit tests share: both variants from one table, threads whose sleep
 * can be awaited, and an allocator that fails when told to.
 *
 * Tests wait for events. Where the event is "that thread sleeps now", await_sleep asks the kernel.
 */
#ifndef CKF_TESTS_SUPPORT_H
#define CKF_TESTS_SUPPORT_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#include <cmocka.h>

#include <ck_filter/clock.h>
#include <ck_filter/status.h>

/* A test of a collection: *state points to the variant to create. */
#define VARIANT(state) (*(const enum ckf_variant *)*(state))

extern const enum ckf_variant atomic_variant, mutex_variant;

/* Two entries of a cmocka group, "name" once for each variant. */
#define BOTH_VARIANTS(test)                                                                        \
    {#test " [atomic]", test, NULL, NULL, (void *)(uintptr_t)&atomic_variant},                     \
    {                                                                                              \
#test " [mutex]", test, NULL, NULL, (void *)(uintptr_t)&mutex_variant                      \
    }

/* ThreadSanitizer's runtime (gcc 12) leaves its own locks to a forked child as they are: those of its allocator
 * (SizeClassAllocator64), of what it keeps about blocks and threads (DenseSlabAlloc), and the one under which it
 * does 16-byte operations (mutex128). Where other threads were busy during the fork, the child may wait for
 * ever in its first malloc, free or wide compare-and-swap. So there such a child can only exit. */
#ifdef __SANITIZE_THREAD__
#define CAN_WORK_AFTER_BUSY_FORK 0
#else
#define CAN_WORK_AFTER_BUSY_FORK 1
#endif

/* AddressSanitizer's (gcc 12) leaves the locks of its allocator: there it depends on whether other threads
 * allocate, free or begin during the fork. */
#ifdef __SANITIZE_ADDRESS__
#define MAY_ALLOCATE_DURING_FORKS 0
#else
#define MAY_ALLOCATE_DURING_FORKS 1
#endif
#define CAN_WORK_AFTER_ALLOCATING_FORK (CAN_WORK_AFTER_BUSY_FORK && MAY_ALLOCATE_DURING_FORKS)

/* A cheap generator for delays and choices of a test: xorshift. */
uint32_t random_u32(uint32_t *seed);

/* Long enough for anything that will happen, also under sanitizers on a busy machine. */
#define PATIENCE_NS INT64_C(60000000000)

struct test_thread {
    pthread_t handle;
    int (*body)(void *arg);
    void *arg;
    volatile int tid; /* written before the body runs; read after thread_start returns */
    int result;
    pthread_barrier_t started;
};

/* Returns once the thread runs. */
void thread_start(struct test_thread *thread, int (*body)(void *arg), void *arg);
/* The body's result. */
int thread_join(struct test_thread *thread);
/* Returns once the thread sleeps in the kernel and stays there; fails the test after PATIENCE_NS. */
void await_sleep(const struct test_thread *thread);

/* Fails the test unless condition comes true within PATIENCE_NS. */
#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        int64_t await_end = ckf_deadline_after_ns(PATIENCE_NS);                                    \
        while (!(condition)) {                                                                     \
            if (clock_ns() > await_end)                                                            \
                fail_msg("never came true: %s", #condition);                                       \
            give_way();                                                                            \
        }                                                                                          \
    } while (0)

/* Waits for a forked child, which is to exit with 0. */
void assert_child_succeeds(pid_t child);

/* How many times longer than usual the tests that ask for it shall run: CKF_TEST_TIMES, or 1. */
unsigned test_times(void);

int64_t clock_ns(void);
void give_way(void);

/* To be called first in main: every allocation of the library can be made to fail from then on. */
void install_failing_allocator(void);
/* The nth allocation from now (1: the next) fails, once; 0: none. */
void fail_allocation(unsigned nth);
/* True if the failure that fail_allocation asked for has happened. */
bool allocation_failed(void);
/* Blocks that the library holds now. */
size_t live_allocations(void);
/* Bytes that it has ever asked for. */
size_t allocated_bytes(void);
/* Bytes of the blocks that it holds now, and the most since forget_peak(). */
size_t live_bytes(void);
size_t peak_bytes(void);
void forget_peak(void);

#endif
