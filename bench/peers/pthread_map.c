/* pthread_map.c - one mutex around a chained hash table. */
#include <pthread.h>

#include "peers/chained_map.h"
#include "peers/peers.h"

struct locked_map {
    pthread_mutex_t lock;
    struct chained_map map; /* guarded by lock */
};

static void *create(size_t keys_expected, bool u64_keys)
{
    (void)keys_expected;
    (void)u64_keys;
    struct locked_map *locked = malloc(sizeof(*locked));
    if (locked == NULL || !chained_init(&locked->map)) {
        free(locked);
        return NULL;
    }
    pthread_mutex_init(&locked->lock, NULL);
    return locked;
}

static void destroy(void *argument)
{
    struct locked_map *locked = argument;
    chained_destroy(&locked->map);
    pthread_mutex_destroy(&locked->lock);
    free(locked);
}

static bool add(void *argument, const struct map_key *key)
{
    struct locked_map *locked = argument;
    pthread_mutex_lock(&locked->lock);
    bool added = chained_add(&locked->map, key);
    pthread_mutex_unlock(&locked->lock);
    return added;
}

static bool get(void *argument, const struct map_key *key, uint64_t *value)
{
    struct locked_map *locked = argument;
    pthread_mutex_lock(&locked->lock);
    struct chained_entry *entry = chained_find(&locked->map, key);
    if (entry != NULL)
        *value = entry->value;
    pthread_mutex_unlock(&locked->lock);
    return entry != NULL;
}

static size_t snapshot(void *argument, uint64_t *sum)
{
    struct locked_map *locked = argument;
    pthread_mutex_lock(&locked->lock);
    size_t keys = chained_snapshot(&locked->map, sum);
    pthread_mutex_unlock(&locked->lock);
    return keys;
}

MAP_PEER_BODIES(bodies, add, get, snapshot);
static const struct map_face face = {
    .create = create, .destroy = destroy, .add = add, .snapshot = snapshot};

const struct bench_contestant peer_pthread_map = {
    .name = "pthread-map",
    .label = "hand-written chained hash table, one pthread mutex",
    .note = "fixed 16-byte keys, hash without a secret key, no removal",
    .bodies = bodies,
    .face = &face,
    .sleeps = true};
