/* base/memory.c - the allocator in use, and the few shapes of allocation that the library needs.
 *
 * The allocator is plain data: it is written only before the first allocation, by rule
 * (<ck_filter/memory.h>), and `allocated` exists to notice who breaks that rule. */
#include "base/memory.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/atomics.h"

enum { HUGE_PAGE = 2 << 20, MANY_HUGE_PAGES = 2 };

static void *aligned(size_t size, size_t align)
{
    size_t whole = (size + align - 1) & ~(align - 1);
    return whole < size ? NULL : aligned_alloc(align, whole);
}

/* Large tables are read here and there; with small pages, finding the page costs as much again. */
static void *allocate_huge(size_t size)
{
    void *memory = aligned(size, HUGE_PAGE);
    if (memory != NULL)
        madvise(memory, size, MADV_HUGEPAGE); /* a hint: where it is refused nothing is lost */
    return memory;
}

static void *libc_allocate(size_t size, size_t align, void *arg)
{
    (void)arg;
    if (size >= (size_t)MANY_HUGE_PAGES * HUGE_PAGE && align <= HUGE_PAGE)
        return allocate_huge(size);
    return align <= alignof(max_align_t) ? malloc(size) : aligned(size, align);
}

static void libc_release(void *memory, void *arg)
{
    (void)arg;
    free(memory);
}

static const struct ckf_allocator libc_allocator = {libc_allocate, libc_release, NULL};
static struct ckf_allocator allocator = {libc_allocate, libc_release, NULL};
static _Atomic(bool) allocated;

enum ckf_status ckf_set_allocator(const struct ckf_allocator *wanted)
{
    if (wanted == NULL)
        wanted = &libc_allocator;
    if (wanted->allocate == NULL || wanted->release == NULL)
        return CKF_INVALID;
    /* relaxed: the caller promised that no other call runs, so the flag is quiescent */
    if (load_relaxed(&allocated))
        return CKF_BUSY;
    allocator = *wanted;
    return CKF_OK;
}

void *ckf_alloc_untouched(size_t size, size_t align)
{
    /* relaxed: a hint for ckf_set_allocator only; tested first so that the line stays shared */
    if (!load_relaxed(&allocated))
        store_relaxed(&allocated, true);
    int saved_errno = errno; /* a failure is a status, and no call changes errno */
    void *memory = allocator.allocate(size == 0 ? 1 : size, align, allocator.arg);
    errno = saved_errno;
    return memory;
}

void *ckf_alloc_aligned(size_t size, size_t align)
{
    void *memory = ckf_alloc_untouched(size, align);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void *ckf_alloc(size_t size)
{
    return ckf_alloc_aligned(size, alignof(max_align_t));
}

void *ckf_alloc_array_untouched(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return ckf_alloc_untouched(count * size, alignof(max_align_t));
}

void *ckf_alloc_array(size_t count, size_t size)
{
    void *memory = ckf_alloc_array_untouched(count, size);
    if (memory != NULL)
        memset(memory, 0, count * size);
    return memory;
}

void ckf_free(void *memory)
{
    if (memory == NULL)
        return;
    int saved_errno = errno;
    allocator.release(memory, allocator.arg);
    errno = saved_errno;
}

bool ckf_copy_string(const char *text, char **copy)
{
    *copy = NULL;
    if (text == NULL)
        return true;
    size_t size = strlen(text) + 1;
    *copy = ckf_alloc(size);
    if (*copy == NULL)
        return false;
    memcpy(*copy, text, size);
    return true;
}
