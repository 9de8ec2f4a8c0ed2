/* stress/racy/map_shifting.c - an iteration that locks for each step, over an array whose removals
 * close the gap: a key that moves past the iteration is missed, one that moves with it is seen
 * twice. */
#include <pthread.h>

#include "chain.h"
#include "maps.h"

enum { MOST_KEYS = 64 };

struct item {
    uint64_t count;
    char key[CHAIN_KEY_SIZE];
};

struct array {
    pthread_mutex_t lock;
    size_t keys;
    struct item items[MOST_KEYS];
};

static void *create(void)
{
    struct array *array = calloc(1, sizeof *array);
    if (array != NULL)
        pthread_mutex_init(&array->lock, NULL);
    return array;
}

static void destroy(void *map)
{
    struct array *array = map;
    pthread_mutex_destroy(&array->lock);
    free(array);
}

static size_t find(const struct array *array, const char *key)
{
    size_t at = 0;
    while (at < array->keys && strcmp(array->items[at].key, key) != 0)
        at++;
    return at;
}

static void add(void *map, const char *key, uint64_t n)
{
    struct array *array = map;
    pthread_mutex_lock(&array->lock);
    size_t at = find(array, key);
    if (at == array->keys && at < MOST_KEYS) {
        /* newest first: everything else moves one up */
        memmove(&array->items[1], &array->items[0], array->keys * sizeof array->items[0]);
        array->keys++;
        at = 0;
        memset(&array->items[0], 0, sizeof array->items[0]);
        strncpy(array->items[0].key, key, sizeof array->items[0].key - 1);
    }
    if (at < array->keys)
        array->items[at].count += n;
    pthread_mutex_unlock(&array->lock);
}

static uint64_t remove_key(void *map, const char *key)
{
    struct array *array = map;
    uint64_t value = 0;
    pthread_mutex_lock(&array->lock);
    size_t at = find(array, key);
    if (at < array->keys) {
        value = array->items[at].count;
        array->keys--;
        memmove(&array->items[at], &array->items[at + 1],
                (array->keys - at) * sizeof array->items[0]);
    }
    pthread_mutex_unlock(&array->lock);
    return value;
}

static int item_at(struct array *array, size_t at, struct item *item)
{
    pthread_mutex_lock(&array->lock);
    int there = at < array->keys;
    if (there)
        *item = array->items[at];
    pthread_mutex_unlock(&array->lock);
    return there;
}

static void for_each(void *map, void (*visit)(const char *key, uint64_t value, void *arg),
                     void *arg)
{
    struct item item;
    for (size_t at = 0; item_at(map, at, &item); at++)
        visit(item.key, item.count, arg);
}

const struct map_operations racy_shifting_map = {
    .create = create, .destroy = destroy, .add = add, .remove = remove_key, .for_each = for_each};
