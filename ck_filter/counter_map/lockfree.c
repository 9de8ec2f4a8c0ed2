/* counter_map/lockfree.c - the ATOMIC variant: counters that stay where they are, an index of small
 * tables, and words of each thread's own for what is hot.
 *
 * Roles:      adders, readers and takers, who touch entries inside sections alone; removers, who
 *             meet under the `removal` lock; holders of handles, who pin entries.
 * Invariants: all adds to an entry are base + own + cells (entry.h), each of which only grows; its
 *             value is that less `taken`, and a take moves `taken` up to a sum that it read, never
 *             anything back. Each entry is in exactly one place: linked in the index, in the list
 *             of the dying, or summed up in `gone_total`; it changes place under the `removal` lock.
 * Promotion:  a thread that adds to an entry that it does not own samples some of its adds; an entry
 *             that is met often within a period gets a cell id, once, and adds go to cells then.
 * Removal:    mark DEAD, unlink, put into a batch; wait for the sections, after which no add can
 *             reach the entry any more, so that its value is final; sum it up; report it; detach it.
 *             An entry is freed once it is detached and nobody pins it.
 * Bound:      with max_keys an entry is linked PENDING, and then admitted or refused (see there).
 * Teardown:   the door takes out all keys first; entries that handles once pinned are retired, and
 *             waited for.
 */
#include <errno.h>
#include <pthread.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "base/check.h"
#include "base/effort.h"
#include "base/memory.h"
#include "base/wide_cas.h"
#include "counter_map/cells.h"
#include "counter_map/index.h"
#include "counter_map/list.h"
#include "counter_map/map.h"
#include "sync/reclaim.h"
#include "sync/section.h"
#include "sync/sharded_counter.h"

/* Entries whose removal goes on together, linked through their `next`. */
struct batch {
    struct ckf_counter_entry *first;
    size_t count;
};

struct lockfree_map {
    struct ckf_counter_map common;
    struct ckf_counter_index index;
    struct ckf_cells cells;
    _Atomic(bool) has_retired; /* entries: destroy waits for them */
    _Atomic(uint32_t) period;  /* of samples */

    /* Who makes keys. low: keys that are in, dying ones included, and the number of changes; high:
     * the entry that was let in last. Where there is a bound. */
    CKF_CACHELINE_ALIGNED struct ckf_wide admission;
    _Atomic(int64_t) linked; /* keys in the index; below 0 for a moment while one goes at once */

    CKF_CACHELINE_ALIGNED pthread_mutex_t removal; /* guards the next two */
    struct ckf_counter_entry *dying;
    uint64_t gone_total; /* of entries whose removal has ended */

    struct ckf_sharded_counter overflow;
};

struct lockfree_handle {
    struct ckf_counter common;
    _Atomic(struct ckf_counter_entry *) entry; /* pinned by us; NULL: there was no room */
    uint64_t hash;
    size_t length;
    unsigned char bytes[];
};

static struct lockfree_map *lockfree(struct ckf_counter_map *map)
{
    return (struct lockfree_map *)(void *)map;
}

static bool is_bounded(const struct lockfree_map *map)
{
    return map->common.max_keys != SIZE_MAX;
}

static void lock_removal(struct lockfree_map *map)
{
    int error = pthread_mutex_lock(&map->removal);
    if (error != 0)
        ckf_die("pthread_mutex_lock", error);
}

static void unlock_removal(struct lockfree_map *map)
{
    pthread_mutex_unlock(&map->removal);
}

/* --- entries --- */

static struct ckf_counter_entry *make_entry(const struct ckf_counter_key *key, uint64_t n,
                                            uint32_t state)
{
    size_t size = ckf_entry_rest_offset(key->length) + sizeof(struct ckf_counter_rest);
    struct ckf_counter_entry *entry = ckf_alloc_aligned(size, CKF_ENTRY_ALIGN);
    if (entry == NULL)
        return NULL;
    entry->hash = key->hash;
    entry->length = (uint32_t)key->length;
    memcpy(entry->bytes, key->bytes, key->length);
    atomic_init(&entry->base, n);
    atomic_init(&entry->state, state);
    atomic_init(&ckf_entry_rest(entry)->was_touched, true);
    return entry;
}

static void reclaim_entry(struct ckf_retired *retired)
{
    ckf_section_wait();
    ckf_free((char *)retired - offsetof(struct ckf_counter_entry, retired));
}

/* For those at which somebody may still be looking inside a section. */
static void retire_entry(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* relaxed: read by destroy, which is ordered after all calls */
    store_relaxed(&map->has_retired, true);
    ckf_retire(&entry->retired, reclaim_entry);
}

/* Called after a grace period without pins, or by the last of those that are left. */
static void detach(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge entry-left: acq_rel; pairs with the acq_rel in unpin(): the last one frees. */
    uint32_t state = fetch_or_acq_rel(&entry->state, CKF_ENTRY_DETACHED);
    if (state >= CKF_ENTRY_ONE_PIN)
        return;
    if ((state & CKF_ENTRY_HAD_HANDLE) != 0)
        retire_entry(map, entry);
    else
        ckf_free(entry);
}

static bool pin(struct ckf_counter_entry *entry)
{
    uint32_t state = load_relaxed(&entry->state);
    do {
        if ((state & CKF_ENTRY_DEAD) != 0)
            return false;
        /* relaxed: who pins is inside a section and has the entry's contents already */
    } while (
        !cas_relaxed(&entry->state, &state, (state + CKF_ENTRY_ONE_PIN) | CKF_ENTRY_HAD_HANDLE));
    return true;
}

static void unpin(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge entry-left: acq_rel; pairs with the acq_rel in detach() and with itself. */
    uint32_t state = fetch_sub_acq_rel(&entry->state, CKF_ENTRY_ONE_PIN);
    if ((state & CKF_ENTRY_DETACHED) != 0 && state < 2 * CKF_ENTRY_ONE_PIN)
        retire_entry(map, entry);
}

/* --- counting --- */

/* An entry is promoted that is met by SAMPLES samples within a period, which ends when a thread has
 * taken PERIOD samples, of one in EVERY of its adds to entries that others own: by keys with at least
 * some thousandth of those adds, however many keys there are. */
enum { SAMPLE_EVERY = 16, SAMPLES_TO_PROMOTE = 4, SAMPLES_OF_A_PERIOD = 1024 };
enum { HEAT_BITS = 8 }; /* of `heat`, that count; the others say in which period */

static void promote(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    int saved_errno = errno;
    ckf_cells_assign_id(&map->cells, &entry->home, CKF_HOME_HOT);
    errno = saved_errno;
}

static void sample(struct lockfree_map *map, struct ckf_counter_entry *entry, uint32_t ticks)
{
    /* relaxed, all of it: a guess at what is hot */
    if (ticks % (SAMPLE_EVERY * SAMPLES_OF_A_PERIOD) == 0)
        fetch_add_relaxed(&map->period, 1);
    uint32_t period = load_relaxed(&map->period) << HEAT_BITS, heat = load_relaxed(&entry->heat);
    heat = heat >> HEAT_BITS == period >> HEAT_BITS ? heat + 1 : period + 1;
    if ((heat & ((1u << HEAT_BITS) - 1)) < CKF_RARELY(SAMPLES_TO_PROMOTE))
        store_relaxed(&entry->heat, heat);
    else
        promote(map, entry);
}

static void count_in_own(struct ckf_counter_entry *entry, uint64_t n)
{
    /* edge counter-added: release; pairs with the acquires in all_adds(). relaxed load: nobody else
     * writes it */
    store_release(&entry->own, load_relaxed(&entry->own) + n);
}

static void count_in_base(struct ckf_counter_entry *entry, uint64_t n)
{
    /* edge counter-added: release; pairs with the acquires in all_adds(). */
    fetch_add_release(&entry->base, n);
}

static inline void count_in_cell(struct lockfree_map *map, struct ckf_counter_entry *entry,
                                 uint32_t id, uint64_t n, struct ckf_place *place)
{
    _Atomic(uint64_t) *word = ckf_cells_mine(&map->cells, place, id);
    if (CKF_LIKELY(word != NULL))
        /* edge counter-added: release; pairs with the acquire in cells.c, word_in(). relaxed load:
         * nobody else writes it */
        store_release(word, load_relaxed(word) + n);
    else
        count_in_base(entry, n);
}

/* The entry is not promoted, and somebody else owns it or nobody. */
static void count_in_common(struct lockfree_map *map, struct ckf_counter_entry *entry, uint64_t n,
                            struct ckf_place *place, uint32_t home)
{
    if (!ckf_place_is_own(place)) {
        count_in_base(entry, n);
        return;
    }
    /* relaxed: the claim hands over nothing; `own` was never written */
    if (home == 0 && cas_relaxed(&entry->home, &home, CKF_HOME_OWNED | ckf_place_number(place))) {
        count_in_own(entry, n);
        return;
    }
    count_in_base(entry, n);
    if (++place->ticks % CKF_RARELY(SAMPLE_EVERY) == 0)
        sample(map, entry, place->ticks);
}

/* Adds from here on are marked apart: sums of smaller ones cannot return the sum to where a sweep saw
 * it, short of four billion of them between two sweeps. */
static const uint64_t LARGE_ADD = UINT64_C(1) << 32;

static inline void count(struct lockfree_map *map, struct ckf_counter_entry *entry, uint64_t n,
                         struct ckf_place *place)
{
    /* edge entry-promoted: acquire; pairs with the release in cells.c. */
    uint32_t home = load_acquire(&entry->home);
    if ((home & CKF_HOME_HOT) != 0)
        count_in_cell(map, entry, home & CKF_HOME_NUMBER, n, place);
    else if (home == (CKF_HOME_OWNED | ckf_place_number(place)))
        count_in_own(entry, n);
    else
        count_in_common(map, entry, n, place, home);
    if (CKF_UNLIKELY(n - 1 >= LARGE_ADD)) /* and 0 */
        /* relaxed: a sweep that runs at the same time may or may not see it */
        store_relaxed(&ckf_entry_rest(entry)->was_touched, true);
}

/* All adds so far. Each part is read once and only grows: so is what this returns between their sum
 * at its start and at its end, and never less than an earlier one. */
static uint64_t all_adds(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge counter-added: acquire; pairs with the releases in count_in_base() and count_in_own(): who
     * sees an add sees the takes before it in the next load. */
    uint64_t sum = load_acquire(&entry->base) + load_acquire(&entry->own);
    /* edge entry-promoted: acquire; pairs with the release in cells.c. */
    uint32_t home = load_acquire(&entry->home);
    if ((home & CKF_HOME_HOT) != 0)
        sum += ckf_cells_sum(&map->cells, home & CKF_HOME_NUMBER);
    return sum;
}

static uint64_t value_of(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge counter-taken: acquire; pairs with the release in take_from(): no sum that is read now is
     * older than the one that was taken. */
    uint64_t taken = load_acquire(&entry->taken);
    for (;;) {
        uint64_t sum = all_adds(map, entry);
        /* edge counter-taken: acquire, as above */
        uint64_t still_taken = load_acquire(&entry->taken);
        if (taken == still_taken)
            return sum - taken;
        taken = still_taken;
    }
}

static uint64_t take_from(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge counter-taken: acquire; pairs with the release in the CAS below. */
    uint64_t taken = load_acquire(&entry->taken);
    for (;;) {
        uint64_t sum = all_adds(map, entry);
        /* edge counter-taken: release; pairs with the acquires here and in value_of(). Who loses
         * acquires the winner's, so that its next sum is not older. */
        if (sum == taken || cas_acq_rel(&entry->taken, &taken, sum))
            return sum - taken;
    }
}

/* --- room for new keys ---
 *
 * Where there is a bound, who makes a key links its entry first, PENDING: so a key has one entry
 * whose fate is open, however many threads make it at once, and all of them settle it alike:
 *
 *     claim    keys + 1, and the entry as the last one, in one step
 *     settle   the last one's PENDING goes; nobody claims before
 *     refuse   while the map is full, all claims settled: PENDING becomes PENDING and DEAD
 *
 * An entry may be refused while a slow helper claims for it: then the claim is undone when it would
 * be settled. Nobody waits: each step can be done by anybody who needs it done. The number of
 * changes in `low` keeps a slow helper from claiming twice. */

static const uint64_t ONE_CHANGE = UINT64_C(1) << 40;

static uint64_t keys_of(uint64_t low)
{
    return low & (ONE_CHANGE - 1);
}

static bool change_admission(struct lockfree_map *map, uint64_t low, uint64_t last, uint64_t keys,
                             uint64_t new_last)
{
    uint64_t new_low = (low & ~(ONE_CHANGE - 1)) + ONE_CHANGE + keys_of(keys_of(low) + keys);
    /* edge key-admitted: release (seq_cst); pairs with the acquires in read_admission(). */
    return ckf_wide_cas(&map->admission, low, last, new_low, new_last);
}

/* What `low` and `high` were at one moment. */
static bool read_admission(struct lockfree_map *map, uint64_t *low, uint64_t *last)
{
    /* edge key-admitted: acquire; pairs with the release in change_admission(): the keys
     * that fill the map can be found. */
    *low = load_acquire(&map->admission.low);
    /* edge key-admitted: acquire, as above */
    *last = load_acquire(&map->admission.high);
    return load_acquire(&map->admission.low) == *low; /* edge key-admitted: acquire, as above */
}

/* True if the claim for the last entry was open. Inside a section, which keeps that in memory. */
static bool settle(struct lockfree_map *map, uint64_t low, uint64_t last)
{
    struct ckf_counter_entry *entry = (struct ckf_counter_entry *)(uintptr_t)last;
    if (entry == NULL)
        return false;
    /* edge entry-settled: acquire; pairs with the releases below and in refuse(). */
    uint32_t state = load_acquire(&entry->state);
    if ((state & CKF_ENTRY_PENDING) == 0)
        return false;
    if ((state & CKF_ENTRY_DEAD) != 0)
        (void)change_admission(map, low, last, (uint64_t)-1, 0);
    else
        /* edge entry-settled: release; pairs with the acquires of all who find entries. */
        (void)cas_acq_rel(&entry->state, &state, state & ~(uint32_t)CKF_ENTRY_PENDING);
    return true;
}

/* True if at one moment of the call there was no room. Inside a section. */
static bool is_full(struct lockfree_map *map)
{
    uint64_t low, last;
    if (map->common.is_ending)
        return true;
    if (!is_bounded(map))
        return false;
    for (;;) {
        if (!read_admission(map, &low, &last))
            continue;
        if (keys_of(low) < map->common.max_keys)
            return false;
        if (!settle(map, low, last))
            return true;
    }
}

static bool refuse(struct ckf_counter_entry *entry)
{
    /* edge entry-settled: acquire; pairs with the release in settle(). */
    uint32_t state = load_acquire(&entry->state);
    /* edge entry-settled: release; pairs with the acquires of all who find entries. */
    return (state & (CKF_ENTRY_PENDING | CKF_ENTRY_DEAD)) == CKF_ENTRY_PENDING &&
           cas_acq_rel(&entry->state, &state, state | CKF_ENTRY_DEAD);
}

/* Settles the fate of an entry that is linked; true: it is in, or was. Inside a section. */
static bool admit(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    for (;;) {
        uint64_t low, last;
        if (!read_admission(map, &low, &last) || settle(map, low, last))
            continue;
        /* edge entry-settled: acquire; pairs with the releases in settle() and refuse(). */
        uint32_t state = load_acquire(&entry->state);
        if ((state & CKF_ENTRY_PENDING) == 0)
            return true;
        if ((state & CKF_ENTRY_DEAD) != 0)
            return false;
        if (keys_of(low) < map->common.max_keys)
            (void)change_admission(map, low, last, 1, (uintptr_t)entry);
        else
            (void)refuse(entry);
    }
}

/* No word leads to the entry any more, which is dead. */
static void forget_last(struct lockfree_map *map, const struct ckf_counter_entry *entry)
{
    uint64_t low, last;
    while (!read_admission(map, &low, &last) ||
           (last == (uintptr_t)entry && !change_admission(map, low, last, 0, 0)))
        ;
}

static void leave(struct lockfree_map *map)
{
    uint64_t low, last;
    if (is_bounded(map))
        while (!read_admission(map, &low, &last) ||
               !change_admission(map, low, last, (uint64_t)-1, last))
            ;
}

/* --- adding --- */

/* A refused entry, which this thread made. */
static void discard(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    ckf_counter_index_unlink(&map->index, entry);
    retire_entry(map, entry);
}

/* Adds n to the key's entry if there is one; with `pinned`, pins it too and says where. */
static bool count_in_existing(struct lockfree_map *map, const struct ckf_counter_key *key,
                              uint64_t n, struct ckf_counter_entry **pinned, bool *full)
{
    struct ckf_place *place = ckf_section_begin();
    /* Before the key is looked for: if there was no room and then no key, it is refused rightly, and
     * if it is what filled the map, it is found. */
    *full = is_full(map);
    struct ckf_counter_entry *entry = ckf_counter_index_find(&map->index, key);
    bool usable = entry != NULL && (pinned == NULL || pin(entry));
    if (usable) {
        count(map, entry, n, place);
        if (pinned != NULL)
            *pinned = entry;
    } else if (entry != NULL) {
        *full = false; /* it died just now: look again */
    }
    ckf_section_end(place);
    return usable;
}

enum made { MADE, THERE_ALREADY, NO_ROOM, NO_MEMORY };

/* Links fresh, which has n in it. */
static enum made link_fresh(struct lockfree_map *map, struct ckf_counter_entry *fresh)
{
    struct ckf_place *place = ckf_section_begin();
    struct ckf_counter_entry *there = ckf_counter_index_insert(&map->index, fresh);
    bool is_in = there != NULL && (!is_bounded(map) || admit(map, there));
    if (is_in && there == fresh)
        /* relaxed: a number for len(); who added a key and then asks is the same thread */
        fetch_add_relaxed(&map->linked, 1);
    ckf_section_end(place);
    if (there == NULL)
        return NO_MEMORY;
    if (!is_in && there == fresh)
        discard(map, fresh);
    else if (there != fresh)
        ckf_free(fresh);
    return !is_in ? NO_ROOM : there == fresh ? MADE : THERE_ALREADY;
}

/* Adds n to the key's entry and makes that if need be; with `pinned`, pins it too.
 * CKF_OVERFLOWED: no room. CKF_NO_MEMORY. Nothing has been counted then. */
static enum ckf_status count_in_new(struct lockfree_map *map, const struct ckf_counter_key *key,
                                    uint64_t n, struct ckf_counter_entry **pinned)
{
    uint32_t state = (pinned != NULL ? CKF_ENTRY_ONE_PIN | CKF_ENTRY_HAD_HANDLE : 0) |
                     (is_bounded(map) ? CKF_ENTRY_PENDING : 0);
    for (;;) {
        bool full;
        if (count_in_existing(map, key, n, pinned, &full))
            return CKF_OK;
        if (full)
            return CKF_OVERFLOWED;
        struct ckf_counter_entry *fresh = make_entry(key, n, state);
        if (fresh == NULL)
            return CKF_NO_MEMORY;
        switch (link_fresh(map, fresh)) {
        case MADE:
            if (pinned != NULL)
                *pinned = fresh;
            return CKF_OK;
        case NO_ROOM:
            return CKF_OVERFLOWED;
        case NO_MEMORY:
            ckf_free(fresh);
            return CKF_NO_MEMORY;
        case THERE_ALREADY:
            break;
        }
    }
}

static enum ckf_status add_to_new_key(struct lockfree_map *map, const struct ckf_counter_key *key,
                                      uint64_t n)
{
    int saved_errno = errno;
    enum ckf_status status = count_in_new(map, key, n, NULL);
    errno = saved_errno;
    if (status == CKF_OK)
        return CKF_OK;
    ckf_sharded_add(&map->overflow, n);
    return CKF_OVERFLOWED;
}

enum ckf_status ckf_counter_lockfree_add(struct ckf_counter_map *common,
                                         const struct ckf_counter_key *key, uint64_t n)
{
    struct lockfree_map *map = lockfree(common);
    struct ckf_place *place = ckf_section_begin();
    struct ckf_counter_entry *entry = ckf_counter_index_find(&map->index, key);
    if (CKF_LIKELY(entry != NULL)) {
        count(map, entry, n, place);
        ckf_section_end(place);
        return CKF_OK;
    }
    ckf_section_end(place);
    return add_to_new_key(map, key, n);
}

/* --- reading and taking --- */

static enum ckf_status read_with(uint64_t (*read)(struct lockfree_map *map,
                                                  struct ckf_counter_entry *entry),
                                 struct lockfree_map *map, const struct ckf_counter_key *key,
                                 uint64_t *value)
{
    struct ckf_place *place = ckf_section_begin();
    struct ckf_counter_entry *entry = ckf_counter_index_find(&map->index, key);
    uint64_t found = entry != NULL ? read(map, entry) : 0;
    ckf_section_end(place);
    if (value != NULL)
        *value = found;
    return entry != NULL ? CKF_OK : CKF_NOT_FOUND;
}

enum ckf_status ckf_counter_lockfree_get(struct ckf_counter_map *map,
                                         const struct ckf_counter_key *key, uint64_t *value)
{
    return read_with(value_of, lockfree(map), key, value);
}

enum ckf_status ckf_counter_lockfree_take(struct ckf_counter_map *map,
                                          const struct ckf_counter_key *key, uint64_t *value)
{
    return read_with(take_from, lockfree(map), key, value);
}

/* --- the whole map --- */

struct part_visit {
    struct lockfree_map *map;
    ckf_counter_each_part each;
    ckf_counter_entry_visit visit;
    uint32_t but_for;
    void *arg;
    struct ckf_counter_list *list;
};

static bool each_part(struct ckf_counter_link *part, void *arg)
{
    struct part_visit *visit = arg;
    return visit->each(&visit->map->common, part, visit->arg);
}

void ckf_counter_lockfree_for_each_part(struct ckf_counter_map *map, ckf_counter_each_part each,
                                        void *arg)
{
    struct part_visit visit = {.map = lockfree(map), .each = each, .arg = arg};
    (void)ckf_counter_index_for_each_part(&lockfree(map)->index, each_part, &visit);
}

static void offer(struct ckf_counter_entry *entry, void *arg)
{
    struct part_visit *visit = arg;
    ckf_counter_list_offer(visit->list, entry, entry->bytes, entry->length, entry->hash,
                           value_of(visit->map, entry));
}

/* A key that was removed and made anew while its part was looked through may be there twice. Its
 * first incarnation is dead by now: who saw the second one sees that too. */
static void drop_dead(struct ckf_counter_list *list, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < list->count; i++) {
        const struct ckf_counter_entry *entry = list->items[i].origin;
        /* relaxed: ordered by the edge over which the second one was found */
        if ((load_relaxed(&entry->state) & CKF_ENTRY_DEAD) == 0)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

void ckf_counter_lockfree_list(struct ckf_counter_map *map, void *part,
                               struct ckf_counter_list *list)
{
    size_t listed = list->count;
    struct part_visit visit = {.map = lockfree(map), .list = list};
    struct ckf_place *place = ckf_section_begin();
    ckf_counter_index_visit_part(part, CKF_ENTRY_UNFOUND, offer, &visit);
    if (ckf_counter_list_is_complete(list))
        drop_dead(list, listed);
    ckf_section_end(place);
}

static bool visit_in_section(struct ckf_counter_link *part, void *arg)
{
    struct part_visit *visit = arg;
    struct ckf_place *place = ckf_section_begin();
    ckf_counter_index_visit_part(part, visit->but_for, visit->visit, visit->arg);
    ckf_section_end(place);
    return true;
}

/* Visits all entries without these flags, each part in a section of its own. */
static void for_each_entry(struct lockfree_map *map, uint32_t but_for,
                           ckf_counter_entry_visit entry_visit, void *arg)
{
    struct part_visit visit = {.map = map, .but_for = but_for, .visit = entry_visit, .arg = arg};
    (void)ckf_counter_index_for_each_part(&map->index, visit_in_section, &visit);
}

size_t ckf_counter_lockfree_len(struct ckf_counter_map *map)
{
    int64_t linked = load_relaxed(&lockfree(map)->linked); /* relaxed: a number for people */
    return linked < 0 ? 0 : (size_t)linked;
}

struct sum {
    struct lockfree_map *map;
    uint64_t sum;
};

static void add_up(struct ckf_counter_entry *entry, void *arg)
{
    struct sum *sum = arg;
    sum->sum += all_adds(sum->map, entry);
}

uint64_t ckf_counter_lockfree_total(struct ckf_counter_map *common)
{
    struct sum sum = {.map = lockfree(common)};
    struct lockfree_map *map = sum.map;
    lock_removal(map);
    sum.sum = map->gone_total;
    for (struct ckf_counter_entry *entry = map->dying; entry != NULL;
         entry = ckf_entry_rest(entry)->next_dying)
        add_up(entry, &sum);
    for_each_entry(map, CKF_ENTRY_UNFOUND, add_up, &sum);
    unlock_removal(map);
    return sum.sum + ckf_sharded_sum(&map->overflow);
}

uint64_t ckf_counter_lockfree_overflow(struct ckf_counter_map *map)
{
    return ckf_sharded_sum(&lockfree(map)->overflow);
}

/* --- removal --- */

/* Under the lock, the entry marked DEAD. */
static void add_to_batch(struct ckf_counter_entry *entry, struct batch *batch)
{
    ckf_entry_rest(entry)->next = batch->first;
    batch->first = entry;
    batch->count++;
}

static void enlist_dying(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    struct ckf_counter_rest *rest = ckf_entry_rest(entry);
    rest->next_dying = map->dying;
    rest->to_this = &map->dying;
    if (map->dying != NULL)
        ckf_entry_rest(map->dying)->to_this = &rest->next_dying;
    map->dying = entry;
}

/* Under the lock, not inside a section: from here on nobody finds the batch's entries. */
static void start_removal(struct lockfree_map *map, struct batch *batch)
{
    for (struct ckf_counter_entry *entry = batch->first; entry != NULL;
         entry = ckf_entry_rest(entry)->next) {
        ckf_counter_index_unlink(&map->index, entry);
        if (is_bounded(map))
            forget_last(map, entry);
        enlist_dying(map, entry);
    }
    fetch_sub_relaxed(&map->linked, (int64_t)batch->count); /* relaxed: a number for len() */
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
static uint64_t settle_total(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    uint64_t total = all_adds(map, entry);
    uint32_t home = load_relaxed(&entry->home); /* relaxed: nobody counts here any more, as below */
    if ((home & CKF_HOME_HOT) != 0) {
        store_relaxed(&entry->home, 0);
        store_relaxed(&entry->own, 0);
        store_relaxed(&entry->base, total);
        ckf_cells_give_back_id(&map->cells, home & CKF_HOME_NUMBER);
    }
    return total;
}

static void settle_totals(struct lockfree_map *map, struct batch *batch)
{
    lock_removal(map);
    for (struct ckf_counter_entry *entry = batch->first; entry != NULL;
         entry = ckf_entry_rest(entry)->next) {
        map->gone_total += settle_total(map, entry);
        delist_dying(entry);
        leave(map);
    }
    unlock_removal(map);
}

/* The adders that may still be at these entries are in sections that began before their removal. */
static void finish_removal(struct lockfree_map *map, struct batch *batch, uint64_t *final_value)
{
    if (batch->count == 0)
        return;
    ckf_section_wait();
    settle_totals(map, batch);
    for (struct ckf_counter_entry *entry = batch->first, *next; entry != NULL; entry = next) {
        next = ckf_entry_rest(entry)->next;
        uint64_t value = value_of(map, entry);
        if (final_value != NULL)
            *final_value = value;
        else
            ckf_counter_map_report(&map->common, entry->bytes, entry->length, value);
        detach(map, entry);
    }
}

enum ckf_status ckf_counter_lockfree_remove(struct ckf_counter_map *common,
                                            const struct ckf_counter_key *key,
                                            uint64_t *final_value)
{
    struct lockfree_map *map = lockfree(common);
    struct batch batch = {0};
    lock_removal(map);
    struct ckf_place *place = ckf_section_begin();
    struct ckf_counter_entry *entry = ckf_counter_index_find(&map->index, key);
    if (entry != NULL) {
        /* Noted first: who lists the key before this and sees no removal may show it.
         * edge entry-dying: acq_rel; pairs with the acquires of all who look at `state`: who misses
         * it ends its section before the removal does. */
        ckf_counter_map_note_removal(common);
        fetch_or_acq_rel(&entry->state, CKF_ENTRY_DEAD);
        add_to_batch(entry, &batch);
    }
    ckf_section_end(place);
    if (entry != NULL)
        start_removal(map, &batch);
    unlock_removal(map);
    if (entry == NULL && final_value != NULL)
        *final_value = 0;
    finish_removal(map, &batch, final_value);
    return entry != NULL ? CKF_OK : CKF_NOT_FOUND;
}

struct sweep {
    struct lockfree_map *map;
    unsigned idle_sweeps;
    struct batch batch;
};

/* Sweeps in a row, this one included, that saw no add to the entry. */
static unsigned idle_now(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    uint64_t total = all_adds(map, entry);
    struct ckf_counter_rest *rest = ckf_entry_rest(entry);
    bool was_touched = load_relaxed(&rest->was_touched); /* relaxed: as in count() */
    if (was_touched)
        store_relaxed(&rest->was_touched, false);
    if (was_touched || total != rest->swept_total)
        rest->idle_sweeps = 0;
    else if (rest->idle_sweeps < UINT32_MAX)
        rest->idle_sweeps++;
    rest->swept_total = total;
    return rest->idle_sweeps;
}

static bool claim_unpinned(struct ckf_counter_entry *entry)
{
    uint32_t state = load_relaxed(&entry->state);
    do {
        if (state >= CKF_ENTRY_ONE_PIN)
            return false;
        /* edge entry-dying: acq_rel, as in remove: the word alone decides between us and a pin */
    } while (!cas_acq_rel(&entry->state, &state, state | CKF_ENTRY_DEAD));
    return true;
}

static void sweep_entry(struct ckf_counter_entry *entry, void *arg)
{
    struct sweep *sweep = arg;
    if (idle_now(sweep->map, entry) < sweep->idle_sweeps)
        return;
    ckf_counter_map_note_removal(&sweep->map->common);
    if (claim_unpinned(entry))
        add_to_batch(entry, &sweep->batch);
}

size_t ckf_counter_lockfree_expire(struct ckf_counter_map *common, unsigned idle_sweeps)
{
    struct sweep sweep = {.map = lockfree(common), .idle_sweeps = idle_sweeps};
    lock_removal(sweep.map);
    for_each_entry(sweep.map, CKF_ENTRY_UNFOUND, sweep_entry, &sweep);
    if (sweep.batch.count > 0)
        start_removal(sweep.map, &sweep.batch);
    unlock_removal(sweep.map);
    finish_removal(sweep.map, &sweep.batch, NULL);
    return sweep.batch.count;
}

/* --- handles --- */

static struct lockfree_handle *handle_of(struct ckf_counter *counter)
{
    return (struct lockfree_handle *)(void *)counter;
}

static struct ckf_counter_key key_of(const struct lockfree_handle *handle)
{
    return (struct ckf_counter_key){handle->bytes, handle->length, handle->hash};
}

enum ckf_status ckf_counter_lockfree_handle(struct ckf_counter_map *map,
                                            const struct ckf_counter_key *key,
                                            struct ckf_counter **counter)
{
    struct lockfree_handle *handle = ckf_alloc(sizeof *handle + key->length);
    if (handle == NULL)
        return CKF_NO_MEMORY;
    struct ckf_counter_entry *pinned = NULL;
    enum ckf_status status = count_in_new(lockfree(map), key, 0, &pinned);
    if (status == CKF_NO_MEMORY) {
        ckf_free(handle);
        return status;
    }
    handle->common.map = map;
    handle->hash = key->hash;
    handle->length = key->length;
    memcpy(handle->bytes, key->bytes, key->length);
    atomic_init(&handle->entry, pinned);
    *counter = &handle->common;
    return status;
}

/* The handle's entry if it is alive; inside a section. */
static inline struct ckf_counter_entry *living_entry(struct lockfree_handle *handle)
{
    /* edge handle-bound: acquire; pairs with the release in add_anew(). */
    struct ckf_counter_entry *entry = load_acquire(&handle->entry);
    if (CKF_UNLIKELY(entry == NULL))
        return NULL;
    /* edge entry-dying: acquire; pairs with the release that sets DEAD: who misses it holds up the
     * removal, and who sees it looks for the key after it was marked. */
    return CKF_LIKELY((load_acquire(&entry->state) & CKF_ENTRY_DEAD) == 0) ? entry : NULL;
}

/* The key was removed, or had no room: adds to its next incarnation and pins that instead. */
static void add_anew(struct lockfree_handle *handle, uint64_t n)
{
    struct lockfree_map *map = lockfree(handle->common.map);
    struct ckf_counter_key key = key_of(handle);
    struct ckf_counter_entry *pinned = NULL;
    /* relaxed: only compared, below */
    struct ckf_counter_entry *old = load_relaxed(&handle->entry);
    int saved_errno = errno;
    enum ckf_status status = count_in_new(map, &key, n, &pinned);
    errno = saved_errno;
    if (status != CKF_OK) {
        ckf_sharded_add(&map->overflow, n);
        return;
    }
    /* edge handle-bound: release; pairs with the acquire in living_entry(). Whoever swaps an entry
     * out gives its pin back; others may still look at it, inside sections. */
    if (!cas_acq_rel(&handle->entry, &old, pinned))
        old = pinned;
    if (old != NULL)
        unpin(map, old);
}

void ckf_counter_lockfree_handle_add(struct ckf_counter *counter, uint64_t n)
{
    struct lockfree_handle *handle = handle_of(counter);
    struct ckf_place *place = ckf_section_begin();
    struct ckf_counter_entry *entry = living_entry(handle);
    if (CKF_LIKELY(entry != NULL))
        count(lockfree(counter->map), entry, n, place);
    ckf_section_end(place);
    if (CKF_UNLIKELY(entry == NULL))
        add_anew(handle, n);
}

uint64_t ckf_counter_lockfree_handle_get(struct ckf_counter *counter)
{
    struct lockfree_handle *handle = handle_of(counter);
    struct lockfree_map *map = lockfree(counter->map);
    struct ckf_counter_key key = key_of(handle);
    struct ckf_place *place = ckf_section_begin();
    struct ckf_counter_entry *entry = living_entry(handle);
    if (entry == NULL)
        entry = ckf_counter_index_find(&map->index, &key);
    uint64_t value = entry != NULL ? value_of(map, entry) : 0;
    ckf_section_end(place);
    return value;
}

void ckf_counter_lockfree_handle_release(struct ckf_counter *counter)
{
    struct lockfree_handle *handle = handle_of(counter);
    /* edge handle-bound: acquire, as in living_entry() */
    struct ckf_counter_entry *entry = load_acquire(&handle->entry);
    if (entry != NULL)
        unpin(lockfree(counter->map), entry);
    ckf_free(handle);
}

/* --- the map's life --- */

struct ckf_counter_map *ckf_counter_lockfree_new_map(size_t expected_keys)
{
    struct lockfree_map *map = ckf_alloc_aligned(sizeof *map, CKF_CACHELINE);
    if (map == NULL)
        return NULL;
    ckf_section_start();
    ckf_counter_index_init(&map->index);
    if (!ckf_counter_index_prepare(&map->index, expected_keys)) {
        ckf_counter_index_destroy(&map->index);
        ckf_free(map);
        return NULL;
    }
    ckf_cells_init(&map->cells);
    pthread_mutex_init(&map->removal, NULL);
    return &map->common;
}

void ckf_counter_lockfree_free_map(struct ckf_counter_map *common)
{
    struct lockfree_map *map = lockfree(common);
    if (load_relaxed(&map->has_retired)) /* relaxed: nobody else uses the map */
        ckf_wait_for_reclaim();
    ckf_counter_index_destroy(&map->index);
    ckf_cells_destroy(&map->cells);
    pthread_mutex_destroy(&map->removal);
    ckf_free(map);
}

void ckf_counter_lockfree_before_fork(struct ckf_counter_map *map)
{
    lock_removal(lockfree(map));
    pthread_mutex_lock(&lockfree(map)->cells.ids_lock);
}

void ckf_counter_lockfree_after_fork(struct ckf_counter_map *map)
{
    pthread_mutex_unlock(&lockfree(map)->cells.ids_lock);
    unlock_removal(lockfree(map));
}

static void count_entry(struct ckf_counter_entry *entry, void *number)
{
    (void)entry;
    ++*(uint64_t *)number;
}

/* Who would have returned these values is not in the child. */
static void bury_dying(struct lockfree_map *map)
{
    for (struct ckf_counter_entry *entry = map->dying, *next; entry != NULL; entry = next) {
        next = ckf_entry_rest(entry)->next_dying;
        uint64_t value = value_of(map, entry), total = all_adds(map, entry);
        ckf_sharded_add(&map->overflow, value);
        map->gone_total += total - value;
        detach(map, entry);
    }
    map->dying = NULL;
}

static void refuse_pending(struct ckf_counter_entry *entry, void *arg)
{
    if (refuse(entry))
        add_to_batch(entry, arg);
}

/* Nor are those who would have made these keys: their adds are not counted. */
static void bury_pending(struct lockfree_map *map)
{
    struct batch pending = {0};
    for_each_entry(map, CKF_ENTRY_DEAD, refuse_pending, &pending);
    for (struct ckf_counter_entry *entry = pending.first, *next; entry != NULL; entry = next) {
        next = ckf_entry_rest(entry)->next;
        ckf_counter_index_unlink(&map->index, entry);
        ckf_free(entry);
    }
}

void ckf_counter_lockfree_mend_child(struct ckf_counter_map *common)
{
    struct lockfree_map *map = lockfree(common);
    uint64_t keys = 0;
    bury_dying(map);
    /* relaxed, all of it: the child has one thread */
    (void)settle(map, load_relaxed(&map->admission.low), load_relaxed(&map->admission.high));
    bury_pending(map);
    for_each_entry(map, CKF_ENTRY_UNFOUND, count_entry, &keys);
    store_relaxed(&map->linked, (int64_t)keys);
    uint64_t low = load_relaxed(&map->admission.low);
    (void)change_admission(map, low, load_relaxed(&map->admission.high), keys - keys_of(low), 0);
}
