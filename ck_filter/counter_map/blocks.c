/* counter_map/blocks.c - a few pools of blocks, chosen by thread number.
 *
 * Roles:     makers of keys take, by a try of their pool's lock; whoever has one gives it back, to a pool of its
 *            own. Before a pool grows, its maker takes what was given back to any.
 * Invariant: a block is in use, or on the free or returned list of one pool, or fresh in its last chunk, or in
 *            one thread's run, which its holder alone reads and writes. What is fresh has not been written to.
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

/* A chunk has a share of the blocks so far, at least LEAST and at most MOST: a piece of two megabytes in huge
 * pages would hold up the add that needs it by some milliseconds. */
enum { LEAST_BLOCKS = 16, MOST_BLOCKS = 1024, SHARE = 4, BLOCKS_OF_A_RUN = 32 };

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

/* The first block of a chunk is its header. */
static bool add_chunk(struct ckf_block_pool *pool)
{
    size_t count = pool->count / SHARE;
    count = count < LEAST_BLOCKS ? LEAST_BLOCKS : count > MOST_BLOCKS ? MOST_BLOCKS : count;
    size_t size = count * CKF_BLOCK_OF_ENTRY;
    struct ckf_block_chunk *chunk = ckf_alloc_untouched(size, CKF_BLOCK_OF_ENTRY);
    if (chunk == NULL)
        return false;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->count += count;
    pool->fresh = (char *)chunk + CKF_BLOCK_OF_ENTRY;
    pool->fresh_end = (char *)chunk + size;
    return true;
}

/* So many zeroed blocks, of which there are as many. */
static char *take_fresh(struct ckf_block_pool *pool, size_t count)
{
    char *fresh = memset(pool->fresh, 0, count * CKF_BLOCK_OF_ENTRY);
    pool->fresh += count * CKF_BLOCK_OF_ENTRY;
    return fresh;
}

static char *take_run(struct ckf_block_pool *pool, struct ckf_block_run *run)
{
    size_t left = (size_t)(pool->fresh_end - pool->fresh) / CKF_BLOCK_OF_ENTRY;
    size_t count = left < BLOCKS_OF_A_RUN ? left : BLOCKS_OF_A_RUN;
    char *first = take_fresh(pool, count);
    run->next = first + CKF_BLOCK_OF_ENTRY;
    run->end = pool->fresh;
    return first;
}

static struct ckf_block *take_returned(struct ckf_block_pool *pool)
{
    /* relaxed: spares an empty pool's line. */
    if (load_relaxed(&pool->returned) == NULL)
        return NULL;
    /* edge block-returned: acquire; pairs with the release in ckf_blocks_give_back(). */
    return exchange_acquire(&pool->returned, NULL);
}

/* Where others give back: who removes keys need not be who makes them. */
static struct ckf_block *take_returned_anywhere(struct ckf_blocks *blocks)
{
    struct ckf_block *taken = NULL;
    for (int i = 0; i < CKF_BLOCK_POOLS && taken == NULL; i++)
        taken = take_returned(&blocks->pools[i]);
    return taken;
}

static void *take_locked(struct ckf_blocks *blocks, struct ckf_block_pool *pool,
                         struct ckf_block_run *run)
{
    if (pool->free == NULL)
        pool->free = take_returned(pool);
    if (pool->free == NULL && pool->fresh == pool->fresh_end)
        pool->free = take_returned_anywhere(blocks);
    struct ckf_block *block = pool->free;
    if (block != NULL) {
        pool->free = block->next;
        return memset(block, 0, CKF_BLOCK_OF_ENTRY);
    }
    if (pool->fresh == pool->fresh_end && !add_chunk(pool))
        return NULL;
    return run != NULL ? take_run(pool, run) : take_fresh(pool, 1);
}

static void keep(struct ckf_block_run *run, struct ckf_block *block)
{
    block->next = run->kept;
    run->kept = block;
    run->kept_count++;
}

static void *take_kept(struct ckf_block_run *run)
{
    struct ckf_block *block = run->kept;
    run->kept = block->next;
    run->kept_count--;
    return memset(block, 0, CKF_BLOCK_OF_ENTRY);
}

bool ckf_blocks_take(struct ckf_blocks *blocks, struct ckf_block_run *run, void **block)
{
    if (run != NULL && run->kept != NULL) {
        *block = take_kept(run);
        return true;
    }
    if (run != NULL && run->next != run->end) {
        *block = run->next;
        run->next += CKF_BLOCK_OF_ENTRY;
        return true;
    }
    size_t mine = ckf_thread_number() % CKF_BLOCK_POOLS;
    for (size_t i = 0; i < CKF_BLOCK_POOLS; i++) {
        struct ckf_block_pool *pool = &blocks->pools[(mine + i) % CKF_BLOCK_POOLS];
        if (pthread_mutex_trylock(&pool->lock) != 0)
            continue;
        *block = take_locked(blocks, pool, run);
        pthread_mutex_unlock(&pool->lock);
        return true;
    }
    return false;
}

void ckf_blocks_give_back(struct ckf_blocks *blocks, struct ckf_block_run *run, void *memory)
{
    struct ckf_block_pool *pool = &blocks->pools[ckf_thread_number() % CKF_BLOCK_POOLS];
    struct ckf_block *block = memory;
    if (run != NULL && run->kept_count < BLOCKS_OF_A_RUN) {
        keep(run, block);
        return;
    }
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
