/* stress/racy/map_unlocked.c - `stats[s]++` on a plain table: no lock, and Go's own alarm.
 *
 * Two inserts into one bucket lose a key, two increments lose a count, and like Go's runtime the
 * table notices some of it by a flag ("fatal error: concurrent map writes").
 */
#include "chain.h"
#include "maps.h"

struct table {
    int writing;
    struct chain_node *buckets[CHAIN_BUCKETS];
};

static void *create(void)
{
    return calloc(1, sizeof(struct table));
}

static void destroy(void *map)
{
    struct table *table = map;
    for (int i = 0; i < CHAIN_BUCKETS; i++)
        chain_free(table->buckets[i]);
    free(table);
}

static void add(void *map, const char *key, uint64_t n)
{
    struct table *table = map;
    if (table->writing)
        abort();
    table->writing = 1;
    struct chain_node **bucket = &table->buckets[chain_bucket(key)];
    struct chain_node *node = chain_find(*bucket, key);
    if (node == NULL) {
        node = chain_new(key);
        node->next = *bucket;
        *bucket = node;
    }
    node->plain += n;
    table->writing = 0;
}

static void for_each(void *map, void (*visit)(const char *key, uint64_t value, void *arg),
                     void *arg)
{
    struct table *table = map;
    for (int i = 0; i < CHAIN_BUCKETS; i++)
        for (struct chain_node *node = table->buckets[i]; node != NULL; node = node->next)
            visit(node->key, node->plain, arg);
}

const struct map_operations racy_unlocked_map = {
    .create = create, .destroy = destroy, .add = add, .for_each = for_each};
