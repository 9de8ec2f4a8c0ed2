/* counter_map/blocks.c - a few pools of blocks, chosen by thread number.
 *
 * Roles:     makers of keys take, by a try of their pool's lock; whoever has one gives it back, to a pool of its
 *            own. Before a pool grows, its maker takes what was given back to any.
 * Invariant: a block is in use, or on the free or returned list of one pool, or fresh in the last group or in a
 *            later one of the last chunk, or in one thread's run, which its holder alone reads and writes. What is
 *            fresh has not been written to.
 * Teardown:  destroy frees all chunks, whatever is in use.
 */
#include "counter_map/blocks.h"

#include <string.h>

#include "base/atomics.h"
#include "base/check.h"
#include "base/memory.h"
#include "sync/per_thread.h"

/* One that nobody uses. */
struct ckf_block {
    struct ckf_block *next;
    unsigned group_bits;
};

/* A chunk has a share of the memory so far. Three pages of the largest groups have blocks, and one has sides alone. A
 * chunk of two megabytes in huge pages would hold up the add that needs it by some milliseconds. A line is left to the
 * allocator: those that put a header before each piece can lay chunks side by side. */
enum {
    LEAST_GROUP_BITS = 11,
    MOST_GROUP_BITS = 14,
    MOST_GROUPS = 6, /* of a chunk */
    SHARE = 4,
    BLOCKS_OF_A_RUN = 32
};

void ckf_blocks_init(struct ckf_blocks *blocks, void *owner)
{
    blocks->owner = owner;
    for (int i = 0; i < CKF_BLOCK_POOLS; i++)
        pthread_mutex_init(&blocks->pools[i].lock, NULL);
}

void ckf_blocks_destroy(struct ckf_blocks *blocks)
{
    for (int i = 0; i < CKF_BLOCK_POOLS; i++) {
        struct ckf_block_pool *pool = &blocks->pools[i];
        for (struct ckf_block_group *chunk = pool->chunks, *next; chunk != NULL; chunk = next) {
            next = chunk->next_chunk;
            ckf_free(chunk);
        }
        pthread_mutex_destroy(&pool->lock);
    }
}

static size_t blocks_of_group(unsigned group_bits)
{
    size_t size = (size_t)1 << group_bits,
           lines_between = 2 * CKF_BLOCK; /* the first and the last */
    return (size - lines_between) / (CKF_BLOCK + CKF_BLOCK_SIDE);
}

static unsigned bits_of_next_group(const struct ckf_block_pool *pool)
{
    unsigned bits = LEAST_GROUP_BITS;
    while (bits < MOST_GROUP_BITS && pool->size / SHARE >> (bits + 1) != 0)
        bits++;
    return bits;
}

static bool add_chunk(struct ckf_block_pool *pool)
{
    unsigned bits = bits_of_next_group(pool);
    size_t groups = pool->size / SHARE >> bits;
    groups = groups < 1 ? 1 : groups > MOST_GROUPS ? MOST_GROUPS : groups;
    size_t size = groups << bits;
    struct ckf_block_group *chunk = ckf_alloc_untouched(size - CKF_BLOCK, (size_t)1 << bits);
    if (chunk == NULL)
        return false;
    chunk->next_chunk = pool->chunks;
    pool->chunks = chunk;
    pool->size += size;
    pool->group_bits = bits;
    pool->groups = (char *)chunk;
    pool->groups_end = pool->groups + size;
    return true;
}

static bool begin_group(struct ckf_blocks *blocks, struct ckf_block_pool *pool)
{
    if (pool->groups == pool->groups_end && !add_chunk(pool))
        return false;
    ((struct ckf_block_group *)(void *)pool->groups)->owner = blocks->owner;
    pool->fresh = pool->groups + CKF_BLOCK;
    pool->fresh_end = pool->fresh + blocks_of_group(pool->group_bits) * CKF_BLOCK;
    pool->groups += (size_t)1 << pool->group_bits;
    return true;
}

/* So many zeroed blocks, of which there are as many. */
static char *take_fresh(struct ckf_block_pool *pool, size_t count)
{
    char *fresh = memset(pool->fresh, 0, count * CKF_BLOCK);
    pool->fresh += count * CKF_BLOCK;
    return fresh;
}

static char *take_run(struct ckf_block_pool *pool, struct ckf_block_run *run)
{
    size_t left = (size_t)(pool->fresh_end - pool->fresh) / CKF_BLOCK;
    size_t count = left < BLOCKS_OF_A_RUN ? left : BLOCKS_OF_A_RUN;
    char *first = take_fresh(pool, count);
    run->next = first + CKF_BLOCK;
    run->end = pool->fresh;
    run->group_bits = pool->group_bits;
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

static void *take_used(struct ckf_block *block, unsigned *group_bits)
{
    *group_bits = block->group_bits;
    return memset(block, 0, CKF_BLOCK);
}

static void *take_locked(struct ckf_blocks *blocks, struct ckf_block_pool *pool,
                         struct ckf_block_run *run, unsigned *group_bits)
{
    if (pool->free == NULL)
        pool->free = take_returned(pool);
    if (pool->free == NULL && pool->fresh == pool->fresh_end)
        pool->free = take_returned_anywhere(blocks);
    struct ckf_block *block = pool->free;
    if (block != NULL) {
        pool->free = block->next;
        return take_used(block, group_bits);
    }
    if (pool->fresh == pool->fresh_end && !begin_group(blocks, pool))
        return NULL;
    *group_bits = pool->group_bits;
    return run != NULL ? take_run(pool, run) : take_fresh(pool, 1);
}

static void keep(struct ckf_block_run *run, struct ckf_block *block)
{
    block->next = run->kept;
    run->kept = block;
    run->kept_count++;
}

static void *take_kept(struct ckf_block_run *run, unsigned *group_bits)
{
    struct ckf_block *block = run->kept;
    run->kept = block->next;
    run->kept_count--;
    return take_used(block, group_bits);
}

bool ckf_blocks_take(struct ckf_blocks *blocks, struct ckf_block_run *run, void **block,
                     unsigned *group_bits)
{
    if (run != NULL && run->kept != NULL) {
        *block = take_kept(run, group_bits);
        return true;
    }
    if (run != NULL && run->next != run->end) {
        *block = run->next;
        *group_bits = run->group_bits;
        run->next += CKF_BLOCK;
        return true;
    }
    size_t mine = ckf_thread_number() % CKF_BLOCK_POOLS;
    for (size_t i = 0; i < CKF_BLOCK_POOLS; i++) {
        struct ckf_block_pool *pool = &blocks->pools[(mine + i) % CKF_BLOCK_POOLS];
        if (pthread_mutex_trylock(&pool->lock) != 0)
            continue;
        *block = take_locked(blocks, pool, run, group_bits);
        pthread_mutex_unlock(&pool->lock);
        return true;
    }
    return false;
}

void ckf_blocks_give_back(struct ckf_blocks *blocks, struct ckf_block_run *run, void *memory,
                          unsigned group_bits)
{
    struct ckf_block_pool *pool = &blocks->pools[ckf_thread_number() % CKF_BLOCK_POOLS];
    struct ckf_block *block = memory;
    block->group_bits = group_bits;
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
