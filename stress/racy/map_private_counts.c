/* stress/racy/map_private_counts.c - counts are gathered in the thread and handed on every few
 * adds: fast, and whatever a thread has gathered when it exits vanishes with it. */
#include <pthread.h>

#include "chain.h"
#include "maps.h"

enum { HAND_ON_EVERY = 16 };

struct shared {
    pthread_mutex_t lock;
    uint64_t counted;
};

static _Thread_local struct {
    const void *map;
    uint64_t gathered;
    unsigned adds;
} mine;

static void *create(void)
{
    struct shared *shared = calloc(1, sizeof *shared);
    if (shared != NULL)
        pthread_mutex_init(&shared->lock, NULL);
    return shared;
}

static void destroy(void *map)
{
    struct shared *shared = map;
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

static void add(void *map, const char *key, uint64_t n)
{
    (void)key; /* one key is enough to lose counts */
    struct shared *shared = map;
    if (mine.map != map) {
        mine.map = map;
        mine.gathered = 0;
        mine.adds = 0;
    }
    mine.gathered += n;
    if (++mine.adds % HAND_ON_EVERY != 0)
        return;
    pthread_mutex_lock(&shared->lock);
    shared->counted += mine.gathered;
    pthread_mutex_unlock(&shared->lock);
    mine.gathered = 0;
}

static void for_each(void *map, void (*visit)(const char *key, uint64_t value, void *arg),
                     void *arg)
{
    struct shared *shared = map;
    pthread_mutex_lock(&shared->lock);
    uint64_t counted = shared->counted;
    pthread_mutex_unlock(&shared->lock);
    visit("k0", counted, arg);
}

const struct map_operations racy_private_counts_map = {
    .create = create, .destroy = destroy, .add = add, .for_each = for_each};
