/* counter_map/blocks.c - a few pools of blocks, chosen by thread number.
 *
 * Roles:     makers of keys take, by a try of their pool's lock; whoever has one gives it back.
 * Invariant: a block is in use, or on the free or returned list of one pool, or fresh in its last chunk.
 * Teardown:  destroy frees all chunks, whatever is in use.
 */
#include "counter_map/blocks.h"

#include <string.h>

#include "base/atomics.h"
#include "base/check.h"
#include "base/memory.h"
#include "sync/per_thread.h"

struct ckf_block {
    struct ckf_block *next;
};

struct ckf_block_chunk {
    struct ckf_block_chunk *next;
};

enum { FIRST_BLOCKS = 16, MAX_BLOCKS = 512 };

void ckf_blocks_init(struct ckf_blocks *blocks)
{
    for (int i = 0; i < CKF_BLOCK_POOLS; i++)
        pthread_mutex_init(&blocks->pools[i].lock, NULL);
}

void ckf_blocks_destroy(struct ckf_blocks *blocks)
{
    for (int i = 0; i < CKF_BLOCK_POOLS; i++) {
        struct ckf_block_pool *pool = &blocks->pools[i];
        for (struct ckf_block_chunk *chunk = pool->chunks, *next; chunk != NULL; chunk = next) {
            next = chunk->next;
            ckf_free(chunk);
        }
        pthread_mutex_destroy(&pool->lock);
    }
}

/* Each chunk is twice as large as the one before, up to a limit. */
static bool add_chunk(struct ckf_block_pool *pool)
{
    size_t count = FIRST_BLOCKS;
    for (unsigned i = 0; i < pool->chunk_count && count < MAX_BLOCKS; i++)
        count *= 2;
    size_t size = (count + 1) * CKF_BLOCK_OF_ENTRY;
    struct ckf_block_chunk *chunk = ckf_alloc_aligned(size, CKF_BLOCK_OF_ENTRY);
    if (chunk == NULL)
        return false;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->chunk_count++;
    pool->fresh = (char *)chunk + CKF_BLOCK_OF_ENTRY;
    pool->fresh_end = (char *)chunk + size;
    return true;
}

static void *take_locked(struct ckf_block_pool *pool)
{
    if (pool->free == NULL)
        /* edge block-returned: acquire; pairs with the release in ckf_blocks_give_back(). */
        pool->free = exchange_acquire(&pool->returned, NULL);
    struct ckf_block *block = pool->free;
    if (block != NULL) {
        pool->free = block->next;
        return memset(block, 0, CKF_BLOCK_OF_ENTRY);
    }
    if (pool->fresh == pool->fresh_end && !add_chunk(pool))
        return NULL;
    void *fresh = pool->fresh;
    pool->fresh += CKF_BLOCK_OF_ENTRY;
    return fresh;
}

bool ckf_blocks_take(struct ckf_blocks *blocks, void **block)
{
    size_t mine = ckf_thread_number() % CKF_BLOCK_POOLS;
    for (size_t i = 0; i < CKF_BLOCK_POOLS; i++) {
        struct ckf_block_pool *pool = &blocks->pools[(mine + i) % CKF_BLOCK_POOLS];
        if (pthread_mutex_trylock(&pool->lock) != 0)
            continue;
        *block = take_locked(pool);
        pthread_mutex_unlock(&pool->lock);
        return true;
    }
    return false;
}

void ckf_blocks_give_back(struct ckf_blocks *blocks, void *memory)
{
    struct ckf_block_pool *pool = &blocks->pools[ckf_thread_number() % CKF_BLOCK_POOLS];
    struct ckf_block *block = memory;
    block->next = load_relaxed(&pool->returned); /* relaxed: only handed on */
    /* edge block-returned: release; pairs with the acquire in take_locked(). */
    while (!cas_release(&pool->returned, &block->next, block))
        ;
}

void ckf_blocks_lock(struct ckf_blocks *blocks)
{
    for (int i = 0; i < CKF_BLOCK_POOLS; i++) {
        int error = pthread_mutex_lock(&blocks->pools[i].lock);
        if (error != 0)
            ckf_die("pthread_mutex_lock", error);
    }
}

void ckf_blocks_unlock(struct ckf_blocks *blocks)
{
    for (int i = 0; i < CKF_BLOCK_POOLS; i++)
        pthread_mutex_unlock(&blocks->pools[i].lock);
}
