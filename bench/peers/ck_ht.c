/* ck_ht.c - Concurrency Kit's hash table: lookups without a lock, one writer at a time (a mutex), atomic
 * counters. Tables outgrown are kept until the end, which is kinder than epochs would be.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <ck_ht.h>
#include <ck_malloc.h>

#include "cases/map_roles.h"
#include "peers/peers.h"

enum { KEY_BYTES = 16 };

struct node {
    _Atomic(uint64_t) value;
    unsigned char key[KEY_BYTES];
};

/* In front of each table that ck_ht asks for. */
struct block {
    struct block *next;
    size_t padding;
};

struct map {
    ck_ht_t table;
    pthread_mutex_t lock; /* of writers */
};

/* The allocator has no argument of its own, and one map lives at a time. */
static struct block *outgrown;

static void *allocate(size_t bytes)
{
    struct block *block = malloc(sizeof(*block) + bytes);
    return block == NULL ? NULL : block + 1;
}

static void release(void *memory, size_t bytes, bool defer)
{
    (void)bytes;
    struct block *block = (struct block *)memory - 1;
    if (!defer) {
        free(block);
        return;
    }
    block->next = outgrown;
    outgrown = block;
}

static struct ck_malloc allocator = {.malloc = allocate, .free = release};

static uint64_t hash_of(const void *key)
{
    uint64_t words[2];
    memcpy(words, key, sizeof(words));
    return bench_mix(words[0] ^ (words[1] * UINT64_C(0xd6e8feb86659fd93)));
}

static void hash(ck_ht_hash_t *out, const void *key, size_t len, uint64_t seed)
{
    (void)len;
    (void)seed;
    out->value = hash_of(key);
}

static void *create(size_t keys_expected, size_t key_len, unsigned threads)
{
    (void)threads;
    struct map *map = malloc(sizeof(*map));
    if (map == NULL || key_len != KEY_BYTES ||
        !ck_ht_init(&map->table, CK_HT_MODE_BYTESTRING, hash, &allocator,
                    keys_expected < 64 ? 64 : keys_expected, 1)) {
        free(map);
        return NULL;
    }
    pthread_mutex_init(&map->lock, NULL);
    return map;
}

static void destroy(void *argument)
{
    struct map *map = argument;
    ck_ht_iterator_t iterator = CK_HT_ITERATOR_INITIALIZER;
    ck_ht_entry_t *entry;
    while (ck_ht_next(&map->table, &iterator, &entry))
        free(ck_ht_entry_value(entry));
    ck_ht_destroy(&map->table);
    while (outgrown != NULL) {
        struct block *block = outgrown;
        outgrown = block->next;
        free(block);
    }
    pthread_mutex_destroy(&map->lock);
    free(map);
}

static struct node *find(struct map *map, ck_ht_hash_t key_hash, const void *key)
{
    ck_ht_entry_t entry;
    ck_ht_entry_key_set(&entry, key, KEY_BYTES);
    return ck_ht_get_spmc(&map->table, key_hash, &entry) ? ck_ht_entry_value(&entry) : NULL;
}

static struct node *insert(struct map *map, ck_ht_hash_t key_hash, const void *key)
{
    pthread_mutex_lock(&map->lock);
    struct node *node = find(map, key_hash, key);
    if (node == NULL && (node = malloc(sizeof(*node))) != NULL) {
        atomic_init(&node->value, 0);
        memcpy(node->key, key, KEY_BYTES);
        ck_ht_entry_t entry;
        ck_ht_entry_set(&entry, key_hash, node->key, KEY_BYTES, node);
        if (!ck_ht_put_spmc(&map->table, key_hash, &entry)) {
            free(node);
            node = NULL;
        }
    }
    pthread_mutex_unlock(&map->lock);
    return node;
}

static bool add(void *argument, struct table_item item)
{
    struct map *map = argument;
    ck_ht_hash_t key_hash;
    ck_ht_hash(&key_hash, &map->table, item.key, KEY_BYTES);
    struct node *node = find(map, key_hash, item.key);
    if (node == NULL)
        node = insert(map, key_hash, item.key);
    if (node == NULL)
        return false;
    atomic_fetch_add_explicit(&node->value, 1, memory_order_relaxed);
    return true;
}

static size_t snapshot(void *argument, uint64_t *sum)
{
    struct map *map = argument;
    ck_ht_iterator_t iterator = CK_HT_ITERATOR_INITIALIZER;
    ck_ht_entry_t *entry;
    size_t keys = 0;
    *sum = 0;
    while (ck_ht_next(&map->table, &iterator, &entry)) {
        struct node *node = ck_ht_entry_value(entry);
        *sum += atomic_load_explicit(&node->value, memory_order_relaxed);
        keys++;
    }
    return keys;
}

TABLE_PEER_BODIES(bodies, add, snapshot);
static const struct table_face face = {
    .create = create, .destroy = destroy, .add = add, .snapshot = snapshot};

const struct bench_contestant peer_ck_ht = {
    .name = "ck_ht",
    .label = "Concurrency Kit ck_ht, a mutex for new keys, atomic counters",
    .note = "16-byte keys, no removal, outgrown tables kept; chosen keys can slow it down",
    .bodies = bodies,
    .face = &face};
