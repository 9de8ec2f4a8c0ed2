/* explore/base_twins.c - the files of the library's base/ that meet the machine, for the explore
 * runtime: futexes, the clock, spinning, memory, randomness and last words. Linked instead of
 * futex.c, clock.c, backoff.c, memory.c, random.c and check.c; not instrumented.
 *
 * A futex wakes nobody into knowing anything: no order is taken from it, as from the kernel's. But the
 * kernel reads the word for the thread, which therefore reads none older afterwards.
 */
#include "engine.h"

/* As the instrumented code sees that header. */
#define CKF_INSTRUMENTED 1
#include "base/backoff.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/futex.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

int64_t ckf_explore_engine_now_ns(void);

bool ckf_futex_wait(_Atomic(uint32_t) *word, uint32_t expected, int64_t deadline_ns)
{
    uintptr_t address = (uintptr_t)word;
    ckf_explore_engine.running->operands[0] = expected;
    ckf_explore_engine.running->operands[1] = (uint64_t)deadline_ns;
    ckf_explore_point(OP_FUTEX_WAIT, address, 4, 0, CALLER);
    struct ckf_granule *granule =
        ckf_explore_shadow_access(address, 4, ACCESS_READ | ACCESS_ATOMIC);
    if (!ckf_explore_engine.solo && granule != NULL)
        ckf_explore_mark_contended(granule, address);
    ckf_explore_touch(CKF_THING(CKF_TOUCH_MEMORY, address >> 3), TOUCH_READ);
    uint64_t found = ckf_explore_native_load(address, 4);
    ckf_explore_mix(found);
    if (ckf_explore_engine.tracing)
        ckf_explore_trace_event(&ckf_explore_engine.running->op, found, 0, 0);
    ckf_explore_see_newest(granule, address);
    if (found != expected)
        return true;
    return ckf_explore_sleep(ckf_explore_sync_at(address), deadline_ns);
}

/* The memory may be gone by now. */
void ckf_futex_wake(_Atomic(uint32_t) *word, int count)
{
    uintptr_t address = (uintptr_t)word;
    if (UNLIKELY(ckf_explore_engine.watching_sites) &&
        ckf_explore_leaves_out(OP_FUTEX_WAKE, CALLER))
        return;
    ckf_explore_point(OP_FUTEX_WAKE, address, 4, 0, CALLER);
    struct ckf_sync *sync = ckf_explore_sync_at(address);
    if (ckf_explore_engine.tracing)
        ckf_explore_trace_event(&ckf_explore_engine.running->op,
                                (uint64_t)__builtin_popcount(sync->waiters), 0, 0);
    ckf_explore_wake(sync, count < 0 ? 0 : (unsigned)count);
}

int64_t ckf_now_ns(void)
{
    return ckf_explore_engine_now_ns();
}

int64_t ckf_deadline_after_ns(int64_t ns)
{
    int64_t now = ckf_now_ns();
    if (ns > CKF_FOREVER - now)
        return CKF_FOREVER;
    return now + ns < 1 ? 1 : now + ns;
}

void ckf_cpu_relax(void)
{
    if (ckf_explore_engine.running != NULL)
        ckf_explore_spin(CALLER);
}

/* Spinning or giving way before a sleep finds nothing that the sleep would not. */
bool ckf_spinning_can_help(void)
{
    return false;
}

bool ckf_one_cpu_was_seen(void)
{
    return false;
}

bool ckf_give_way(void)
{
    return false;
}

/* When a thread tries again is the engine's to say. */
void ckf_back_off(void)
{
}

/* Few, so that what is striped by CPU is shared as well. */
unsigned ckf_cpus_allowed(void)
{
    return 2;
}

enum ckf_status ckf_set_allocator(const struct ckf_allocator *wanted)
{
    (void)wanted;
    return CKF_BUSY;
}

static void *allocate(size_t size, size_t align, uintptr_t pc)
{
    if (size == 0)
        size = 1;
    void *memory = ckf_explore_heap_allocate(size, align, pc);
    if (memory == NULL)
        return NULL;
    ckf_explore_heap_fill(memory, size, ZEROS);
    ckf_explore_shadow_fresh((uintptr_t)memory, size);
    return memory;
}

void *ckf_alloc_aligned(size_t size, size_t align)
{
    return allocate(size, align, CALLER);
}

/* Zeroed all the same: every execution begins alike. */
void *ckf_alloc_untouched(size_t size, size_t align)
{
    return allocate(size, align, CALLER);
}

void *ckf_alloc(size_t size)
{
    return allocate(size, alignof(max_align_t), CALLER);
}

void *ckf_alloc_array(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return allocate(count * size, alignof(max_align_t), CALLER);
}

void *ckf_alloc_array_untouched(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return allocate(count * size, alignof(max_align_t), CALLER);
}

void ckf_free(void *memory)
{
    if (memory != NULL)
        ckf_explore_heap_free(memory);
}

bool ckf_copy_string(const char *text, char **copy)
{
    ckf_explore_overwrite((uintptr_t)copy);
    *copy = NULL;
    if (text == NULL)
        return true;
    size_t size = strlen(text) + 1;
    *copy = allocate(size, 1, CALLER);
    if (*copy == NULL)
        return false;
    memcpy(*copy, text, size);
    return true;
}

void ckf_random_bytes(void *buffer, size_t size)
{
    ckf_explore_shadow_access((uintptr_t)buffer, size, ACCESS_WRITE);
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)buffer)[i] = (unsigned char)ckf_explore_random(256);
}

uint32_t ckf_random_below(uint32_t bound)
{
    return ckf_explore_random(bound);
}

_Noreturn void ckf_misuse(const char *function, const char *rule)
{
    ckf_explore_fail(CKF_VERDICT_ABORT, "aborts: %s: %s", function, rule);
}

_Noreturn void ckf_die(const char *what, int error)
{
    ckf_explore_fail(CKF_VERDICT_ABORT, "aborts: %s: %s", what, strerror(error));
}
