/* base/backoff.h - what a thread does while it waits for a few cycles.
 *
 * ckf_cpu_relax is one step of a spin. Builds that carry their atomics as calls see it as a call
 * too: a runtime that schedules threads takes it as "let the others go on".
 */
#ifndef CKF_BASE_BACKOFF_H
#define CKF_BASE_BACKOFF_H

#include <stdbool.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CKF_INSTRUMENTED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define CKF_INSTRUMENTED 1
#endif

#ifdef CKF_INSTRUMENTED
void ckf_cpu_relax(void);
#else
static inline void ckf_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}
#endif

/* After a compare-and-swap that lost: stays away for a while (a microsecond or a few), in which the
 * winner does several operations on lines that it owns. Threads that all try again at once hand the
 * lines round at every operation instead. Who loses often gives way now and then: with more threads than CPUs
 * one at the other end of the channel may wait for a CPU, and could run beside the winner. Does nothing on
 * one CPU, where the winner is not running. */
void ckf_back_off(void);

/* Lets another thread have this CPU, if one wants it. False: there is no point in doing so. */
bool ckf_give_way(void);

/* False when this thread may run on one CPU only: whoever it waits for then cannot run while it
 * spins. Remembered per thread and asked again now and then, since affinity can change. */
bool ckf_spinning_can_help(void);

/* Whether the thread for which the kernel was asked last may run on one CPU only: a guess for a thread that
 * has not asked, at no price. */
bool ckf_one_cpu_was_seen(void);

/* On how many CPUs this thread may run. Asks the kernel. */
unsigned ckf_cpus_allowed(void);

#endif
