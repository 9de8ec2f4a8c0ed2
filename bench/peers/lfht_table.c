/* lfht_table.c - liburcu's lock-free hash table on the shapes of the table of targets. */
#include "peers/lfht.h"

#include "cases/map_roles.h"
#include "peers/peers.h"

static void *create(size_t keys_expected, size_t key_len, unsigned threads)
{
    (void)threads;
    return key_len != LFHT_KEY_BYTES ? NULL : lfht_create(bench_doubled_to(64, keys_expected));
}

static bool add(void *table, struct table_item item)
{
    return lfht_increment(table, item.key);
}

TABLE_PEER_BODIES(bodies, add, lfht_snapshot);
static const struct table_face face = {
    .create = create, .destroy = lfht_destroy, .add = add, .snapshot = lfht_snapshot};

const struct bench_contestant peer_lfht_table = {.name = "cds_lfht",
                                                 .label = "liburcu cds_lfht and an atomic add",
                                                 .note =
                                                     "16-byte keys; chosen keys can slow it down",
                                                 .bodies = bodies,
                                                 .face = &face};
