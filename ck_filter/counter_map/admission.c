/* counter_map/admission.c - room for new keys, where there is a bound.
 *
 * Who makes a key links its entry first, PENDING: so a key has one entry whose fate is open, however
 * many threads make it at once, and all of them settle it alike:
 *
 *     claim    keys + 1, and the entry as the last one, in one step
 *     settle   the last one's PENDING goes; nobody claims before
 *     refuse   while the map is full, all claims settled: PENDING becomes PENDING and DEAD
 *
 * An entry may be refused while a slow helper claims for it: then the claim is undone when it would
 * be settled. Nobody waits: each step can be done by anybody who needs it done. The number of
 * changes in `low` keeps a slow helper from claiming twice.
 *
 * Invariant: keys = entries that are in, dying ones included, + 1 while a claim is open.
 */
#include "base/step.h"
#include "counter_map/lockfree.h"

static const uint64_t ONE_CHANGE = UINT64_C(1) << 40;

static uint64_t keys_of(uint64_t low)
{
    return low & (ONE_CHANGE - 1);
}

static bool change_admission(struct ckf_lockfree_map *map, uint64_t low, uint64_t last,
                             uint64_t keys, uint64_t new_last)
{
    uint64_t new_low = (low & ~(ONE_CHANGE - 1)) + ONE_CHANGE + keys_of(keys_of(low) + keys);
    /* edge key-admitted: release (seq_cst); pairs with the acquires in read_admission(). */
    return ckf_wide_cas(&map->admission, low, last, new_low, new_last);
}

/* What `low` and `high` were at one moment. */
static bool read_admission(struct ckf_lockfree_map *map, uint64_t *low, uint64_t *last)
{
    /* edge key-admitted: acquire; pairs with the release in change_admission(): the keys
     * that fill the map can be found. */
    *low = load_acquire(&map->admission.low);
    /* edge key-admitted: acquire, as above.
     * edge fence-passed: seq_cst, for a store->load race: this section's beginning against this. */
    *last = load_seq_cst(&map->admission.high);
    /* relaxed: only compared; each change makes another number */
    return !CKF_STEP(load_relaxed(&map->admission.low) != *low);
}

/* True if the claim for the last entry was open. Inside a section, which keeps that in memory. */
static bool settle(struct ckf_lockfree_map *map, uint64_t low, uint64_t last)
{
    struct ckf_counter_entry *entry = (struct ckf_counter_entry *)(uintptr_t)last;
    if (entry == NULL)
        return false;
    uint64_t state = load_relaxed(&entry->state); /* relaxed: says what to do, no more */
    if ((state & CKF_ENTRY_PENDING) == 0)
        return false;
    if ((state & CKF_ENTRY_DEAD) != 0)
        (void)change_admission(map, low, last, (uint64_t)-1, 0);
    else
        /* edge entry-settled: release; pairs with the acquires in removal.c, of who will take the entry
         * out and so must know that it was the last one. */
        (void)cas_release(&entry->state, &state, state & ~(uint64_t)CKF_ENTRY_PENDING);
    return true;
}

bool ckf_lockfree_is_full(struct ckf_lockfree_map *map)
{
    uint64_t low, last;
    if (map->common.is_ending)
        return true;
    if (!ckf_lockfree_is_bounded(map))
        return false;
    for (;;) {
        if (!read_admission(map, &low, &last))
            continue;
        if (keys_of(low) < map->common.max_keys)
            return false;
        if (!CKF_STEP(settle(map, low, last)))
            return true;
    }
}

bool ckf_lockfree_refuse(struct ckf_counter_entry *entry)
{
    /* relaxed: the word alone decides between this and a settlement, and nobody ever looked into the entry */
    uint64_t state = load_relaxed(&entry->state);
    return (state & (CKF_ENTRY_PENDING | CKF_ENTRY_DEAD)) == CKF_ENTRY_PENDING &&
           cas_relaxed(&entry->state, &state, state | CKF_ENTRY_DEAD);
}

bool ckf_lockfree_admit(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    for (;;) {
        uint64_t low, last;
        if (!read_admission(map, &low, &last) || CKF_STEP(settle(map, low, last)))
            continue;
        uint64_t state = load_relaxed(&entry->state); /* relaxed: as in settle() */
        if ((state & CKF_ENTRY_PENDING) == 0)
            return true;
        if ((state & CKF_ENTRY_DEAD) != 0)
            return false;
        if (keys_of(low) < map->common.max_keys)
            (void)change_admission(map, low, last, 1, (uintptr_t)entry);
        else
            (void)ckf_lockfree_refuse(entry);
    }
}

void ckf_lockfree_forget(struct ckf_lockfree_map *map, const struct ckf_counter_entry *entry)
{
    uint64_t low, last;
    while (!read_admission(map, &low, &last) ||
           (last == (uintptr_t)entry && !change_admission(map, low, last, 0, 0)))
        ;
}

void ckf_lockfree_leave(struct ckf_lockfree_map *map)
{
    uint64_t low, last;
    if (ckf_lockfree_is_bounded(map))
        while (!read_admission(map, &low, &last) ||
               !change_admission(map, low, last, (uint64_t)-1, last))
            ;
}

void ckf_lockfree_settle_claim(struct ckf_lockfree_map *map)
{
    /* relaxed: the child has one thread */
    (void)settle(map, load_relaxed(&map->admission.low), load_relaxed(&map->admission.high));
}

void ckf_lockfree_set_keys(struct ckf_lockfree_map *map, uint64_t keys)
{
    /* relaxed: the child has one thread */
    uint64_t low = load_relaxed(&map->admission.low);
    (void)change_admission(map, low, load_relaxed(&map->admission.high), keys - keys_of(low), 0);
}
