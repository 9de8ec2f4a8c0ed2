/* stress/racy/map_locked_steps.c - lookups and assignments, each under the lock. */
#include "map_locked_steps.h"

void *stepwise_create(void)
{
    struct stepwise_table *table = calloc(1, sizeof *table);
    if (table != NULL)
        pthread_mutex_init(&table->lock, NULL);
    return table;
}

void stepwise_destroy(void *map)
{
    struct stepwise_table *table = map;
    for (int i = 0; i < CHAIN_BUCKETS; i++)
        chain_free(table->buckets[i]);
    chain_free(table->replaced);
    pthread_mutex_destroy(&table->lock);
    free(table);
}

struct chain_node *stepwise_lookup(struct stepwise_table *table, const char *key)
{
    pthread_mutex_lock(&table->lock);
    struct chain_node *node = chain_find(table->buckets[chain_bucket(key)], key);
    pthread_mutex_unlock(&table->lock);
    return node;
}

void stepwise_assign(struct stepwise_table *table, struct chain_node *node)
{
    pthread_mutex_lock(&table->lock);
    struct chain_node **place = &table->buckets[chain_bucket(node->key)];
    while (*place != NULL && strcmp((*place)->key, node->key) != 0)
        place = &(*place)->next;
    struct chain_node *old = *place;
    node->next = old != NULL ? old->next : NULL;
    *place = node;
    if (old != NULL) {
        old->next = table->replaced;
        table->replaced = old;
    }
    pthread_mutex_unlock(&table->lock);
}

void stepwise_for_each(void *map, void (*visit)(const char *key, uint64_t value, void *arg),
                       void *arg)
{
    struct stepwise_table *table = map;
    for (int i = 0; i < CHAIN_BUCKETS; i++)
        for (struct chain_node *node = table->buckets[i]; node != NULL; node = node->next)
            visit(node->key, atomic_load(&node->count), arg);
}
