/* map_front.c - a bounded cache of counts for each thread, over words in the entries.
 *
 * A key that sits in its thread's slot counts there, by a plain store; any other one counts in its entry
 * and wears the resident key down, until it takes its place. A count moves from slot to entry then, so
 * a sum looks whether one of its key's counts has moved meanwhile, and looks again.
 */
#include "candidates/map_candidate.h"

enum { CACHE_SLOTS = 2048, CREDIT = 8 };

struct entry {
    struct index_entry indexed;
    _Atomic(uint64_t) value;
    _Atomic(uint32_t) moves_begun, moves_ended;
};

struct slot {
    _Atomic(struct entry *) entry;
    _Atomic(uint64_t) count;
    struct map_key key;
    uint64_t hash;
    unsigned credit;
} __attribute__((aligned(BENCH_CACHELINE_BYTES)));

struct map {
    struct index index;
    struct slot *caches[BENCH_MAX_THREADS];
};

static struct entry *find_or_make(struct map *map, const struct map_key *key, uint64_t hash);

static bool init_map(struct map *map)
{
    size_t size = CACHE_SLOTS * sizeof(struct slot);
    for (int i = 0; i < BENCH_MAX_THREADS; i++) {
        map->caches[i] = aligned_alloc(BENCH_CACHELINE_BYTES, size);
        if (map->caches[i] == NULL)
            return false;
        memset(map->caches[i], 0, size);
    }
    return true;
}

static void free_map(struct map *map)
{
    for (int i = 0; i < BENCH_MAX_THREADS; i++)
        free(map->caches[i]);
}

static void evict(struct slot *slot, struct entry *entry)
{
    atomic_fetch_add(&entry->moves_begun, 1);
    atomic_fetch_add(&entry->value, atomic_load(&slot->count));
    atomic_store(&slot->entry, NULL);
    atomic_fetch_add(&entry->moves_ended, 1);
    atomic_store(&slot->count, 0);
}

static void settle(struct slot *slot, struct entry *entry, const struct map_key *key, uint64_t hash)
{
    struct entry *resident = atomic_load_explicit(&slot->entry, memory_order_relaxed);
    if (resident != NULL)
        evict(slot, resident);
    slot->key = *key;
    slot->hash = hash;
    slot->credit = CREDIT;
    atomic_store_explicit(&slot->entry, entry, memory_order_release);
}

static bool count(struct map *map, const struct map_key *key, uint64_t hash)
{
    struct slot *slot = &map->caches[candidate_self][hash % CACHE_SLOTS];
    bool taken = atomic_load_explicit(&slot->entry, memory_order_relaxed) != NULL;
    if (taken && slot->hash == hash && slot->key.words[0] == key->words[0] &&
        slot->key.words[1] == key->words[1]) {
        uint64_t so_far = atomic_load_explicit(&slot->count, memory_order_relaxed);
        atomic_store_explicit(&slot->count, so_far + 1, memory_order_release);
        if (slot->credit < CREDIT)
            slot->credit++;
        return true;
    }
    struct entry *entry = find_or_make(map, key, hash);
    if (entry == NULL)
        return false;
    atomic_fetch_add_explicit(&entry->value, 1, memory_order_release);
    if (!taken || slot->credit-- == 0)
        settle(slot, entry, key, hash);
    return true;
}

static uint64_t sum(struct map *map, struct entry *entry)
{
    for (;;) {
        uint32_t ended = atomic_load(&entry->moves_ended);
        uint64_t total = atomic_load(&entry->value);
        for (int i = 0; i < BENCH_MAX_THREADS; i++) {
            struct slot *slot = &map->caches[i][entry->indexed.hash % CACHE_SLOTS];
            if (atomic_load(&slot->entry) == entry)
                total += atomic_load(&slot->count);
        }
        if (atomic_load(&entry->moves_begun) == ended)
            return total;
    }
}

MAP_CANDIDATE(candidate_front, "front", "the table, a cache of counts for each thread",
              "no removal; 128 KiB for each thread; a read looks into each thread's cache");
