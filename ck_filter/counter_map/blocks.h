/* counter_map/blocks.h - memory for entries with short keys: blocks of a line, each with a side apart.
 *
 * Blocks lie in groups that are aligned to their size: a line that says whose they are, the blocks, and from the
 * group's end backwards their sides, one each. So what adds touch lies side by side, and pages with nothing but
 * sides are not touched before a side is needed. Groups come in chunks that live as long as the map; what is given
 * back is used again. Makers of keys never wait: they take what their thread has set aside, try the pool of their
 * thread, and then the allocator. Entries in builds that look for faults in the use of memory are not among them:
 * the allocator watches those.
 */
#ifndef CKF_COUNTER_MAP_BLOCKS_H
#define CKF_COUNTER_MAP_BLOCKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/cacheline.h"

enum { CKF_BLOCK = 64, CKF_BLOCK_SIDE = 24, CKF_BLOCK_POOLS = 8 };

struct ckf_block;

struct ckf_blocks {
    void *owner;
    struct ckf_block_pool {
        CKF_CACHELINE_ALIGNED pthread_mutex_t lock; /* guards the next ones; held over forks */
        struct ckf_block *free;
        char *fresh, *fresh_end;              /* the rest of the last group that was begun */
        char *groups, *groups_end;            /* the rest of the last chunk */
        unsigned group_bits;                  /* of its groups: their size is 2 to this power */
        size_t size;                          /* of all chunks */
        struct ckf_block_group *chunks;       /* all of them, by their first groups */
        _Atomic(struct ckf_block *) returned; /* anybody; whoever holds the lock takes all */
    } pools[CKF_BLOCK_POOLS];
};

/* Blocks that one thread has set aside: zeroed ones in a row, and some of those that it gave back. */
struct ckf_block_run {
    char *next, *end;
    struct ckf_block *kept;
    unsigned group_bits; /* of those in the row */
    unsigned kept_count;
};

/* The first line of a group. */
struct ckf_block_group {
    void *owner;
    struct ckf_block_group *next_chunk; /* of a chunk's first group */
};

void ckf_blocks_init(struct ckf_blocks *blocks, void *owner);
void ckf_blocks_destroy(struct ckf_blocks *blocks);

/* True: there is an answer. *block is a zeroed block, whose side may have been written to, of a group of the size
 * 2 to the power of *group_bits, never 0; or NULL without memory. False: there is none to be had here now, whatever
 * memory there is. Never waits. The run is this thread's, or NULL. */
bool ckf_blocks_take(struct ckf_blocks *blocks, struct ckf_block_run *run, void **block,
                     unsigned *group_bits);
/* Lock-free. The run is this thread's, or NULL. */
void ckf_blocks_give_back(struct ckf_blocks *blocks, struct ckf_block_run *run, void *block,
                          unsigned group_bits);

static inline struct ckf_block_group *ckf_block_group(const void *block, unsigned group_bits)
{
    return (struct ckf_block_group *)((uintptr_t)block >> group_bits << group_bits);
}

static inline void *ckf_block_owner(const void *block, unsigned group_bits)
{
    return ckf_block_group(block, group_bits)->owner;
}

static inline void *ckf_block_side(const void *block, unsigned group_bits)
{
    char *group = (char *)ckf_block_group(block, group_bits);
    size_t number = (size_t)((const char *)block - group) / CKF_BLOCK; /* from 1 */
    return group + ((size_t)1 << group_bits) - CKF_BLOCK - number * CKF_BLOCK_SIDE;
}

/* Around a fork. */
void ckf_blocks_lock(struct ckf_blocks *blocks);
void ckf_blocks_unlock(struct ckf_blocks *blocks);

#endif
