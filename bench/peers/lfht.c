/* lfht.c - liburcu's lock-free hash table, used directly: lookup in a read section, atomic add.
 *
 * Threads register themselves (the "bp" flavour). Nothing is ever removed before the end.
 */
#include <stdlib.h>

#include <urcu-bp.h>
#include <urcu/rculfhash.h>
#include <urcu/uatomic.h>

#include "cases/map_bodies.h"
#include "peers/peers.h"

struct node {
    struct cds_lfht_node link;
    struct map_key key;
    unsigned long value;
    struct node *next_to_free;
};

static unsigned long hash(const struct map_key *key)
{
    return bench_mix(key->words[0] ^ (key->words[1] * UINT64_C(0xd6e8feb86659fd93)));
}

static int match(struct cds_lfht_node *link, const void *argument)
{
    const struct map_key *key = argument;
    const struct node *node = caa_container_of(link, struct node, link);
    return node->key.words[0] == key->words[0] && node->key.words[1] == key->words[1];
}

static void *create(size_t keys_expected, bool u64_keys)
{
    (void)keys_expected;
    (void)u64_keys;
    return cds_lfht_new(64, 64, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, NULL);
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

static struct node *find(void *table, const struct map_key *key)
{
    struct cds_lfht_iter iterator;
    cds_lfht_lookup(table, hash(key), match, key, &iterator);
    struct cds_lfht_node *link = cds_lfht_iter_get_node(&iterator);
    return link == NULL ? NULL : caa_container_of(link, struct node, link);
}

/* The node of the key, made if need be; NULL without memory. */
static struct node *insert(void *table, const struct map_key *key)
{
    struct node *node = malloc(sizeof(*node));
    if (node == NULL)
        return NULL;
    *node = (struct node){.key = *key};
    cds_lfht_node_init(&node->link);
    struct cds_lfht_node *link = cds_lfht_add_unique(table, hash(key), match, key, &node->link);
    if (link == &node->link)
        return node;
    free(node);
    return caa_container_of(link, struct node, link);
}

static bool add(void *table, const struct map_key *key)
{
    rcu_read_lock();
    struct node *node = find(table, key);
    if (node == NULL)
        node = insert(table, key);
    if (node != NULL)
        uatomic_inc(&node->value);
    rcu_read_unlock();
    return node != NULL;
}

static bool get(void *table, const struct map_key *key, uint64_t *value)
{
    rcu_read_lock();
    struct node *node = find(table, key);
    if (node != NULL)
        *value = uatomic_read(&node->value);
    rcu_read_unlock();
    return node != NULL;
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

static void add_body(struct bench_run *run, void *state)
{
    map_add(run, state, add);
}

static void get_body(struct bench_run *run, void *state)
{
    map_get(run, state, get);
}

static void add_new_body(struct bench_run *run, void *state)
{
    map_add_new(run, state, add);
}

static void snapshot_body(struct bench_run *run, void *state)
{
    map_snapshot(run, state, snapshot);
}

static void snapshots_beside_body(struct bench_run *run, void *state)
{
    map_snapshots_beside(run, state, snapshot);
}

static void adds_beside_body(struct bench_run *run, void *state)
{
    map_adds_beside(run, state, add);
}

static const bench_body bodies[MAP_ROLES] = {[MAP_ADD] = add_body,
                                             [MAP_GET] = get_body,
                                             [MAP_ADD_NEW] = add_new_body,
                                             [MAP_SNAPSHOT] = snapshot_body,
                                             [MAP_SNAPSHOTS_BESIDE] = snapshots_beside_body,
                                             [MAP_ADDS_BESIDE] = adds_beside_body};
static const struct map_face face = {
    .create = create, .destroy = destroy, .add = add, .snapshot = snapshot};

const struct bench_contestant peer_lfht = {.name = "cds_lfht",
                                           .label = "liburcu cds_lfht and an atomic add",
                                           .note = "fixed 16-byte keys, hash without a secret key",
                                           .bodies = bodies,
                                           .face = &face};
