/* map_stripes.c - cells in the entry, as Java's LongAdder: a key counts in one word until two threads
 * meet at it, and in one of eight lines from then on, still by locked instructions. */
#include "candidates/map_candidate.h"

enum { STRIPES = 8 };

struct map {
    struct index index;
};

struct stripes {
    struct {
        _Atomic(uint64_t) value;
    } __attribute__((aligned(BENCH_CACHELINE_BYTES))) of[STRIPES];
};

struct entry {
    struct index_entry indexed;
    _Atomic(uint64_t) value;
    _Atomic(struct stripes *) stripes;
};

static struct entry *find_or_make(struct map *map, const struct map_key *key, uint64_t hash);

static bool init_map(struct map *map)
{
    (void)map;
    return true;
}

static void free_stripes(struct index_entry *entry, void *unused)
{
    (void)unused;
    free(atomic_load(&((struct entry *)entry)->stripes));
}

static void free_map(struct map *map)
{
    index_for_each(&map->index, free_stripes, NULL);
}

static void make_stripes(struct entry *entry)
{
    struct stripes *nothing = NULL;
    struct stripes *stripes = aligned_alloc(BENCH_CACHELINE_BYTES, sizeof(*stripes));
    if (stripes == NULL)
        return;
    memset(stripes, 0, sizeof(*stripes));
    if (!atomic_compare_exchange_strong(&entry->stripes, &nothing, stripes))
        free(stripes);
}

static bool count(struct map *map, const struct map_key *key, uint64_t hash)
{
    struct entry *entry = find_or_make(map, key, hash);
    if (entry == NULL)
        return false;
    struct stripes *stripes = atomic_load_explicit(&entry->stripes, memory_order_acquire);
    if (stripes != NULL) {
        atomic_fetch_add_explicit(&stripes->of[candidate_self % STRIPES].value, 1,
                                  memory_order_release);
        return true;
    }
    uint64_t value = atomic_load_explicit(&entry->value, memory_order_relaxed);
    if (!atomic_compare_exchange_strong_explicit(&entry->value, &value, value + 1,
                                                 memory_order_release, memory_order_relaxed)) {
        make_stripes(entry);
        atomic_fetch_add_explicit(&entry->value, 1, memory_order_release);
    }
    return true;
}

static uint64_t sum(struct map *map, struct entry *entry)
{
    (void)map;
    uint64_t total = atomic_load_explicit(&entry->value, memory_order_acquire);
    struct stripes *stripes = atomic_load_explicit(&entry->stripes, memory_order_acquire);
    for (int i = 0; stripes != NULL && i < STRIPES; i++)
        total += atomic_load_explicit(&stripes->of[i].value, memory_order_acquire);
    return total;
}

MAP_CANDIDATE(candidate_stripes, "stripes", "the table, eight lines for a key that threads meet at",
              "no removal; 512 bytes for each such key");
