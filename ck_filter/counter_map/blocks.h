/* counter_map/blocks.h - memory for entries with short keys, in blocks of one size.
 *
 * Blocks come from chunks that live as long as the map; what is given back is used again. Makers of
 * keys never wait: they take what their thread has set aside, try the pool of their thread, and then the
 * allocator. Entries in builds that look for faults in the use of memory are not among them: the allocator
 * watches those.
 */
#ifndef CKF_COUNTER_MAP_BLOCKS_H
#define CKF_COUNTER_MAP_BLOCKS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/atomics.h"
#include "base/cacheline.h"

enum { CKF_BLOCK_OF_ENTRY = 128, CKF_BLOCK_POOLS = 8 };

struct ckf_block;

struct ckf_blocks {
    struct ckf_block_pool {
        CKF_CACHELINE_ALIGNED pthread_mutex_t lock; /* guards the next four; held over forks */
        struct ckf_block *free;
        char *fresh, *fresh_end;              /* the rest of the last chunk */
        struct ckf_block_chunk *chunks;       /* all of them */
        size_t count;                         /* of their blocks */
        _Atomic(struct ckf_block *) returned; /* anybody; whoever holds the lock takes all */
    } pools[CKF_BLOCK_POOLS];
};

/* Blocks that one thread has set aside: zeroed ones in a row, and some of those that it gave back. */
struct ckf_block_run {
    char *next, *end;
    struct ckf_block *kept;
    unsigned kept_count;
};

void ckf_blocks_init(struct ckf_blocks *blocks);
void ckf_blocks_destroy(struct ckf_blocks *blocks);

/* True: there is an answer. *block is a zeroed block, or NULL without memory. False: there is none to
 * be had here now, whatever memory there is. Never waits. The run is this thread's, or NULL. */
bool ckf_blocks_take(struct ckf_blocks *blocks, struct ckf_block_run *run, void **block);
/* Lock-free. The run is this thread's, or NULL. */
void ckf_blocks_give_back(struct ckf_blocks *blocks, struct ckf_block_run *run, void *block);

/* Around a fork. */
void ckf_blocks_lock(struct ckf_blocks *blocks);
void ckf_blocks_unlock(struct ckf_blocks *blocks);

#endif
