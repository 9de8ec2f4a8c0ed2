/* alone_map.c - the chained hash table that one thread has to itself: what no shared map can beat by
 * much. */
#include "peers/chained_map.h"
#include "peers/peers.h"

static void *create(size_t keys_expected, bool u64_keys)
{
    (void)keys_expected;
    (void)u64_keys;
    struct chained_map *map = malloc(sizeof(*map));
    if (map == NULL || !chained_init(map)) {
        free(map);
        return NULL;
    }
    return map;
}

static void destroy(void *map)
{
    chained_destroy(map);
    free(map);
}

static bool add(void *map, const struct map_key *key)
{
    return chained_add(map, key);
}

static size_t snapshot(void *map, uint64_t *sum)
{
    return chained_snapshot(map, sum);
}

static void add_body(struct bench_run *run, void *state)
{
    map_add(run, state, add);
}

static const bench_body bodies[MAP_ROLES] = {[MAP_ADD] = add_body};
static const struct map_face face = {
    .create = create, .destroy = destroy, .add = add, .snapshot = snapshot};

const struct bench_contestant peer_alone_map = {.name = "no-sync",
                                                .label = "chained hash table, no synchronisation",
                                                .note = "a limit: one thread only",
                                                .bodies = bodies,
                                                .face = &face};
