/* counter_map/entry.c - the life of an entry's memory.
 *
 * Roles:      makers, from an add; the removal, and handles, the last of which gives it back.
 * Invariant:  an entry is given back once it is detached and nobody pins it; after one more grace
 *             period if a handle has ever pinned it, since another thread may look at it through the
 *             same handle.
 */
#include <stddef.h>

#include "base/effort.h"
#include "base/memory.h"
#include "base/step.h"
#include "counter_map/lockfree.h"
#include "sync/section.h"

/* What this thread has set aside; NULL: it has no row. */
static struct ckf_block_run *run_of_thread(struct ckf_lockfree_map *map)
{
    struct ckf_place *place = ckf_thread_place;
    if (place == NULL)
        return NULL;
    struct ckf_cell_row *row = ckf_cells_row(&map->cells, place);
    return row != NULL ? &row->blocks : NULL;
}

static struct ckf_counter_entry *make_loose(struct ckf_lockfree_map *map, size_t length)
{
    size_t size = ckf_entry_loose_offset(length) + sizeof(struct ckf_counter_loose);
    struct ckf_counter_entry *entry = ckf_alloc_aligned(size, CKF_ENTRY_ALIGN);
    if (entry == NULL)
        return NULL;
    entry->length = (uint32_t)length;
    ckf_entry_loose(entry)->map = map;
    /* relaxed: read by destroy, which is ordered after all calls */
    if (!load_relaxed(&map->has_loose))
        store_relaxed(&map->has_loose, true);
    return entry;
}

/* Zeroed but for where it lies. */
static struct ckf_counter_entry *make_blank(struct ckf_lockfree_map *map, size_t length)
{
    void *block;
    unsigned group_bits;
    if (CKF_WATCHES_MEMORY || !ckf_entry_fits_in_block(length) ||
        !ckf_blocks_take(&map->blocks, run_of_thread(map), &block, &group_bits))
        return make_loose(map, length);
    struct ckf_counter_entry *entry = block;
    if (entry != NULL)
        entry->group_bits = (unsigned char)group_bits;
    return entry;
}

struct ckf_counter_entry *ckf_lockfree_make_entry(struct ckf_lockfree_map *map,
                                                  const struct ckf_counter_key *key, uint64_t n,
                                                  uint64_t state)
{
    struct ckf_counter_entry *entry = make_blank(map, key->length);
    if (entry == NULL)
        return NULL;
    entry->hash = key->hash;
    entry->length = (uint32_t)key->length;
    memcpy(entry->bytes, key->bytes, key->length);
    atomic_init(&entry->was_touched, true);
    atomic_init(&entry->base, n);
    atomic_init(&entry->state, state);
    if (CKF_UNLIKELY(!ckf_address_fits(entry))) {
        ckf_lockfree_free_entry(map, entry);
        return NULL;
    }
    return entry;
}

void ckf_lockfree_free_at_end(struct ckf_counter_entry *entry)
{
    if (entry->group_bits == 0)
        ckf_free(entry);
}

void ckf_lockfree_free_entry(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    if (entry->group_bits != 0)
        ckf_blocks_give_back(&map->blocks, run_of_thread(map), entry, entry->group_bits);
    else
        ckf_free(entry);
}

static void reclaim_entry(struct ckf_retired *retired)
{
    char *address = (char *)retired - offsetof(struct ckf_counter_entry, retired);
    struct ckf_counter_entry *entry = (struct ckf_counter_entry *)(void *)address;
    ckf_section_wait_for_retired();
    ckf_lockfree_free_entry(ckf_entry_map(entry), entry);
}

void ckf_lockfree_retire(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* relaxed: read by destroy, which is ordered after all calls */
    store_relaxed(&map->has_retired, true);
    ckf_retire(&entry->retired, reclaim_entry);
}

void ckf_lockfree_detach(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* relaxed: whoever pinned it did so before it was marked dead */
    if ((load_relaxed(&entry->state) & CKF_ENTRY_HAD_HANDLE) == 0)
        ckf_lockfree_free_entry(map, entry);
    /* edge entry-left: acq_rel; pairs with the acq_rel in ckf_lockfree_unpin(): the last one frees. */
    else if (fetch_or_acq_rel(&entry->state, CKF_ENTRY_DETACHED) < CKF_ENTRY_ONE_PIN)
        ckf_lockfree_retire(map, entry);
}

bool ckf_lockfree_pin(struct ckf_counter_entry *entry)
{
    uint64_t state = load_relaxed(&entry->state);
    do {
        if (CKF_STEP((state & CKF_ENTRY_DEAD) != 0))
            return false;
        /* relaxed: who pins is inside a section and has the entry's contents already */
    } while (
        !cas_relaxed(&entry->state, &state, (state + CKF_ENTRY_ONE_PIN) | CKF_ENTRY_HAD_HANDLE));
    return true;
}

void ckf_lockfree_unpin(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge entry-left: acq_rel; pairs with the acq_rel in ckf_lockfree_detach() and with itself. */
    uint64_t state = fetch_sub_acq_rel(&entry->state, CKF_ENTRY_ONE_PIN);
    if ((state & CKF_ENTRY_DETACHED) != 0 && state < 2 * CKF_ENTRY_ONE_PIN)
        ckf_lockfree_retire(map, entry);
}
