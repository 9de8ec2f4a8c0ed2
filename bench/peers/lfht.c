/* lfht.c - liburcu's lock-free hash table on the shapes of the counter map's cases. */
#include "peers/lfht.h"

#include "cases/map_bodies.h"
#include "peers/peers.h"

static void *create(size_t keys_expected, bool u64_keys)
{
    (void)keys_expected;
    (void)u64_keys;
    return lfht_create(64);
}

static bool add(void *table, const struct map_key *key)
{
    return lfht_increment(table, key);
}

static bool get(void *table, const struct map_key *key, uint64_t *value)
{
    return lfht_read(table, key, value);
}

MAP_PEER_BODIES(bodies, add, get, lfht_snapshot);
static const struct map_face face = {
    .create = create, .destroy = lfht_destroy, .add = add, .snapshot = lfht_snapshot};

const struct bench_contestant peer_lfht = {.name = "cds_lfht",
                                           .label = "liburcu cds_lfht and an atomic add",
                                           .note = "fixed 16-byte keys, hash without a secret key",
                                           .bodies = bodies,
                                           .face = &face};
