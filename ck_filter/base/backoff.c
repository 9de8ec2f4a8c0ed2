/* base/backoff.c - whether spinning can help, which only the scheduler's affinity mask knows. */
#include "base/backoff.h"

#include <errno.h>
#include <sched.h>

#include "base/atomics.h"
#include "base/check.h"

#ifdef CKF_INSTRUMENTED
void ckf_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}
#endif

/* A fifth of what a waiting thread spins at most, and some twenty operations of a thread alone. */
enum { BACK_OFF_RELAXES = 100 };

/* One of so many back-offs of a thread gives way instead: docs/BAKEOFF.md, unbounded 8P1C. */
enum { BACK_OFFS_A_WAY = 8 };

/* Answers that are served from memory before the kernel is asked again. */
enum { AFFINITY_ANSWERS = 256 };

static _Atomic(bool) one_cpu_seen;

unsigned ckf_cpus_allowed(void)
{
    cpu_set_t allowed;
    int saved_errno = errno;
    bool known = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
    errno = saved_errno;
    return known ? (unsigned)CPU_COUNT(&allowed) : CPU_SETSIZE; /* more than the mask holds */
}

bool ckf_spinning_can_help(void)
{
    CKF_OWN_WORD int answers_left;
    CKF_OWN_WORD bool can_help;
    if (answers_left-- <= 0) {
        can_help = ckf_cpus_allowed() > 1;
        store_relaxed(&one_cpu_seen, !can_help); /* relaxed: a guess for others */
        answers_left = AFFINITY_ANSWERS;
    }
    return can_help;
}

bool ckf_one_cpu_was_seen(void)
{
    return load_relaxed(&one_cpu_seen); /* relaxed: a guess */
}

void ckf_back_off(void)
{
    CKF_OWN_WORD unsigned before_a_way = BACK_OFFS_A_WAY;
    if (!ckf_spinning_can_help())
        return;
    if (--before_a_way == 0) {
        before_a_way = BACK_OFFS_A_WAY;
        ckf_give_way();
        return;
    }
    for (int i = 0; i < BACK_OFF_RELAXES; i++)
        ckf_cpu_relax();
}

bool ckf_give_way(void)
{
    sched_yield();
    return true;
}
