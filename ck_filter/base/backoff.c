/* base/backoff.c - whether spinning can help, which only the scheduler's affinity mask knows. */
#include "base/backoff.h"

#include <sched.h>

#ifdef CKF_INSTRUMENTED
void ckf_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}
#endif

/* Answers that are served from memory before the kernel is asked again. */
enum { AFFINITY_ANSWERS = 256 };

static bool several_cpus_allowed(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return true; /* more CPUs than the mask holds */
    return CPU_COUNT(&allowed) > 1;
}

bool ckf_spinning_can_help(void)
{
    static _Thread_local int answers_left;
    static _Thread_local bool can_help;
    if (answers_left-- <= 0) {
        can_help = several_cpus_allowed();
        answers_left = AFFINITY_ANSWERS;
    }
    return can_help;
}
