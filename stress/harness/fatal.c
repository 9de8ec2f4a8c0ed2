/* harness/fatal.c - last words of a child.
 *
 * A deadly signal becomes a record in the region that the parent shares, and a quiet end. Whoever
 * records first ends the process; other threads that die at the same moment wait for that. */
#include "harness/fatal.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/batch.h"
#include "harness/clock.h"
#include "harness/heap.h"

static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPIPE};
enum { DEADLY = sizeof deadly / sizeof deadly[0] };

static struct ckf_stress_region *region; /* NULL in the parent */
static struct sigaction former[DEADLY];  /* a sanitizer's handlers */

_Noreturn void ckf_stress_exit_now(int status)
{
    for (;;)
        syscall(SYS_exit_group, status);
}

_Noreturn void ckf_stress_fatal(enum ckf_stress_fatal what)
{
    if (region == NULL)
        abort();
    int none = CKF_STRESS_FATAL_NONE;
    /* relaxed: only the parent reads it, when this process is gone. */
    if (atomic_compare_exchange_strong_explicit(&region->fatal, &none, what, memory_order_relaxed,
                                                memory_order_relaxed)) {
        region->fatal_ns = ckf_stress_now_ns() - region->started_ns;
        ckf_stress_exit_now(1);
    }
    for (;;)
        pause();
}

bool ckf_stress_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

/* Lets a sanitizer that has a handler of its own explain the fault: it comes again at once. */
static bool leave_to_sanitizer(int signal)
{
    if (!ckf_stress_sanitized() || signal == SIGABRT)
        return false;
    for (size_t i = 0; i < DEADLY; i++)
        if (deadly[i] == signal && former[i].sa_handler != SIG_DFL)
            return sigaction(signal, &former[i], NULL) == 0;
    return false;
}

static void on_deadly_signal(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (signal == SIGABRT)
        ckf_stress_fatal(CKF_STRESS_FATAL_ABORT);
    bool access = signal == SIGSEGV || signal == SIGBUS;
    if (access && ckf_stress_heap_is_freed(info->si_addr))
        ckf_stress_fatal(CKF_STRESS_FATAL_USE_AFTER_FREE);
    if (!leave_to_sanitizer(signal))
        ckf_stress_fatal(CKF_STRESS_FATAL_CRASH);
}

void ckf_stress_catch_fatal(struct ckf_stress_region *shared)
{
    region = shared;
    struct sigaction action = {.sa_sigaction = on_deadly_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < DEADLY; i++)
        sigaction(deadly[i], &action, &former[i]);
}

void ckf_stress_use_signal_stack(void *memory)
{
    stack_t stack;
    if (sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE) == 0)
        return;
    stack = (stack_t){.ss_sp = memory, .ss_size = CKF_STRESS_SIGNAL_STACK};
    sigaltstack(&stack, NULL);
}

/* Sanitizers call these, where they find them, for each report. */
CKF_API void __tsan_on_report(void *report);
CKF_API void __asan_on_error(void);
CKF_API void __ubsan_on_report(void);

static void note_report(void)
{
    if (region != NULL)
        /* relaxed: the leader looks again at the end of each iteration, the parent at the end. */
        atomic_store_explicit(&region->sanitizer_spoke, 1, memory_order_relaxed);
}

void __tsan_on_report(void *report)
{
    (void)report;
    note_report();
}

void __asan_on_error(void)
{
    note_report();
}

void __ubsan_on_report(void)
{
    note_report();
}
