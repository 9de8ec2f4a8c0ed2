/* lfht_table.c - liburcu's lock-free hash table on the shapes of the table of targets: lookup in a read
 * section, atomic add. Keys of 16 bytes; nothing is removed before the end.
 */
#include <stdlib.h>

#include <urcu-bp.h>
#include <urcu/rculfhash.h>
#include <urcu/uatomic.h>

#include "cases/map_roles.h"
#include "peers/peers.h"

enum { KEY_BYTES = 16 };

struct node {
    struct cds_lfht_node link;
    unsigned char key[KEY_BYTES];
    unsigned long value;
    struct node *next_to_free;
};

static unsigned long hash(const void *key)
{
    uint64_t words[2];
    memcpy(words, key, sizeof(words));
    return bench_mix(words[0] ^ (words[1] * UINT64_C(0xd6e8feb86659fd93)));
}

static int match(struct cds_lfht_node *link, const void *key)
{
    return memcmp(caa_container_of(link, struct node, link)->key, key, KEY_BYTES) == 0;
}

static void *create(size_t keys_expected, size_t key_len, unsigned threads)
{
    (void)threads;
    size_t size = 64;
    while (size < keys_expected)
        size *= 2;
    return key_len != KEY_BYTES
               ? NULL
               : cds_lfht_new(size, 64, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, NULL);
}

/* Nodes are freed after a grace period: the table's own resizing thread may still walk over them. */
static void destroy(void *table)
{
    struct cds_lfht_iter iterator;
    struct node *node, *removed = NULL;
    rcu_read_lock();
    cds_lfht_for_each_entry(table, &iterator, node, link)
    {
        cds_lfht_del(table, &node->link);
        node->next_to_free = removed;
        removed = node;
    }
    rcu_read_unlock();
    synchronize_rcu();
    while (removed != NULL) {
        node = removed;
        removed = node->next_to_free;
        free(node);
    }
    cds_lfht_destroy(table, NULL);
}

static bool add(void *table, struct table_item item)
{
    unsigned long key_hash = hash(item.key);
    struct cds_lfht_iter iterator;
    rcu_read_lock();
    cds_lfht_lookup(table, key_hash, match, item.key, &iterator);
    struct cds_lfht_node *link = cds_lfht_iter_get_node(&iterator);
    if (link == NULL) {
        struct node *node = malloc(sizeof(*node));
        if (node == NULL) {
            rcu_read_unlock();
            return false;
        }
        node->value = 0;
        memcpy(node->key, item.key, KEY_BYTES);
        cds_lfht_node_init(&node->link);
        link = cds_lfht_add_unique(table, key_hash, match, item.key, &node->link);
        if (link != &node->link)
            free(node);
    }
    uatomic_inc(&caa_container_of(link, struct node, link)->value);
    rcu_read_unlock();
    return true;
}

static size_t snapshot(void *table, uint64_t *sum)
{
    struct cds_lfht_iter iterator;
    struct node *node;
    size_t keys = 0;
    *sum = 0;
    rcu_read_lock();
    cds_lfht_for_each_entry(table, &iterator, node, link)
    {
        *sum += uatomic_read(&node->value);
        keys++;
    }
    rcu_read_unlock();
    return keys;
}

TABLE_PEER_BODIES(bodies, add, snapshot);
static const struct table_face face = {
    .create = create, .destroy = destroy, .add = add, .snapshot = snapshot};

const struct bench_contestant peer_lfht_table = {.name = "cds_lfht",
                                                 .label = "liburcu cds_lfht and an atomic add",
                                                 .note =
                                                     "16-byte keys; chosen keys can slow it down",
                                                 .bodies = bodies,
                                                 .face = &face};
