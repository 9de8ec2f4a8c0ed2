/* map_table.c - one word in the entry, for everybody: the candidates' index, and nothing else. */
#include "candidates/map_candidate.h"

struct map {
    struct index index;
};

struct entry {
    struct index_entry indexed;
    _Atomic(uint64_t) value;
};

static struct entry *find_or_make(struct map *map, const struct map_key *key, uint64_t hash);

static bool init_map(struct map *map)
{
    (void)map;
    return true;
}

static void free_map(struct map *map)
{
    (void)map;
}

static bool count(struct map *map, const struct map_key *key, uint64_t hash)
{
    struct entry *entry = find_or_make(map, key, hash);
    if (entry != NULL)
        atomic_fetch_add_explicit(&entry->value, 1, memory_order_release);
    return entry != NULL;
}

static uint64_t sum(struct map *map, struct entry *entry)
{
    (void)map;
    return atomic_load_explicit(&entry->value, memory_order_acquire);
}

MAP_CANDIDATE(candidate_table, "table", "64 tables read without a lock, an atomic add",
              "no removal, outgrown tables are kept; chosen keys can slow it down");
