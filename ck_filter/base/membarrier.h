/* base/membarrier.h - a memory barrier on every running thread of this process, ordered by one.
 *
 * With it the frequent side of a store -> load race needs no barrier instruction, only one for the
 * compiler: the rare side calls ckf_membarrier between its own store and load.
 */
#ifndef CKF_BASE_MEMBARRIER_H
#define CKF_BASE_MEMBARRIER_H

#include <stdbool.h>

/* Makes ckf_membarrier possible in this process; false where the kernel does not offer it, or a
 * filter of system calls forbids it. To be called again in a forked child. errno is left alone. */
bool ckf_membarrier_start(void);

/* Every thread of the process has executed a full barrier between the call and the return. Only
 * after a start that said true. */
void ckf_membarrier(void);

/* Keeps the compiler from moving memory accesses across it: the frequent side. */
#define ckf_compiler_barrier() __asm__ volatile("" ::: "memory")

#endif
