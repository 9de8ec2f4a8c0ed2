/* explore/context.h - threads of a case as contexts of one operating-system thread.
 *
 * A context is a stack pointer; what it saved lies on its stack. Stacks come from one reservation,
 * with an inaccessible page below each, so that an overflow faults instead of spoiling a neighbour.
 * Thread-local storage of the executable is one block at one address: its owner changes by copying
 * it out and in at each switch, and an address inside it therefore means the running thread's.
 */
#ifndef CKF_EXPLORE_CONTEXT_H
#define CKF_EXPLORE_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether what a context has saved, with the stack above it, is all of it. */
#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(CKF_EXPLORE_UCONTEXT)
#define CKF_CONTEXTS_CAN_BE_COPIED true
#else
#define CKF_CONTEXTS_CAN_BE_COPIED false
#endif

enum { CKF_STACK_BYTES = 256 * 1024, CKF_STACK_GUARD_BYTES = 64 * 1024 };

/* Saves the running context in *from and goes on in `to`. */
void ckf_explore_context_switch(void **from, void *to);

/* A context that calls entry() on the stack that ends at `top`; entry must not return. */
void *ckf_explore_context_make(void *top, void (*entry)(void));

/* The executable's block of thread-local storage: where it is, how large, and what a new thread
 * finds in it. Size 0: there is none. */
struct ckf_tls_block {
    void *address;
    const void *image;
    size_t image_size, size;
};
struct ckf_tls_block ckf_explore_find_tls_block(void);

/* By how much the executable was moved when it was loaded. */
uintptr_t ckf_explore_load_offset(void);

#endif
