/* tests/orders/map_keys.c - what scenes of the map's index do with their keys. */
#include "map_keys.h"

#include "counter_map/count.h"

#include "base/memory.h"

struct ckf_counter_map *make_map_of(struct ckf_stress_run *run, size_t max_keys)
{
    struct ckf_counter_map *map = NULL;
    struct ckf_counter_map_options options = {.variant = CKF_VARIANT_ATOMIC, .max_keys = max_keys};
    expect(run, ckf_counter_map_create(&map, &options) == CKF_OK);
    return map;
}

void add_key(struct ckf_stress_run *run, struct ckf_counter_map *map, struct ckf_counter_key key)
{
    expect(run, ckf_counter_lockfree_add(map, &key, 1) == CKF_OK);
}

void free_replaced(struct ckf_counter_map *map)
{
    struct ckf_counter_index *index = &ckf_lockfree(map)->index;
    ckf_free(index->replaced); /* one, at the most */
    index->replaced = NULL;
    keep_next(map);
}

void put_key(struct ckf_stress_run *run, struct ckf_counter_map *map, struct ckf_counter_key key)
{
    add_key(run, map, key);
    free_replaced(map);
}

/* They go by two. */
void give_back_next(struct ckf_counter_map *map)
{
    ckf_lockfree(map)->index.replaced_count = 1;
}

void keep_next(struct ckf_counter_map *map)
{
    ckf_lockfree(map)->index.replaced_count = 0;
}

uint64_t value_of_key(struct ckf_counter_map *map, struct ckf_counter_key key)
{
    uint64_t value = 0;
    (void)ckf_counter_lockfree_get(map, &key, &value);
    return value;
}

uint64_t remove_key(struct ckf_counter_map *map, struct ckf_counter_key key)
{
    uint64_t value = 0;
    (void)ckf_counter_lockfree_remove(map, &key, &value);
    return value;
}

struct ckf_counter *pin_key(struct ckf_stress_run *run, struct ckf_counter_map *map,
                            struct ckf_counter_key key)
{
    struct ckf_counter *counter = NULL;
    expect(run, ckf_counter_lockfree_handle(map, &key, &counter) == CKF_OK);
    fetch_add_relaxed(&map->handles, 1); /* as the door does */
    return counter;
}

struct ckf_counter_entry *make_entry(struct ckf_stress_run *run, struct ckf_counter_map *map,
                                     struct ckf_counter_key key, uint64_t state)
{
    struct ckf_counter_entry *entry = ckf_lockfree_make_entry(ckf_lockfree(map), &key, 1, state);
    expect(run, entry != NULL);
    return entry;
}

void link_entry(struct ckf_stress_run *run, struct ckf_counter_map *map,
                struct ckf_counter_entry *entry)
{
    struct ckf_place *place = ckf_lockfree_begin(ckf_lockfree(map));
    expect(run, ckf_counter_index_insert(&ckf_lockfree(map)->index, entry) == entry);
    ckf_section_end(place);
}

struct ckf_counter_entry *mark_dead(struct ckf_counter_map *map, struct ckf_counter_key key)
{
    struct ckf_place *place = ckf_lockfree_begin(ckf_lockfree(map));
    struct ckf_counter_entry *entry = ckf_counter_index_find(&ckf_lockfree(map)->index, &key);
    fetch_or_seq_cst(&entry->state, (uint64_t)CKF_ENTRY_DEAD);
    ckf_section_end(place);
    return entry;
}

void unlink_entry(struct ckf_counter_map *map, struct ckf_counter_entry *entry)
{
    ckf_counter_index_unlink(&ckf_lockfree(map)->index, &ckf_lockfree(map)->fence, entry);
}

void unlink_and_free(struct ckf_counter_map *map, struct ckf_counter_entry *entry)
{
    unlink_entry(map, entry);
    ckf_section_wait_behind(&ckf_lockfree(map)->fence);
    ckf_lockfree_free_entry(ckf_lockfree(map), entry);
}

static void note_entry(struct ckf_counter_entry *entry, void *arg)
{
    *(struct ckf_counter_entry **)arg = entry;
}

struct ckf_counter_entry *only_entry(struct ckf_counter_map *map)
{
    struct ckf_counter_entry *entry = NULL;
    ckf_lockfree_for_each(ckf_lockfree(map), CKF_ENTRY_UNFOUND, note_entry, &entry);
    return entry;
}

uint64_t finish_removal(struct ckf_counter_map *map, struct ckf_counter_entry *entry)
{
    ckf_section_wait();
    uint64_t adds = ckf_lockfree_all_adds(ckf_lockfree(map), entry);
    ckf_lockfree_detach(ckf_lockfree(map), entry);
    return adds;
}

uint64_t end_map_of(struct ckf_counter_map *map, struct ckf_counter *counter, const char *key,
                    size_t length)
{
    uint64_t left = 0;
    if (counter != NULL)
        ckf_counter_release(counter);
    (void)!ckf_counter_map_get(map, key, length, &left);
    ckf_counter_map_destroy(map);
    return left;
}

void add_neighbours(struct ckf_stress_run *run, struct ckf_counter_map *map, unsigned count)
{
    static const char letters[] = "0123456789";
    for (unsigned i = 0; i < count; i++)
        put_key(run, map, KEY_AT(&letters[i], 0, 1, i));
}

void seal_leaf_of(struct ckf_counter_map *map, struct ckf_counter_key key)
{
    unsigned shift = 64 - CKF_INDEX_BITS;
    struct ckf_counter_link *links = ckf_lockfree(map)->index.roots;
    uintptr_t link;
    while (((link = load_relaxed(&links[key.hash >> shift & (CKF_INDEX_FANOUT - 1)].word)) &
            CKF_LINK_INNER) != 0) {
        links = ckf_address_in(link);
        shift -= CKF_INDEX_BITS;
    }
    seal_leaf(link);
}

void seal_leaf(uintptr_t link)
{
    store_relaxed(ckf_leaf_mark(link), true);
    for (uint64_t i = 0; i <= ckf_leaf_mask(link); i++)
        if (load_relaxed(&ckf_leaf_slots(link)[i]) == 0)
            store_relaxed(&ckf_leaf_slots(link)[i], CKF_SLOT_SEALED);
}

void raise_fence(struct ckf_counter_map *map)
{
    ckf_section_wait_behind(&ckf_lockfree(map)->fence);
}

void await_lowering(struct ckf_stress_run *run, struct ckf_counter_map *map)
{
    while (ckf_sections.are_light &&
           ckf_fence_mode_in(load_relaxed(&ckf_lockfree(map)->fence.light.word)) != CKF_FENCE_DOWN)
        ckf_stress_spin(run);
}

void await_wait(struct ckf_stress_run *run, uint64_t phase_before)
{
    while (load_relaxed(&ckf_sections.phase) == phase_before)
        ckf_stress_spin(run);
}

void reach(_Atomic(bool) *stage)
{
    store_relaxed(stage, true);
}

void await(struct ckf_stress_run *run, _Atomic(bool) *stage)
{
    while (!load_relaxed(stage))
        ckf_stress_spin(run);
}

void lower_fence_of(struct ckf_counter_map *map)
{
    struct ckf_place *place = ckf_section_begin();
    place->ticks = UINT32_MAX;
    ckf_section_pass_slowly(&ckf_lockfree(map)->fence, place);
    ckf_section_end(place);
}
