/* counter_map/count.h - where an entry's adds go, and what they come to.
 *
 * All of it inside a section, or once nobody else can reach the entry.
 */
#ifndef CKF_COUNTER_MAP_COUNT_H
#define CKF_COUNTER_MAP_COUNT_H

#include "base/step.h"
#include "counter_map/lockfree.h"

/* True: the entry, of this state, is owned by the thread of the place, which is its own. */
static inline bool ckf_entry_is_owned_by(uint64_t state, const struct ckf_place *place)
{
    return (state & CKF_ENTRY_HOME) == ckf_entry_home(CKF_ENTRY_OWNED, place->number);
}

/* Where this thread adds by a plain store, ckf_count_in; NULL: nowhere, or not yet. The state was
 * loaded inside this section. */
static inline _Atomic(uint64_t) *ckf_entry_word(struct ckf_lockfree_map *map,
                                                struct ckf_counter_entry *entry, uint64_t state,
                                                struct ckf_place *place)
{
    if ((state & CKF_ENTRY_HOT) != 0)
        return ckf_cells_mine(&map->cells, place, ckf_entry_number(state));
    return ckf_entry_is_owned_by(state, place) ? &entry->own : NULL;
}

/* The same for a thread that comes to the entry for the first time, or anew: finds a place for it. NULL: it adds to
 * `base` this time. errno is left alone. */
_Atomic(uint64_t) *ckf_lockfree_make_word(struct ckf_lockfree_map *map,
                                          struct ckf_counter_entry *entry, struct ckf_place *place);

static inline void ckf_lockfree_count_in_base(struct ckf_counter_entry *entry, uint64_t n)
{
    /* edge counter-added: release; pairs with the acquires in ckf_lockfree_all_adds(). */
    fetch_add_release(&entry->base, n);
}

/* Any add, wherever it goes. errno is left alone. */
void ckf_lockfree_count(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry, uint64_t n,
                        struct ckf_place *place);

/* All adds so far. Each part is read once and only grows: so is what this returns between their sum
 * at its start and at its end, and never less than an earlier one. */
uint64_t ckf_lockfree_all_adds(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry);

/* Since it was made or last taken. */
uint64_t ckf_lockfree_value_slowly(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry);
uint64_t ckf_lockfree_take_value(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry);

/* The same as the slow way, without cells and without a take meanwhile. */
static inline uint64_t ckf_lockfree_value(struct ckf_lockfree_map *map,
                                          struct ckf_counter_entry *entry)
{
    /* edge counter-taken: acquire; pairs with the release in ckf_lockfree_take_value(), as in
     * ckf_lockfree_value_slowly(). */
    uint64_t taken = load_acquire(&entry->taken);
    /* edge counter-added: acquire; pairs with the releases in ckf_lockfree_count_in_base() and ckf_count_in(). */
    uint64_t sum = load_acquire(&entry->base) + load_acquire(&entry->own);
    /* relaxed: a take whose sum had cells in it, and an add before this call, have seen the entry HOT, and so
     * do we; and the sum's acquires come before the second look at `taken`, after which nothing is read */
    bool is_all = (load_relaxed(&entry->state) & CKF_ENTRY_HOT) == 0;
    return CKF_LIKELY(is_all && !CKF_STEP(load_relaxed(&entry->taken) != taken))
               ? sum - taken
               : ckf_lockfree_value_slowly(map, entry);
}

#endif
