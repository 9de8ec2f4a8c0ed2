/* filter/id_index.c - linear probing over a table that is at most half full.
 *
 * The mixer is the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) over the id and a
 * secret seed. Ids are never removed one by one.
 */
#include "filter/id_index.h"

#include <string.h>

#include "base/doubling.h"
#include "base/memory.h"
#include "base/random.h"

enum { MIN_SIZE = 16 };

static size_t home(const struct ckf_id_index *index, uint32_t id)
{
    uint64_t z = id ^ index->seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)(z ^ (z >> 31)) & (index->size - 1);
}

/* The entry of id, or the free one where it belongs. */
static struct ckf_id_entry *locate(const struct ckf_id_index *index, uint32_t id)
{
    size_t at = home(index, id);
    while (index->entries[at].id != 0 && index->entries[at].id != id)
        at = (at + 1) & (index->size - 1);
    return &index->entries[at];
}

bool ckf_id_index_reserve(struct ckf_id_index *index, size_t more)
{
    size_t wanted = index->used + more;
    if (wanted <= index->size / 2)
        return true;
    size_t size = index->size == 0 ? MIN_SIZE : index->size;
    struct ckf_id_index larger = {.size = ckf_doubled_to(size, 2 * wanted)};
    larger.entries = ckf_alloc_array(larger.size, sizeof *larger.entries);
    if (larger.entries == NULL)
        return false;
    ckf_random_bytes(&larger.seed, sizeof larger.seed);
    for (size_t i = 0; i < index->size; i++)
        if (index->entries[i].id != 0)
            ckf_id_index_insert(&larger, index->entries[i].id, index->entries[i].value);
    ckf_free(index->entries);
    *index = larger;
    return true;
}

void ckf_id_index_insert(struct ckf_id_index *index, uint32_t id, uint32_t value)
{
    *locate(index, id) = (struct ckf_id_entry){id, value};
    index->used++;
}

bool ckf_id_index_find(const struct ckf_id_index *index, uint32_t id, uint32_t *value)
{
    if (index->used == 0)
        return false;
    const struct ckf_id_entry *entry = locate(index, id);
    if (entry->id == 0)
        return false;
    *value = entry->value;
    return true;
}

void ckf_id_index_clear(struct ckf_id_index *index)
{
    if (index->size != 0)
        memset(index->entries, 0, index->size * sizeof *index->entries);
    index->used = 0;
}

void ckf_id_index_destroy(struct ckf_id_index *index)
{
    ckf_free(index->entries);
    *index = (struct ckf_id_index){0};
}
