/* candidates/map_candidate.h - counter maps that the library's could have been: what they share.
 *
 * All candidates have one index: 64 tables that are read without a lock and changed under one, outgrown
 * tables kept to the end. What differs is where an add to a key that is there counts: a candidate
 * includes this file, writes count() and sum(), may have a struct entry and a struct map of its own, and
 * ends with MAP_CANDIDATE(...). Keys are 16 bytes; nothing is ever removed.
 */
#ifndef CKF_BENCH_MAP_CANDIDATE_H
#define CKF_BENCH_MAP_CANDIDATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "candidates/suites.h"
#include "cases/map_bodies.h"

enum { INDEX_SHARDS = 64, INDEX_SHARD_SHIFT = 58, FIRST_SLOTS = 16 };

/* The first member of each candidate's entry. */
struct index_entry {
    struct map_key key;
    uint64_t hash;
};

struct index_table {
    struct index_table *outgrown;
    size_t mask;
    _Atomic(struct index_entry *) slots[];
};

struct index {
    struct index_shard {
        _Atomic(struct index_table *) table;
        pthread_mutex_t lock; /* of who makes keys, and the count */
        size_t count;
    } __attribute__((aligned(2 * BENCH_CACHELINE_BYTES))) shards[INDEX_SHARDS];
};

/* Who is calling: set by each body, so that candidates need not number threads. */
static _Thread_local unsigned candidate_self;

static inline uint64_t index_hash(const struct map_key *key)
{
    return bench_mix(key->words[0] ^ (key->words[1] * UINT64_C(0xd6e8feb86659fd93)));
}

static inline struct index_table *index_table_of(size_t slots)
{
    struct index_table *table = calloc(1, sizeof(*table) + slots * sizeof(table->slots[0]));
    if (table != NULL)
        table->mask = slots - 1;
    return table;
}

static inline bool index_init(struct index *index)
{
    for (int i = 0; i < INDEX_SHARDS; i++) {
        struct index_table *table = index_table_of(FIRST_SLOTS);
        if (table == NULL)
            return false;
        atomic_init(&index->shards[i].table, table);
        pthread_mutex_init(&index->shards[i].lock, NULL);
    }
    return true;
}

static inline void index_for_each(struct index *index,
                                  void (*visit)(struct index_entry *entry, void *argument),
                                  void *argument)
{
    for (int i = 0; i < INDEX_SHARDS; i++) {
        struct index_table *table = atomic_load(&index->shards[i].table);
        for (size_t at = 0; table != NULL && at <= table->mask; at++) {
            struct index_entry *entry =
                atomic_load_explicit(&table->slots[at], memory_order_acquire);
            if (entry != NULL)
                visit(entry, argument);
        }
    }
}

static inline void index_free_entry(struct index_entry *entry, void *unused)
{
    (void)unused;
    free(entry);
}

static inline void index_destroy(struct index *index)
{
    index_for_each(index, index_free_entry, NULL);
    for (int i = 0; i < INDEX_SHARDS; i++) {
        struct index_table *table = atomic_load(&index->shards[i].table), *next;
        for (; table != NULL; table = next) {
            next = table->outgrown;
            free(table);
        }
        pthread_mutex_destroy(&index->shards[i].lock);
    }
}

static inline struct index_entry *index_find(struct index *index, const struct map_key *key,
                                             uint64_t hash)
{
    struct index_shard *shard = &index->shards[hash >> INDEX_SHARD_SHIFT];
    struct index_table *table = atomic_load_explicit(&shard->table, memory_order_acquire);
    for (size_t at = hash & table->mask;; at = (at + 1) & table->mask) {
        struct index_entry *entry = atomic_load_explicit(&table->slots[at], memory_order_acquire);
        if (entry == NULL || (entry->hash == hash && entry->key.words[0] == key->words[0] &&
                              entry->key.words[1] == key->words[1]))
            return entry;
    }
}

static inline void index_put(struct index_table *table, struct index_entry *entry)
{
    size_t at = entry->hash & table->mask;
    while (atomic_load_explicit(&table->slots[at], memory_order_relaxed) != NULL)
        at = (at + 1) & table->mask;
    atomic_store_explicit(&table->slots[at], entry, memory_order_release);
}

static inline bool index_grow(struct index_shard *shard, struct index_table *table)
{
    struct index_table *larger = index_table_of(2 * (table->mask + 1));
    if (larger == NULL)
        return false;
    for (size_t at = 0; at <= table->mask; at++) {
        struct index_entry *entry = atomic_load(&table->slots[at]);
        if (entry != NULL)
            index_put(larger, entry);
    }
    larger->outgrown = table;
    atomic_store_explicit(&shard->table, larger, memory_order_release);
    return true;
}

/* The entry of a key that was not there: another thread's, or a zeroed one of this size. */
static inline struct index_entry *index_make(struct index *index, const struct map_key *key,
                                             uint64_t hash, size_t size)
{
    struct index_shard *shard = &index->shards[hash >> INDEX_SHARD_SHIFT];
    pthread_mutex_lock(&shard->lock);
    struct index_entry *entry = index_find(index, key, hash);
    if (entry == NULL && (entry = calloc(1, size)) != NULL) {
        struct index_table *table = atomic_load(&shard->table);
        *entry = (struct index_entry){*key, hash};
        if (shard->count * 2 > table->mask && !index_grow(shard, table)) {
            free(entry);
            entry = NULL;
        } else {
            shard->count++;
            index_put(atomic_load(&shard->table), entry);
        }
    }
    pthread_mutex_unlock(&shard->lock);
    return entry;
}

/* The candidate has a struct map that begins with a struct index, a struct entry that begins with a
 * struct index_entry, init_map() and free_map() for the rest of it, count() and sum(). */
#define MAP_CANDIDATE(symbol, name_, label_, note_)                                                \
    static void *create(size_t keys_expected, bool u64_keys)                                       \
    {                                                                                              \
        (void)keys_expected;                                                                       \
        size_t align = 2 * BENCH_CACHELINE_BYTES;                                                  \
        struct map *map = aligned_alloc(align, (sizeof(*map) + align - 1) / align * align);        \
        if (u64_keys || map == NULL)                                                               \
            return NULL;                                                                           \
        memset(map, 0, sizeof(*map));                                                              \
        return index_init(&map->index) && init_map(map) ? map : NULL;                              \
    }                                                                                              \
    static void destroy(void *argument)                                                            \
    {                                                                                              \
        struct map *map = argument;                                                                \
        free_map(map);                                                                             \
        index_destroy(&map->index);                                                                \
        free(map);                                                                                 \
    }                                                                                              \
    static struct entry *find_or_make(struct map *map, const struct map_key *key, uint64_t hash)   \
    {                                                                                              \
        struct index_entry *entry = index_find(&map->index, key, hash);                            \
        if (entry == NULL)                                                                         \
            entry = index_make(&map->index, key, hash, sizeof(struct entry));                      \
        return (struct entry *)entry;                                                              \
    }                                                                                              \
    static bool add(void *argument, const struct map_key *key)                                     \
    {                                                                                              \
        return count(argument, key, index_hash(key));                                              \
    }                                                                                              \
    static bool get(void *argument, const struct map_key *key, uint64_t *value)                    \
    {                                                                                              \
        struct map *map = argument;                                                                \
        struct index_entry *entry = index_find(&map->index, key, index_hash(key));                 \
        *value = entry == NULL ? 0 : sum(map, (struct entry *)entry);                              \
        return entry != NULL;                                                                      \
    }                                                                                              \
    struct seen {                                                                                  \
        struct map *map;                                                                           \
        size_t keys;                                                                               \
        uint64_t sum;                                                                              \
    };                                                                                             \
    static void see(struct index_entry *entry, void *argument)                                     \
    {                                                                                              \
        struct seen *seen = argument;                                                              \
        seen->keys++;                                                                              \
        seen->sum += sum(seen->map, (struct entry *)entry);                                        \
    }                                                                                              \
    static size_t snapshot(void *argument, uint64_t *total)                                        \
    {                                                                                              \
        struct seen seen = {.map = argument};                                                      \
        index_for_each(&seen.map->index, see, &seen);                                              \
        *total = seen.sum;                                                                         \
        return seen.keys;                                                                          \
    }                                                                                              \
    MAP_CANDIDATE_BODY(add_body, map_add(run, state, add))                                         \
    MAP_CANDIDATE_BODY(get_body, map_get(run, state, get))                                         \
    MAP_CANDIDATE_BODY(add_new_body, map_add_new(run, state, add))                                 \
    MAP_CANDIDATE_BODY(snapshot_body, map_snapshot(run, state, snapshot))                          \
    MAP_CANDIDATE_BODY(adds_beside_body, map_adds_beside(run, state, add))                         \
    static const bench_body bodies[MAP_ROLES] = {[MAP_ADD] = add_body,                             \
                                                 [MAP_GET] = get_body,                             \
                                                 [MAP_ADD_NEW] = add_new_body,                     \
                                                 [MAP_SNAPSHOT] = snapshot_body,                   \
                                                 [MAP_ADDS_BESIDE] = adds_beside_body};            \
    static const struct map_face face = {                                                          \
        .create = create, .destroy = destroy, .add = add, .snapshot = snapshot};                   \
    const struct bench_contestant symbol = {                                                       \
        .name = (name_), .label = (label_), .note = (note_), .bodies = bodies, .face = &face}

#define MAP_CANDIDATE_BODY(name, call)                                                             \
    static void name(struct bench_run *run, void *state)                                           \
    {                                                                                              \
        candidate_self = bench_thread(run);                                                        \
        call;                                                                                      \
    }

#endif
