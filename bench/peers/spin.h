/* peers/spin.h - how contestants wait that cannot sleep: some pauses, then the CPU goes to others. */
#ifndef CKF_BENCH_SPIN_H
#define CKF_BENCH_SPIN_H

#include <sched.h>

enum { SPIN_PAUSES = 100 };

static inline void spin_once(unsigned *spins)
{
    if (++*spins < SPIN_PAUSES) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#else
        __asm__ volatile("" : : : "memory");
#endif
        return;
    }
    *spins = 0;
    sched_yield();
}

#endif
