/* stress/racy/map_read_and_reset.c - "read and reset" as a load and a store of 0: an increment
 * between the two is gone. Counting and looking up are sound. */
#include "map_locked_steps.h"
#include "maps.h"

static void add(void *map, const char *key, uint64_t n)
{
    struct stepwise_table *table = map;
    pthread_mutex_lock(&table->lock);
    struct chain_node **bucket = &table->buckets[chain_bucket(key)];
    struct chain_node *node = chain_find(*bucket, key);
    if (node == NULL) {
        node = chain_new(key);
        node->next = *bucket;
        *bucket = node;
    }
    pthread_mutex_unlock(&table->lock);
    atomic_fetch_add(&node->count, n);
}

static uint64_t take(void *map, const char *key)
{
    struct chain_node *node = stepwise_lookup(map, key);
    if (node == NULL)
        return 0;
    uint64_t value = atomic_load(&node->count);
    atomic_store(&node->count, 0);
    return value;
}

const struct map_operations racy_read_and_reset_map = {
    .create = stepwise_create,
    .destroy = stepwise_destroy,
    .add = add,
    .take = take,
    .for_each = stepwise_for_each,
};
