/* harness/heap.h - what the child asks of ckf_stress_alloc's heap. */
#ifndef CKF_STRESS_HEAP_H
#define CKF_STRESS_HEAP_H

#include <stdbool.h>

/* Takes back every block that is still in use. Nobody may be inside the heap. */
void ckf_stress_heap_reclaim(void);

/* True if the address lies in a block that was freed and not handed out again. For signal handlers. */
bool ckf_stress_heap_is_freed(const void *address);

#endif
