/* task/pool.c - makes, resets, checks and frees objects; where idle ones rest is the variant's affair.
 *
 * Roles:      users, who get and put; each object has one owner: a user, or the pool.
 * Invariants: an object's header says in one word which pool it is of and whether it is idle. A put
 *             turns "in use" into "idle" first, so of two puts of one object the second is caught,
 *             then resets. An idle object is in its initial state.
 * Variants:   ATOMIC rests objects in an idle_store, MUTEX in a list through their headers.
 * Teardown:   `objects` counts those that exist; it changes with the allocations only. After the
 *             idle ones are freed it must be 0.
 */
#include <ck_filter/pool.h>

#include <pthread.h>
#include <stdalign.h>
#include <string.h>

#include "base/atomics.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/poison.h"
#include "task/idle_store.h"

enum { DEFAULT_MAX_IDLE = 256 };

/* In front of every object. */
struct header {
    alignas(max_align_t) _Atomic(uintptr_t) owner; /* in_use_mark() or idle_mark() of its pool */
    struct header *next; /* MUTEX: guarded by the pool's lock while idle */
};

struct ckf_pool {
    struct ckf_pool_options options; /* never changes; name is our copy */
    char *name;
    _Atomic(size_t) objects;      /* who allocates or frees one */
    struct ckf_idle_store *store; /* ATOMIC */
    pthread_mutex_t lock;         /* MUTEX: guards the next two */
    struct header *first_idle;
    size_t idle_count;
};

static uintptr_t in_use_mark(const struct ckf_pool *pool)
{
    return (uintptr_t)pool;
}

static uintptr_t idle_mark(const struct ckf_pool *pool)
{
    return (uintptr_t)pool | 1;
}

static struct header *header_of(void *object)
{
    return (struct header *)object - 1;
}

/* --- objects --- */

static struct header *create_object(struct ckf_pool *pool)
{
    struct header *header = ckf_alloc(sizeof *header + pool->options.size);
    if (header == NULL)
        return NULL;
    /* relaxed: counts, and orders nothing; read when all is quiet */
    fetch_add_relaxed(&pool->objects, 1);
    if (pool->options.reset != NULL)
        pool->options.reset(header + 1, pool->options.arg);
    return header;
}

static void free_object(struct ckf_pool *pool, struct header *header)
{
    if (pool->options.discard != NULL)
        pool->options.discard(header + 1, pool->options.arg);
    ckf_free(header);
    /* relaxed: as in create_object() */
    fetch_sub_relaxed(&pool->objects, 1);
}

static void reset_object(struct ckf_pool *pool, struct header *header)
{
    if (pool->options.reset != NULL)
        pool->options.reset(header + 1, pool->options.arg);
    else
        memset(header + 1, 0, pool->options.size);
}

/* --- idle objects --- */

static bool push_locked(struct ckf_pool *pool, struct header *header)
{
    pthread_mutex_lock(&pool->lock);
    bool has_room = pool->idle_count < pool->options.max_idle;
    if (has_room) {
        header->next = pool->first_idle;
        pool->first_idle = header;
        pool->idle_count++;
    }
    pthread_mutex_unlock(&pool->lock);
    return has_room;
}

static struct header *pop_locked(struct ckf_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct header *header = pool->first_idle;
    if (header != NULL) {
        pool->first_idle = header->next;
        pool->idle_count--;
    }
    pthread_mutex_unlock(&pool->lock);
    return header;
}

static bool rest(struct ckf_pool *pool, struct header *header)
{
    ckf_poison(header + 1, pool->options.size);
    bool rests =
        pool->store != NULL ? ckf_idle_store_put(pool->store, header) : push_locked(pool, header);
    if (!rests)
        ckf_unpoison(header + 1, pool->options.size);
    return rests;
}

static struct header *fetch(struct ckf_pool *pool)
{
    struct header *header =
        pool->store != NULL ? ckf_idle_store_take(pool->store) : pop_locked(pool);
    if (header != NULL)
        ckf_unpoison(header + 1, pool->options.size);
    return header;
}

/* --- the door --- */

void *ckf_pool_get(struct ckf_pool *pool)
{
    CKF_REQUIRE(pool != NULL, "the pool must not be NULL");
    struct header *header = fetch(pool);
    if (header == NULL)
        header = create_object(pool);
    if (header == NULL)
        return NULL;
    /* relaxed: the object is this thread's, and comes to others by the caller's own means */
    store_relaxed(&header->owner, in_use_mark(pool));
    return header + 1;
}

void ckf_pool_put(struct ckf_pool *pool, void *object)
{
    CKF_REQUIRE(pool != NULL, "the pool must not be NULL");
    CKF_REQUIRE(object != NULL, "the object must not be NULL");
    struct header *header = header_of(object);
    /* relaxed: one word decides which of two puts was first */
    uintptr_t owner = exchange_relaxed(&header->owner, idle_mark(pool));
    CKF_REQUIRE(owner != idle_mark(pool), "an object must be put back once");
    CKF_REQUIRE(owner == in_use_mark(pool), "the object is not of this pool");
    reset_object(pool, header);
    if (!rest(pool, header))
        free_object(pool, header);
}

static bool are_valid(const struct ckf_pool_options *options)
{
    uint64_t reserved = 0;
    if (options == NULL)
        return false;
    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        reserved |= options->reserved[i];
    return reserved == 0 && options->size > 0 &&
           options->size <= SIZE_MAX - sizeof(struct header) &&
           (options->variant == CKF_VARIANT_ATOMIC || options->variant == CKF_VARIANT_MUTEX);
}

enum ckf_status ckf_pool_create(struct ckf_pool **pool, const struct ckf_pool_options *options)
{
    CKF_REQUIRE(pool != NULL, "the place for the pool must not be NULL");
    if (!are_valid(options))
        return CKF_INVALID;
    struct ckf_pool *created = ckf_alloc(sizeof *created);
    if (created == NULL)
        return CKF_NO_MEMORY;
    created->options = *options;
    if (created->options.max_idle == 0)
        created->options.max_idle = DEFAULT_MAX_IDLE;
    bool has_name = ckf_copy_string(options->name, &created->name);
    if (has_name && options->variant == CKF_VARIANT_ATOMIC)
        created->store = ckf_idle_store_create(created->options.max_idle);
    if (!has_name || (options->variant == CKF_VARIANT_ATOMIC && created->store == NULL)) {
        ckf_free(created->name);
        ckf_free(created);
        return CKF_NO_MEMORY;
    }
    created->options.name = created->name;
    pthread_mutex_init(&created->lock, NULL);
    *pool = created;
    return CKF_OK;
}

void ckf_pool_destroy(struct ckf_pool *pool)
{
    CKF_REQUIRE(pool != NULL, "the pool must not be NULL");
    for (struct header *header = fetch(pool); header != NULL; header = fetch(pool))
        free_object(pool, header);
    CKF_REQUIRE(load_relaxed(&pool->objects) == 0, "every object must be put back first");
    if (pool->store != NULL)
        ckf_idle_store_destroy(pool->store);
    pthread_mutex_destroy(&pool->lock);
    ckf_free(pool->name);
    ckf_free(pool);
}
