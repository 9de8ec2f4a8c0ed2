/* stress/racy/map_load_then_store.c - the article's own repair: Store(s, LoadOrStore(s, 0) + 1).
 * Both steps are atomic; the addition between them is not. */
#include "map_locked_steps.h"
#include "maps.h"

static struct chain_node *load_or_store_zero(struct stepwise_table *table, const char *key)
{
    struct chain_node *node = stepwise_lookup(table, key);
    if (node == NULL) {
        node = chain_new(key);
        stepwise_assign(table, node);
    }
    return node;
}

static void add(void *map, const char *key, uint64_t n)
{
    struct chain_node *node = load_or_store_zero(map, key);
    uint64_t value = atomic_load(&node->count);
    atomic_store(&node->count, value + n);
}

const struct map_operations racy_load_store_map = {
    .create = stepwise_create,
    .destroy = stepwise_destroy,
    .add = add,
    .for_each = stepwise_for_each,
};
