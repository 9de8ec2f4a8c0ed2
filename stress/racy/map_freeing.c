/* stress/racy/map_freeing.c - remove unlinks a counter, reads it and frees it, while an add that
 * found it a moment ago is about to count in it. */
#include <pthread.h>

#include <ck_filter/stress.h>

#include "chain.h"
#include "maps.h"

struct table {
    pthread_mutex_t lock;
    struct chain_node *head;
};

static void *create(void)
{
    struct table *table = calloc(1, sizeof *table);
    if (table != NULL)
        pthread_mutex_init(&table->lock, NULL);
    return table;
}

static void destroy(void *map)
{
    struct table *table = map;
    for (struct chain_node *node = table->head, *next; node != NULL; node = next) {
        next = node->next;
        ckf_stress_free(node);
    }
    pthread_mutex_destroy(&table->lock);
    free(table);
}

static void add(void *map, const char *key, uint64_t n)
{
    struct table *table = map;
    pthread_mutex_lock(&table->lock);
    struct chain_node *node = chain_find(table->head, key);
    if (node == NULL) {
        node = chain_node_init(ckf_stress_alloc(sizeof *node), key);
        node->next = table->head;
        table->head = node;
    }
    pthread_mutex_unlock(&table->lock);
    atomic_fetch_add(&node->count, n);
}

static uint64_t remove_key(void *map, const char *key)
{
    struct table *table = map;
    pthread_mutex_lock(&table->lock);
    struct chain_node **place = &table->head;
    while (*place != NULL && strcmp((*place)->key, key) != 0)
        place = &(*place)->next;
    struct chain_node *node = *place;
    if (node != NULL)
        *place = node->next;
    pthread_mutex_unlock(&table->lock);
    if (node == NULL)
        return 0;
    uint64_t value = atomic_load(&node->count);
    ckf_stress_free(node);
    return value;
}

static void for_each(void *map, void (*visit)(const char *key, uint64_t value, void *arg),
                     void *arg)
{
    struct table *table = map;
    for (struct chain_node *node = table->head; node != NULL; node = node->next)
        visit(node->key, atomic_load(&node->count), arg);
}

const struct map_operations racy_freeing_map = {
    .create = create, .destroy = destroy, .add = add, .remove = remove_key, .for_each = for_each};
