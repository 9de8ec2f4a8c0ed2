/* peers/chained_map.h - a chained hash table of counters, without any lock: the body of the two maps
 * that a C program writes for itself. Doubles when it is full; not safe against chosen keys. */
#ifndef CKF_BENCH_CHAINED_MAP_H
#define CKF_BENCH_CHAINED_MAP_H

#include <stdlib.h>

#include "cases/map_bodies.h"

struct chained_entry {
    struct chained_entry *next;
    struct map_key key;
    uint64_t value;
};

struct chained_map {
    struct chained_entry **buckets;
    size_t mask, count;
};

static inline size_t chained_hash(const struct map_key *key)
{
    return (size_t)bench_mix(key->words[0] ^ (key->words[1] * UINT64_C(0xd6e8feb86659fd93)));
}

static inline bool chained_init(struct chained_map *map)
{
    *map = (struct chained_map){.mask = 63};
    map->buckets = calloc(map->mask + 1, sizeof(*map->buckets));
    return map->buckets != NULL;
}

static inline void chained_destroy(struct chained_map *map)
{
    for (size_t i = 0; i <= map->mask; i++) {
        for (struct chained_entry *entry = map->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            free(entry);
        }
    }
    free(map->buckets);
}

static inline struct chained_entry *chained_find(const struct chained_map *map,
                                                 const struct map_key *key)
{
    struct chained_entry *entry = map->buckets[chained_hash(key) & map->mask];
    while (entry != NULL &&
           (entry->key.words[0] != key->words[0] || entry->key.words[1] != key->words[1]))
        entry = entry->next;
    return entry;
}

/* Without memory it stays as small as it is. */
static inline void chained_grow(struct chained_map *map)
{
    size_t mask = map->mask * 2 + 1;
    struct chained_entry **buckets = calloc(mask + 1, sizeof(*buckets));
    if (buckets == NULL)
        return;
    for (size_t i = 0; i <= map->mask; i++) {
        for (struct chained_entry *entry = map->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            struct chained_entry **bucket = &buckets[chained_hash(&entry->key) & mask];
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    free(map->buckets);
    map->buckets = buckets;
    map->mask = mask;
}

static inline bool chained_add(struct chained_map *map, const struct map_key *key)
{
    struct chained_entry *entry = chained_find(map, key);
    if (entry != NULL) {
        entry->value++;
        return true;
    }
    entry = malloc(sizeof(*entry));
    if (entry == NULL)
        return false;
    if (map->count++ > map->mask)
        chained_grow(map);
    struct chained_entry **bucket = &map->buckets[chained_hash(key) & map->mask];
    *entry = (struct chained_entry){.next = *bucket, .key = *key, .value = 1};
    *bucket = entry;
    return true;
}

static inline size_t chained_snapshot(const struct chained_map *map, uint64_t *sum)
{
    *sum = 0;
    for (size_t i = 0; i <= map->mask; i++)
        for (const struct chained_entry *entry = map->buckets[i]; entry != NULL;
             entry = entry->next)
            *sum += entry->value;
    return map->count;
}

#endif
