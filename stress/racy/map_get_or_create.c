/* stress/racy/map_get_or_create.c - "not there yet? make one": two threads both find nothing, both
 * make a counter, and the second assignment hides what the first one has counted. */
#include "map_locked_steps.h"
#include "maps.h"

static void add(void *map, const char *key, uint64_t n)
{
    struct chain_node *node = stepwise_lookup(map, key);
    if (node == NULL) {
        node = chain_new(key);
        stepwise_assign(map, node);
    }
    atomic_fetch_add(&node->count, n);
}

const struct map_operations racy_get_or_create_map = {
    .create = stepwise_create,
    .destroy = stepwise_destroy,
    .add = add,
    .for_each = stepwise_for_each,
};
