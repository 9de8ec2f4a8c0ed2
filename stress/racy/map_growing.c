/* stress/racy/map_growing.c - a table that grows by copying its counts while others add to them.
 *
 * Known keys are counted without a lock by an atomic add, which looks safe; but an add that found
 * the old table before the switch and lands after the copy is counted in memory nobody reads.
 */
#include <pthread.h>

#include "chain.h"
#include "maps.h"

struct slot {
    _Atomic(uint64_t) count;
    _Atomic(int) used; /* set after the key was written */
    char key[CHAIN_KEY_SIZE];
};

struct slots {
    struct slots *older; /* kept until destroy, so that late adds hit valid memory */
    size_t capacity, keys;
    struct slot slot[];
};

struct growing {
    pthread_mutex_t lock; /* held to insert and to grow */
    _Atomic(struct slots *) current;
};

static struct slots *new_slots(size_t capacity)
{
    struct slots *slots = calloc(1, sizeof *slots + capacity * sizeof slots->slot[0]);
    if (slots == NULL)
        abort();
    slots->capacity = capacity;
    return slots;
}

static void *create(void)
{
    struct growing *map = calloc(1, sizeof *map);
    if (map == NULL)
        return NULL;
    pthread_mutex_init(&map->lock, NULL);
    atomic_init(&map->current, new_slots(4));
    return map;
}

static void destroy(void *arg)
{
    struct growing *map = arg;
    struct slots *slots = atomic_load(&map->current);
    while (slots != NULL) {
        struct slots *older = slots->older;
        free(slots);
        slots = older;
    }
    pthread_mutex_destroy(&map->lock);
    free(map);
}

/* The key's slot, or the free one where it belongs. */
static struct slot *probe(struct slots *slots, const char *key)
{
    size_t at = chain_bucket(key) % slots->capacity;
    while (atomic_load(&slots->slot[at].used) && strcmp(slots->slot[at].key, key) != 0)
        at = (at + 1) % slots->capacity;
    return &slots->slot[at];
}

static void insert(struct slots *slots, const char *key, uint64_t count)
{
    struct slot *slot = probe(slots, key);
    if (!atomic_load(&slot->used)) {
        strncpy(slot->key, key, sizeof slot->key - 1);
        slots->keys++;
        atomic_store(&slot->used, 1);
    }
    atomic_fetch_add(&slot->count, count);
}

static struct slots *grown(struct slots *old)
{
    struct slots *bigger = new_slots(2 * old->capacity);
    bigger->older = old;
    for (size_t i = 0; i < old->capacity; i++)
        if (atomic_load(&old->slot[i].used))
            insert(bigger, old->slot[i].key, atomic_load(&old->slot[i].count));
    return bigger;
}

static void add(void *arg, const char *key, uint64_t n)
{
    struct growing *map = arg;
    struct slot *slot = probe(atomic_load(&map->current), key);
    if (atomic_load(&slot->used)) {
        atomic_fetch_add(&slot->count, n);
        return;
    }
    pthread_mutex_lock(&map->lock);
    struct slots *slots = atomic_load(&map->current);
    if (2 * slots->keys > slots->capacity) {
        slots = grown(slots);
        atomic_store(&map->current, slots);
    }
    insert(slots, key, n);
    pthread_mutex_unlock(&map->lock);
}

static void for_each(void *arg, void (*visit)(const char *key, uint64_t value, void *arg),
                     void *visit_arg)
{
    struct growing *map = arg;
    struct slots *slots = atomic_load(&map->current);
    for (size_t i = 0; i < slots->capacity; i++)
        if (atomic_load(&slots->slot[i].used))
            visit(slots->slot[i].key, atomic_load(&slots->slot[i].count), visit_arg);
}

const struct map_operations racy_growing_map = {
    .create = create, .destroy = destroy, .add = add, .for_each = for_each};
