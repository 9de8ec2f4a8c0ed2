/* counter_map/removal.c - how keys go: remove, expire, the end of the map, and forks.
 *
 * Roles:      removers, who meet under the `removal` lock; whoever forks, who holds it.
 * Invariant:  each entry is in exactly one place: linked in the index, on the list of the dying, or
 *             summed up in `gone_total`; it changes place under the lock. So the total never counts
 *             an entry twice or not at all.
 * Removal:    shut the fronts and disarm handles, so that who sees the key gone finds no word of it; mark DEAD, unlink,
 *             enlist, open the fronts under a new tag; wait for the sections, after which no add can reach the
 *             entry any more, so that its value is final; sum it up; report it; detach it.
 * Fork:       in the child the dying are buried: their values count in overflow, because who would
 *             have returned them is not there.
 */
#include <pthread.h>

#include "base/step.h"
#include "counter_map/count.h"
#include "counter_map/lockfree.h"
#include "sync/section.h"

/* Entries whose removal goes on together, linked through their `next`. */
struct batch {
    struct ckf_counter_entry *first;
    size_t count;
    bool were_armed; /* handles led to words of some of them */
};

/* Under the lock, the entry marked DEAD. */
static void add_to_batch(struct ckf_counter_entry *entry, struct batch *batch)
{
    ckf_entry_rest(entry)->next = batch->first;
    batch->first = entry;
    batch->count++;
}

/* Under the lock: before keys are marked, and again afterwards, before their removal ends. What an iteration has
 * listed may be out of date from then on, and while the number is odd or moves it may list a key twice. */
static void note_removals(struct ckf_lockfree_map *map)
{
    _Atomic(uint64_t) *removals = &map->common.removals;
    /* edge removal-noted: release; pairs with the acquire in lockfree.c, ckf_counter_lockfree_list(). relaxed load: it is written under the lock alone */
    store_release(removals, load_relaxed(removals) + 1);
}

/* Under the lock, before a key is marked: fronts know no words from here on, and learn none. Who sees that the key is
 * gone sees this too: what it adds afterwards goes to the next incarnation. */
static void shut_fronts(struct ckf_lockfree_map *map)
{
    _Atomic(uint64_t) *word = &map->fence.light.word;
    /* relaxed, both: the tag moves under the lock alone; the mark, or what a key is taken out by, hands it over */
    if (CKF_STEP(!ckf_front_is_shut(load_relaxed(word))))
        fetch_add_relaxed(word, CKF_FRONT_TAG_STEP);
}

/* Under the lock: fronts are open again, if they were shut, but know nothing of entries that nobody finds any more. */
static void forget_words(struct ckf_lockfree_map *map)
{
    _Atomic(uint64_t) *word = &map->fence.light.word;
    /* relaxed: as above */
    if (!ckf_front_is_shut(load_relaxed(word)))
        return;
    /* edge front-tagged: release; pairs with the acquire in lockfree.c: who has the new tag sees that
     * the entries are dead. That a section which has an old one is seen is up to the look at the fence,
     * seq_cst, that follows: it is one word with the tag. */
    fetch_add_release(word, CKF_FRONT_TAG_STEP);
}

/* Under the lock. False: it is pinned, and stays. Otherwise no handle leads to the entry's words from the mark on: those
 * without pins are not used any more. Of a pinned one not inside a section: waits for who arms a handle. */
static bool mark_dead(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry,
                      bool though_pinned)
{
    bool nobody_arms = false;
    shut_fronts(map);
    uint64_t state =
        load_relaxed(&entry->state); /* relaxed: the word alone decides between us and a pin */
    do {
        if (!though_pinned && CKF_STEP(state >= CKF_ENTRY_ONE_PIN))
            return false;
        if (though_pinned && !nobody_arms && CKF_STEP((state & CKF_ENTRY_HAD_HANDLE) != 0)) {
            ckf_lockfree_lock_arming(map);
            nobody_arms = true;
            (void)ckf_lockfree_disarm_locked(entry);
        }
        /* edge entry-settled: acquire; pairs with the release in admission.c, settle().
         * edge entry-left: acquire; pairs with the acq_rel in ckf_lockfree_unpin(): what handles added is
         * in the final value.
         * edge entry-dying: release; pairs with the acquires of all who look at `state`: who misses
         * it ends its section before the removal does.
         * edge fence-passed: seq_cst, for a store->load race: this against the wait's look. */
    } while (!cas_seq_cst(&entry->state, &state, state | CKF_ENTRY_DEAD));
    if (nobody_arms)
        ckf_lockfree_unlock_arming(map);
    return true;
}

static void enlist_dying(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    struct ckf_counter_rest *rest = ckf_entry_rest(entry);
    rest->next_dying = map->dying;
    rest->to_this = &map->dying;
    if (map->dying != NULL)
        ckf_entry_rest(map->dying)->to_this = &rest->next_dying;
    map->dying = entry;
}

/* Under the lock, not inside a section: from here on nobody finds the batch's entries. No fence to pass, as in
 * ckf_counter_lockfree_remove(). */
static void start_removal(struct ckf_lockfree_map *map, struct batch *batch)
{
    for (struct ckf_counter_entry *entry = batch->first; entry != NULL;
         entry = ckf_entry_rest(entry)->next) {
        ckf_counter_index_unlink(&map->index, NULL, entry);
        batch->were_armed |= ckf_lockfree_disarm(map, entry);
        if (ckf_lockfree_is_bounded(map))
            ckf_lockfree_forget(map, entry);
        enlist_dying(map, entry);
    }
    fetch_sub_relaxed(&map->keys, batch->count); /* relaxed: a number for len() */
    forget_words(map);
}

static void delist_dying(struct ckf_counter_entry *entry)
{
    struct ckf_counter_rest *rest = ckf_entry_rest(entry);
    *rest->to_this = rest->next_dying;
    if (rest->next_dying != NULL)
        ckf_entry_rest(rest->next_dying)->to_this = rest->to_this;
}

/* Sums up what is final. The values stay where they are until the entries are reported, but for those
 * in cells, whose ids go back. */
static uint64_t settle_total(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    uint64_t total = ckf_lockfree_all_adds(map, entry);
    uint64_t state =
        load_relaxed(&entry->state); /* relaxed: nobody counts here any more, as below */
    if ((state & CKF_ENTRY_HOT) != 0) {
        fetch_and_relaxed(&entry->state, ~CKF_ENTRY_HOME);
        store_relaxed(&entry->own, 0);
        store_relaxed(&entry->base, total);
        ckf_cells_give_back_id(&map->cells, ckf_thread_place, ckf_entry_number(state));
    }
    return total;
}

static void settle_totals(struct ckf_lockfree_map *map, struct batch *batch)
{
    ckf_lockfree_lock(map);
    for (struct ckf_counter_entry *entry = batch->first; entry != NULL;
         entry = ckf_entry_rest(entry)->next) {
        map->gone_total += settle_total(map, entry);
        delist_dying(entry);
        ckf_lockfree_leave(map);
    }
    ckf_lockfree_unlock(map);
}

/* The adders that may still be at these entries are in sections that began before their removal. */
static void finish_removal(struct ckf_lockfree_map *map, struct batch *batch, uint64_t *final_value)
{
    if (batch->count == 0)
        return;
    if (batch->were_armed)
        ckf_section_wait(); /* with a barrier, even behind a fence */
    else
        ckf_section_wait_behind(&map->fence);
    settle_totals(map, batch);
    for (struct ckf_counter_entry *entry = batch->first, *next; entry != NULL; entry = next) {
        next = ckf_entry_rest(entry)->next;
        uint64_t value = ckf_lockfree_value_slowly(map, entry);
        if (final_value != NULL)
            *final_value = value;
        else
            ckf_counter_map_report(&map->common, entry->bytes, entry->length, value);
        ckf_lockfree_detach(map, entry);
    }
    ckf_reclaim_keep_up(); /* adds by handles of removed keys, and releases, retire and do not wait */
}

enum ckf_status ckf_counter_lockfree_remove(struct ckf_counter_map *common,
                                            const struct ckf_counter_key *key,
                                            uint64_t *final_value)
{
    struct ckf_lockfree_map *map = ckf_lockfree(common);
    struct batch batch = {0};
    ckf_lockfree_lock(map);
    /* No fence to pass: what those have taken out who wait behind it, they took out under the lock. */
    struct ckf_place *place = ckf_section_begin();
    struct ckf_counter_entry *entry = ckf_counter_index_find(&map->index, key);
    ckf_section_end(place); /* the lock keeps the entry */
    if (entry != NULL) {
        note_removals(map);
        (void)mark_dead(map, entry, true);
        note_removals(map);
        add_to_batch(entry, &batch);
        start_removal(map, &batch);
    }
    ckf_lockfree_unlock(map);
    if (entry == NULL && final_value != NULL)
        *final_value = 0;
    finish_removal(map, &batch, final_value);
    return entry != NULL ? CKF_OK : CKF_NOT_FOUND;
}

struct sweep {
    struct ckf_lockfree_map *map;
    unsigned idle_sweeps;
    struct batch batch;
};

/* Sweeps in a row, this one included, that saw no add to the entry. What an earlier one wrote is not looked at before
 * there has been one: each entry is touched when it is made. */
static unsigned idle_now(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    uint64_t total = ckf_lockfree_all_adds(map, entry);
    struct ckf_counter_rest *rest = ckf_entry_rest(entry);
    bool was_touched = load_relaxed(&entry->was_touched); /* relaxed: as in count() */
    if (was_touched)
        store_relaxed(&entry->was_touched, false);
    if (was_touched || total != rest->swept_total)
        rest->idle_sweeps = 0;
    else if (rest->idle_sweeps < UINT32_MAX)
        rest->idle_sweeps++;
    rest->swept_total = total;
    return rest->idle_sweeps;
}

static void sweep_entry(struct ckf_counter_entry *entry, void *arg)
{
    struct sweep *sweep = arg;
    if (idle_now(sweep->map, entry) < sweep->idle_sweeps)
        return;
    if (!mark_dead(sweep->map, entry, false))
        return;
    add_to_batch(entry, &sweep->batch);
}

size_t ckf_counter_lockfree_expire(struct ckf_counter_map *common, unsigned idle_sweeps)
{
    struct sweep sweep = {.map = ckf_lockfree(common), .idle_sweeps = idle_sweeps};
    ckf_lockfree_lock(sweep.map);
    note_removals(sweep.map);
    ckf_lockfree_for_each(sweep.map, CKF_ENTRY_UNFOUND, sweep_entry, &sweep);
    note_removals(sweep.map);
    if (sweep.batch.count > 0)
        start_removal(sweep.map, &sweep.batch);
    else
        forget_words(sweep.map); /* a pin may have come first */
    ckf_lockfree_unlock(sweep.map);
    finish_removal(sweep.map, &sweep.batch, NULL);
    return sweep.batch.count;
}

/* --- the end of a map --- */

static void settle_at_end(struct ckf_counter_entry *entry, void *arg)
{
    struct ckf_lockfree_map *map = arg;
    map->gone_total += ckf_lockfree_all_adds(map, entry);
}

static void report_and_free(struct ckf_counter_entry *entry, void *arg)
{
    struct ckf_lockfree_map *map = arg;
    if (map->common.removed != NULL)
        ckf_counter_map_report(&map->common, entry->bytes, entry->length,
                               ckf_lockfree_value_slowly(map, entry));
    ckf_lockfree_free_at_end(entry);
}

/* Nobody else can reach an entry, so there is nothing to wait for: what is left is to see to it that adds which
 * `removed` makes find none either, and that it finds all of them in the total. */
void ckf_counter_lockfree_empty(struct ckf_counter_map *common)
{
    struct ckf_lockfree_map *map = ckf_lockfree(common);
    struct ckf_counter_link roots[CKF_INDEX_FANOUT];
    ckf_lockfree_free_released(map); /* handles, which stand in lists of entries */
    ckf_counter_index_take_roots(&map->index, roots);
    /* relaxed, as all of it: this thread is alone */
    store_relaxed(&map->keys, 0);
    shut_fronts(map);
    forget_words(map);
    if (common->removed != NULL)
        for (int i = 0; i < CKF_INDEX_FANOUT; i++)
            ckf_counter_index_visit_part(&roots[i], 0, settle_at_end, map);
    bool looks_at_each = common->removed != NULL || load_relaxed(&map->has_loose);
    for (int i = 0; i < CKF_INDEX_FANOUT; i++) {
        if (looks_at_each)
            ckf_counter_index_visit_part(&roots[i], 0, report_and_free, map);
        ckf_counter_index_free_part(&roots[i]);
    }
}

/* --- forks --- */

void ckf_counter_lockfree_before_fork(struct ckf_counter_map *map)
{
    ckf_lockfree_lock(ckf_lockfree(map));
    ckf_lockfree_lock_arming(ckf_lockfree(map));
    pthread_mutex_lock(&ckf_lockfree(map)->cells.ids_lock);
    ckf_blocks_lock(&ckf_lockfree(map)->blocks);
}

void ckf_counter_lockfree_after_fork(struct ckf_counter_map *map)
{
    ckf_blocks_unlock(&ckf_lockfree(map)->blocks);
    pthread_mutex_unlock(&ckf_lockfree(map)->cells.ids_lock);
    ckf_lockfree_unlock_arming(ckf_lockfree(map));
    ckf_lockfree_unlock(ckf_lockfree(map));
}

static void count_entry(struct ckf_counter_entry *entry, void *number)
{
    (void)entry;
    ++*(uint64_t *)number;
}

/* Who would have returned these values is not in the child. */
static void bury_dying(struct ckf_lockfree_map *map)
{
    for (struct ckf_counter_entry *entry = map->dying, *next; entry != NULL; entry = next) {
        next = ckf_entry_rest(entry)->next_dying;
        uint64_t value = ckf_lockfree_value_slowly(map, entry);
        uint64_t total = ckf_lockfree_all_adds(map, entry);
        ckf_sharded_add(&map->overflow, value);
        map->gone_total += total - value;
        ckf_lockfree_detach(map, entry);
    }
    map->dying = NULL;
}

static void refuse_pending(struct ckf_counter_entry *entry, void *arg)
{
    if (ckf_lockfree_refuse(entry))
        add_to_batch(entry, arg);
}

/* Nor are those who would have made these keys: their adds are not counted. */
static void bury_pending(struct ckf_lockfree_map *map)
{
    struct batch pending = {0};
    ckf_lockfree_for_each(map, CKF_ENTRY_DEAD, refuse_pending, &pending);
    for (struct ckf_counter_entry *entry = pending.first, *next; entry != NULL; entry = next) {
        next = ckf_entry_rest(entry)->next;
        ckf_counter_index_unlink(&map->index, &map->fence, entry);
        ckf_lockfree_free_entry(map, entry);
    }
}

void ckf_counter_lockfree_mend_child(struct ckf_counter_map *common)
{
    struct ckf_lockfree_map *map = ckf_lockfree(common);
    uint64_t keys = 0;
    ckf_fence_mend_child(&map->fence);
    shut_fronts(map);
    forget_words(map); /* a thread that is not here may have been writing its front */
    ckf_cells_mend_child(&map->cells);
    bury_dying(map);
    ckf_lockfree_settle_claim(map);
    bury_pending(map);
    ckf_lockfree_for_each(map, CKF_ENTRY_UNFOUND, count_entry, &keys);
    /* relaxed: the child has one thread */
    store_relaxed(&map->keys, keys);
    ckf_lockfree_set_keys(map, keys);
}
