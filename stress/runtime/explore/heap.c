/* explore/heap.c - the program's memory, and the engine's own that goes with an execution.
 *
 * Each thread allocates upward from a heap of its own and nothing is used again within an
 * execution: so an address depends on its thread's past alone (allocations of two threads commute,
 * which the search relies on), freed memory stays recognisable, and everything is given back by
 * resetting one pointer a thread.
 *
 * A block is preceded by a header of 16 bytes, and so is what follows it: no access may touch them. Whoever
 * allocates fills new memory, with zeros or a pattern: what an earlier execution left there would make
 * executions differ.
 */
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { HEADER = 16, HEAP_BYTES = 16 << 20, SCRATCH_BYTES = 256 << 20 };

/* Above any program, below any library, and within the 39 bits that small kernels of aarch64 have:
 * with the same addresses in every process, schedules mean the same in every process. */
#define ARENA_ADDRESS ((void *)UINT64_C(0x2000000000))

enum block_state { BLOCK_LIVE = 0x4c495645, BLOCK_FREED = 0x46524545 };

_Static_assert(sizeof(struct ckf_block) == HEADER, "the header has the size that it reserves");

static void *reserve_at(void *address, size_t size, int flags)
{
    void *memory = mmap(address, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void *ckf_explore_reserve(size_t size)
{
    void *memory = reserve_at(NULL, size, 0);
    if (memory == NULL) {
        perror("ckf-stress: explore: mmap");
        exit(2);
    }
    return memory;
}

static void prepare_stacks(char *bottom)
{
    for (int i = 0; i < MAX_THREADS; i++)
        mprotect(bottom + (size_t)i * (CKF_STACK_BYTES + CKF_STACK_GUARD_BYTES),
                 CKF_STACK_GUARD_BYTES, PROT_NONE);
}

void ckf_explore_heap_prepare(void)
{
    size_t heaps = (size_t)MAX_THREADS * HEAP_BYTES;
    size_t stacks = (size_t)MAX_THREADS * (CKF_STACK_BYTES + CKF_STACK_GUARD_BYTES);
    ckf_explore_engine.arena_size = heaps + stacks;
    ckf_explore_engine.arena = reserve_at(ARENA_ADDRESS, heaps + stacks, MAP_FIXED_NOREPLACE);
    if (ckf_explore_engine.arena == NULL)
        ckf_explore_engine.arena = ckf_explore_reserve(heaps + stacks);
    prepare_stacks(ckf_explore_engine.arena + heaps);
    ckf_explore_engine.scratch = ckf_explore_reserve(SCRATCH_BYTES);
    ckf_explore_engine.scratch_end = ckf_explore_engine.scratch + SCRATCH_BYTES;
}

void ckf_explore_heap_begin(struct ckf_thread *thread)
{
    thread->heap_next = ckf_explore_engine.arena + (size_t)thread->id * HEAP_BYTES;
    thread->heap_end = thread->heap_next + HEAP_BYTES;
    thread->heap_last = NULL;
}

void *ckf_explore_stack_top(const struct ckf_thread *thread)
{
    return ckf_explore_engine.arena + (size_t)MAX_THREADS * HEAP_BYTES +
           (size_t)(thread->id + 1) * (CKF_STACK_BYTES + CKF_STACK_GUARD_BYTES);
}

struct ckf_thread *ckf_explore_stack_owner(uintptr_t address)
{
    size_t offset =
        address - (uintptr_t)ckf_explore_engine.arena - (size_t)MAX_THREADS * HEAP_BYTES;
    size_t id = offset / (CKF_STACK_BYTES + CKF_STACK_GUARD_BYTES);
    return id < MAX_THREADS ? &ckf_explore_engine.threads[id] : NULL;
}

/* Lives until the next execution; unlike memory of the program it is not filled. */
void *ckf_explore_scratch(size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (UNLIKELY((size_t)(ckf_explore_engine.scratch_end - ckf_explore_engine.scratch_next) < size))
        ckf_explore_fail(CKF_VERDICT_UNMODELLED, "one execution needs more than %d MiB of history",
                         SCRATCH_BYTES >> 20);
    void *memory = ckf_explore_engine.scratch_next;
    ckf_explore_engine.scratch_next += size;
    return memory;
}

void ckf_explore_heap_fill(void *memory, size_t size, uint64_t pattern)
{
    uint64_t *word = memory;
    for (size_t i = 0; i < (size + 7) / 8; i++)
        word[i] = pattern;
}

static uint32_t site_of(uintptr_t pc)
{
    return pc == 0 ? 0 : (uint32_t)(pc - (uintptr_t)__executable_start);
}

void *ckf_explore_heap_allocate(size_t size, size_t align, uintptr_t pc)
{
    struct ckf_thread *self = ckf_explore_engine.running;
    ckf_explore_engine.allocations += pc != 0;
    if (pc != 0 && ckf_explore_engine.options.failed_allocation != 0)
        ckf_explore_touch(CKF_COUNTERS, TOUCH_WRITE);
    if (pc != 0 && ckf_explore_engine.options.failed_allocation != 0 &&
        ckf_explore_engine.allocations == ckf_explore_engine.options.failed_allocation)
        return NULL;
    if (align < 16)
        align = 16;
    uintptr_t start = ((uintptr_t)self->heap_next + HEADER + align - 1) & ~(uintptr_t)(align - 1);
    size_t whole = (size + 15) & ~(size_t)15;
    if (whole < size || start + whole > (uintptr_t)self->heap_end || start + whole < start)
        return NULL;
    self->heap_next = (char *)start + whole;
    struct ckf_block *block = (struct ckf_block *)(start - HEADER);
    char *last = (char *)self->heap_last;
    *block = (struct ckf_block){.size = (uint32_t)size,
                                .state = BLOCK_LIVE,
                                .site = site_of(pc),
                                .before = last == NULL ? 0 : (uint32_t)((char *)block - last)};
    self->heap_last = block;
    ckf_explore_shadow_redzone(start - HEADER);
    ckf_explore_shadow_redzone(start + whole);
    ckf_explore_engine.live_blocks += block->site != 0;
    return (void *)start;
}

bool ckf_explore_heap_owns(const void *memory)
{
    return (uintptr_t)memory - (uintptr_t)ckf_explore_engine.arena <
           (size_t)MAX_THREADS * HEAP_BYTES;
}

static struct ckf_block *block_of(const void *memory)
{
    return (struct ckf_block *)((uintptr_t)memory - HEADER);
}

size_t ckf_explore_heap_size(const void *memory)
{
    return block_of(memory)->size;
}

void ckf_explore_heap_free(void *memory)
{
    struct ckf_block *block = block_of(memory);
    if (block->state == BLOCK_FREED)
        ckf_explore_fail(CKF_VERDICT_DOUBLE_FREE, "memory is freed twice");
    if (block->state != BLOCK_LIVE)
        ckf_explore_fail(CKF_VERDICT_CRASH, "free of an address that was not allocated");
    ckf_explore_shadow_free((uintptr_t)memory, block->size);
    ckf_explore_overwrite((uintptr_t)block);
    block->state = BLOCK_FREED;
    if (ckf_explore_engine.hashing)
        ckf_explore_engine.memory_hash += ckf_explore_scramble((uintptr_t)memory);
    ckf_explore_engine.live_blocks -= block->site != 0;
}

void ckf_explore_heap_leaks(void (*visit)(const struct ckf_block *block, uintptr_t pc,
                                          const struct ckf_thread *thread, void *arg),
                            void *arg)
{
    for (unsigned i = 0; i < ckf_explore_engine.thread_count; i++) {
        const struct ckf_thread *thread = &ckf_explore_engine.threads[i];
        const struct ckf_block *block = thread->heap_last;
        for (; block != NULL;
             block = block->before == 0
                         ? NULL
                         : (const struct ckf_block *)((uintptr_t)block - block->before))
            if (block->state == BLOCK_LIVE && block->site != 0)
                visit(block, block->site + (uintptr_t)__executable_start, thread, arg);
    }
}
