/* base/memory.h - the library's only way to memory. Every call can fail; callers check.
 *
 * All of it goes through the allocator of <ck_filter/memory.h>. Frees accept NULL.
 */
#ifndef CKF_BASE_MEMORY_H
#define CKF_BASE_MEMORY_H

#include <stddef.h>

#include <ck_filter/memory.h>

/* Zeroed memory, aligned like malloc's; NULL without memory. size 0 is taken as 1. */
void *ckf_alloc(size_t size);

/* Zeroed memory aligned to align, a power of two. */
void *ckf_alloc_aligned(size_t size, size_t align);

/* The same, but nothing has been written to it: what is never used need not be backed by memory. */
void *ckf_alloc_untouched(size_t size, size_t align);

/* Zeroed memory for count items of size bytes; NULL also when the product overflows. */
void *ckf_alloc_array(size_t count, size_t size);

/* The same, not written to. */
void *ckf_alloc_array_untouched(size_t count, size_t size);

void ckf_free(void *memory);

/* A copy of a string (NULL stays NULL): *copy is set and true returned, or false without memory. */
_Bool ckf_copy_string(const char *text, char **copy);

#endif
