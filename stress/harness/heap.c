/* harness/heap.c - memory whose misuse shows at once.
 *
 * Each size class is an arena of equal slots, reserved without access; a slot is followed by a page
 * that never becomes accessible, and a block ends where its slot ends. Freeing takes the access
 * away and puts the slot at the end of the class's queue; allocating prefers slots never used until
 * QUARANTINE slots are queued, then takes the one that was freed longest ago. So a stale pointer
 * keeps faulting for at least that many frees, and the mappings are reused: an allocation and a free
 * cost one mprotect each.
 *
 * One mutex guards the queues. The states of slots are atomic, since the signal handler reads them:
 * it must tell a use after free from any other fault. */
#include "harness/heap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/fatal.h"

#include <ck_filter/stress.h>

enum {
    CLASSES = 13,     /* slots of 1, 2, 4 ... 4096 pages */
    MAX_SLOTS = 1024, /* of the smallest class; larger ones have fewer */
    MIN_SLOTS = 8,    /* of the largest */
    QUARANTINE = 64,
    ALIGNMENT = 16
};

enum slot_state { SLOT_UNUSED, SLOT_LIVE, SLOT_FREED };

struct slot {
    _Atomic(unsigned char) state; /* enum slot_state */
    size_t size;                  /* of the block, rounded up; valid unless unused */
};

struct size_class {
    char *_Atomic arena; /* NULL until the first allocation */
    struct slot slots[MAX_SLOTS];
    unsigned used;             /* slots ever handed out */
    unsigned queue[MAX_SLOTS]; /* freed slots, oldest first: a ring */
    unsigned queue_head, queued;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct size_class classes[CLASSES];
static _Atomic(unsigned) live_blocks; /* lets an iteration that left nothing behind go on at once */

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned slot_count(unsigned class)
{
    unsigned count = MAX_SLOTS >> class;
    return count < MIN_SLOTS ? MIN_SLOTS : count;
}

static size_t usable_bytes(unsigned class)
{
    return page_size() << class;
}

static size_t stride_bytes(unsigned class)
{
    return usable_bytes(class) + page_size();
}

static size_t arena_bytes(unsigned class)
{
    return stride_bytes(class) * slot_count(class);
}

static char *slot_base(unsigned class, unsigned slot)
{
    char *arena = atomic_load_explicit(&classes[class].arena, memory_order_relaxed);
    return arena + slot * stride_bytes(class);
}

static bool reserve_arena(unsigned class)
{
    if (atomic_load_explicit(&classes[class].arena, memory_order_relaxed) != NULL)
        return true;
    void *arena = mmap(NULL, arena_bytes(class), PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED)
        return false;
    /* relaxed: readers either hold the lock or look for addresses handed out after this. */
    atomic_store_explicit(&classes[class].arena, arena, memory_order_relaxed);
    return true;
}

/* A slot to use, or -1. */
static int take_slot(unsigned class)
{
    struct size_class *c = &classes[class];
    bool fresh_left = c->used < slot_count(class);
    if (c->queued > QUARANTINE || (!fresh_left && c->queued > 0)) {
        unsigned slot = c->queue[c->queue_head];
        c->queue_head = (c->queue_head + 1) % MAX_SLOTS;
        c->queued--;
        return (int)slot;
    }
    return fresh_left ? (int)c->used++ : -1;
}

/* Takes the access away and queues the slot. */
static void retire_slot(unsigned class, unsigned slot)
{
    struct size_class *c = &classes[class];
    mprotect(slot_base(class, slot), usable_bytes(class), PROT_NONE);
    c->queue[(c->queue_head + c->queued) % MAX_SLOTS] = slot;
    c->queued++;
    atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed); /* a count under the lock */
}

static void *open_slot(unsigned class, unsigned slot, size_t size)
{
    struct size_class *c = &classes[class];
    char *base = slot_base(class, slot);
    if (mprotect(base, usable_bytes(class), PROT_READ | PROT_WRITE) != 0) {
        c->queue[(c->queue_head + c->queued++) % MAX_SLOTS] = slot;
        return NULL;
    }
    c->slots[slot].size = size;
    /* relaxed: whoever can name the block learnt of it from this thread. */
    atomic_store_explicit(&c->slots[slot].state, SLOT_LIVE, memory_order_relaxed);
    atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed); /* a count under the lock */
    return memset(base + usable_bytes(class) - size, 0, size);
}

void *ckf_stress_alloc(size_t size)
{
    unsigned class = 0;
    size = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size == 0) /* rounding up overflowed */
        return NULL;
    while (class < CLASSES && usable_bytes(class) < size)
        class ++;
    if (class == CLASSES)
        return NULL;
    int saved_errno = errno;
    void *block = NULL;
    pthread_mutex_lock(&lock);
    if (reserve_arena(class)) {
        int slot = take_slot(class);
        if (slot >= 0)
            block = open_slot(class, (unsigned)slot, size);
    }
    pthread_mutex_unlock(&lock);
    errno = saved_errno;
    return block;
}

/* Finds the slot that an address lies in (its guard page included); false: none of ours. */
static bool find_slot(const void *address, unsigned *class, unsigned *slot)
{
    for (unsigned i = 0; i < CLASSES; i++) {
        uintptr_t arena = (uintptr_t)atomic_load_explicit(&classes[i].arena, memory_order_relaxed);
        uintptr_t offset = (uintptr_t)address - arena;
        if (arena != 0 && (uintptr_t)address >= arena && offset < arena_bytes(i)) {
            *class = i;
            *slot = (unsigned)(offset / stride_bytes(i));
            return true;
        }
    }
    return false;
}

static bool starts_block(const char *address, unsigned class, unsigned slot)
{
    return address + classes[class].slots[slot].size ==
           slot_base(class, slot) + usable_bytes(class);
}

void ckf_stress_free(void *memory)
{
    if (memory == NULL)
        return;
    unsigned class, slot;
    if (!find_slot(memory, &class, &slot) || !starts_block(memory, class, slot))
        ckf_stress_fatal(CKF_STRESS_FATAL_ABORT);
    struct slot *s = &classes[class].slots[slot];
    unsigned char live = SLOT_LIVE;
    /* relaxed: it decides who frees; what the block held is not touched again. */
    if (!atomic_compare_exchange_strong_explicit(&s->state, &live, SLOT_FREED, memory_order_relaxed,
                                                 memory_order_relaxed))
        ckf_stress_fatal(CKF_STRESS_FATAL_DOUBLE_FREE);
    int saved_errno = errno;
    pthread_mutex_lock(&lock);
    retire_slot(class, slot);
    pthread_mutex_unlock(&lock);
    errno = saved_errno;
}

void ckf_stress_heap_reclaim(void)
{
    /* relaxed: the actors have ended, which ordered what they did before this. */
    if (atomic_load_explicit(&live_blocks, memory_order_relaxed) == 0)
        return;
    pthread_mutex_lock(&lock);
    for (unsigned class = 0; class < CLASSES; class ++) {
        struct size_class *c = &classes[class];
        for (unsigned slot = 0; slot < c->used; slot++) {
            if (atomic_load_explicit(&c->slots[slot].state, memory_order_relaxed) != SLOT_LIVE)
                continue;
            atomic_store_explicit(&c->slots[slot].state, SLOT_FREED, memory_order_relaxed);
            retire_slot(class, slot);
        }
    }
    pthread_mutex_unlock(&lock);
}

bool ckf_stress_heap_is_freed(const void *address)
{
    unsigned class, slot;
    if (!find_slot(address, &class, &slot))
        return false;
    /* relaxed: the handler runs on the thread that touched the block. */
    return atomic_load_explicit(&classes[class].slots[slot].state, memory_order_relaxed) ==
           SLOT_FREED;
}
