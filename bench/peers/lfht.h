/* peers/lfht.h - liburcu's lock-free hash table, used directly: lookup in a read section, atomic add.
 * Keys are 16 bytes; the hash has no secret. Threads register themselves (the "bp" flavour). Nothing is
 * ever removed before the end.
 */
#ifndef CKF_BENCH_LFHT_H
#define CKF_BENCH_LFHT_H

#include <stdlib.h>
#include <string.h>

#include <urcu-bp.h>
#include <urcu/rculfhash.h>
#include <urcu/uatomic.h>

#include "harness/bench.h"

enum { LFHT_KEY_BYTES = 16 };

struct lfht_node {
    struct cds_lfht_node link;
    unsigned char key[LFHT_KEY_BYTES];
    unsigned long value;
    struct lfht_node *next_to_free;
};

static inline unsigned long lfht_hash(const void *key)
{
    uint64_t words[2];
    memcpy(words, key, sizeof words);
    return bench_mix(words[0] ^ (words[1] * UINT64_C(0xd6e8feb86659fd93)));
}

static int lfht_match(struct cds_lfht_node *link, const void *key)
{
    return memcmp(caa_container_of(link, struct lfht_node, link)->key, key, LFHT_KEY_BYTES) == 0;
}

/* buckets: a power of two, to begin with. */
static inline void *lfht_create(size_t buckets)
{
    return cds_lfht_new(buckets, 64, 0, CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, NULL);
}

/* Nodes are freed after a grace period: the table's own resizing thread may still walk over them. */
static inline void lfht_destroy(void *table)
{
    struct cds_lfht_iter iterator;
    struct lfht_node *node, *removed = NULL;
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

/* In a read section. */
static inline struct lfht_node *lfht_find(void *table, const void *key, unsigned long hash)
{
    struct cds_lfht_iter iterator;
    cds_lfht_lookup(table, hash, lfht_match, key, &iterator);
    struct cds_lfht_node *link = cds_lfht_iter_get_node(&iterator);
    return link == NULL ? NULL : caa_container_of(link, struct lfht_node, link);
}

/* The node of the key, made if need be; NULL without memory. In a read section. */
static inline struct lfht_node *lfht_insert(void *table, const void *key, unsigned long hash)
{
    struct lfht_node *node = malloc(sizeof *node);
    if (node == NULL)
        return NULL;
    node->value = 0;
    memcpy(node->key, key, sizeof node->key);
    cds_lfht_node_init(&node->link);
    struct cds_lfht_node *link = cds_lfht_add_unique(table, hash, lfht_match, key, &node->link);
    if (link == &node->link)
        return node;
    free(node);
    return caa_container_of(link, struct lfht_node, link);
}

static inline bool lfht_increment(void *table, const void *key)
{
    unsigned long hash = lfht_hash(key);
    rcu_read_lock();
    struct lfht_node *node = lfht_find(table, key, hash);
    if (node == NULL)
        node = lfht_insert(table, key, hash);
    if (node != NULL)
        uatomic_inc(&node->value);
    rcu_read_unlock();
    return node != NULL;
}

static inline bool lfht_read(void *table, const void *key, uint64_t *value)
{
    rcu_read_lock();
    struct lfht_node *node = lfht_find(table, key, lfht_hash(key));
    if (node != NULL)
        *value = uatomic_read(&node->value);
    rcu_read_unlock();
    return node != NULL;
}

static inline size_t lfht_snapshot(void *table, uint64_t *sum)
{
    struct cds_lfht_iter iterator;
    struct lfht_node *node;
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

#endif
