/* counter_map/lockfree.c - the ATOMIC variant: an atomic counter in each entry of a lock-free index.
 *
 * Roles:      adders, readers and takers, who touch entries inside read sections alone; removers,
 *             who meet under the `removal` lock; holders of handles, who pin entries.
 * Invariants: `total` of an entry only grows; its value is total - taken, and a take moves `taken`
 *             up to a total that it read, never anything back. Each entry is in exactly one place:
 *             linked in the index, on the list of the dying, or summed up in `gone_total`; it
 *             changes place under the `removal` lock.
 * Removal:    mark DEAD, unlink, put on the list; wait for the readers, after which no add can reach
 *             the entry any more, so that its value is final; sum it up; report it; detach it.
 *             An entry is freed once it is detached and nobody pins it.
 * Bound:      at max_keys a new key first enters `admission`, and is admitted once it is linked. A
 *             key that finds no room because others have entered does not know yet whether they
 *             will stay (two threads may be making the same key), so it looks again.
 * Teardown:   the door takes out all keys first; entries that handles once pinned are retired, and
 *             waited for.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>

#include "base/atomics.h"
#include "base/backoff.h"
#include "base/cacheline.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "counter_map/index.h"
#include "counter_map/list.h"
#include "counter_map/map.h"
#include "sync/reclaim.h"
#include "sync/sharded_counter.h"

/* An entry's state: flags, and the number of handles that pin it in units of ONE_PIN. */
enum entry_state {
    DEAD = 1,       /* a removal owns it: no new pins; set under the `removal` lock */
    DETACHED = 2,   /* the removal has ended: the memory belongs to the pins that are left */
    HAD_HANDLE = 4, /* a handle may be looking at it inside a section even after its last pin */
    ONE_PIN = 8
};

/* The word `admission`: keys that are in (dying ones included), and above them those entering. */
static const uint64_t ONE_KEY = 1, ONE_ENTERING = UINT64_C(1) << 40;

struct lockfree_map {
    struct ckf_counter_map common;
    struct ckf_counter_index *index;
    _Atomic(bool) has_retired; /* entries: destroy waits for them */

    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) admission; /* where there is a bound; who makes keys */
    _Atomic(uint64_t) linked;                          /* keys in the index */

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

/* Entries whose removal goes on together. */
struct batch {
    struct ckf_counter_entry *first;
    size_t count;
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
    size_t size = offsetof(struct ckf_counter_entry, bytes) + key->length;
    if (size < sizeof(struct ckf_counter_entry))
        size = sizeof(struct ckf_counter_entry);
    struct ckf_counter_entry *entry = ckf_alloc_aligned(size, CKF_COUNTER_ENTRY_ALIGN);
    if (entry == NULL)
        return NULL;
    entry->hash = key->hash;
    entry->length = (uint32_t)key->length;
    memcpy(entry->bytes, key->bytes, key->length);
    atomic_init(&entry->total, n);
    atomic_init(&entry->was_touched, true);
    /* edge entry-published: release; pairs with the acquire in entry_of(). */
    store_release(&entry->state, state);
    return entry;
}

static void reclaim_entry(struct ckf_retired *retired)
{
    ckf_free(retired); /* its first member */
}

static void free_entry(struct lockfree_map *map, struct ckf_counter_entry *entry, bool had_handle)
{
    if (!had_handle) {
        ckf_free(entry);
        return;
    }
    /* relaxed: read by destroy, which is ordered after all calls */
    store_relaxed(&map->has_retired, true);
    ckf_retire(&entry->retired, reclaim_entry);
}

/* Called after a grace period without pins, or by the last of those that are left. */
static void detach(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge entry-left: acq_rel; pairs with the acq_rel in unpin(): the last one frees. */
    uint32_t state = fetch_or_acq_rel(&entry->state, DETACHED);
    if (state < ONE_PIN)
        free_entry(map, entry, (state & HAD_HANDLE) != 0);
}

static bool pin(struct ckf_counter_entry *entry)
{
    uint32_t state = load_relaxed(&entry->state);
    do {
        if ((state & DEAD) != 0)
            return false;
        /* relaxed: who pins is inside a section and has the entry's contents already */
    } while (!cas_relaxed(&entry->state, &state, (state + ONE_PIN) | HAD_HANDLE));
    return true;
}

static void unpin(struct lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* edge entry-left: acq_rel; pairs with the acq_rel in detach() and with itself. */
    uint32_t state = fetch_sub_acq_rel(&entry->state, ONE_PIN);
    if ((state & DETACHED) != 0 && state < 2 * ONE_PIN)
        free_entry(map, entry, true);
}

/* Adds from here on are marked apart: sums of smaller ones cannot return `total` to where a sweep
 * saw it, short of four billion of them between two sweeps. */
static const uint64_t LARGE_ADD = UINT64_C(1) << 32;

static void count(struct ckf_counter_entry *entry, uint64_t n)
{
    /* edge counter-added: release; pairs with the acquires in value_of() and take_from(). */
    fetch_add_release(&entry->total, n);
    if (CKF_UNLIKELY(n - 1 >= LARGE_ADD)) /* and 0 */
        /* relaxed: a sweep that runs at the same time may or may not see it */
        store_relaxed(&entry->was_touched, true);
}

static uint64_t value_of(struct ckf_counter_entry *entry)
{
    /* edge counter-taken: acquire; pairs with the release in take_from(): no total that is read
     * now is older than the one that was taken. */
    uint64_t taken = load_acquire(&entry->taken);
    for (;;) {
        /* edge counter-added: acquire; pairs with the release in count(): who sees an add sees the
         * takes before it in the next load. */
        uint64_t total = load_acquire(&entry->total);
        /* edge counter-taken: acquire, as above */
        uint64_t still_taken = load_acquire(&entry->taken);
        if (taken == still_taken)
            return total - taken;
        taken = still_taken;
    }
}

static uint64_t take_from(struct ckf_counter_entry *entry)
{
    /* edge counter-taken: acquire; pairs with the release in the CAS below. */
    uint64_t taken = load_acquire(&entry->taken);
    for (;;) {
        /* edge counter-added: acquire; pairs with the release in count(). */
        uint64_t total = load_acquire(&entry->total);
        /* edge counter-taken: release; pairs with the acquires here and in value_of(). Who loses
         * acquires the winner's, so that its next total is not older. */
        if (total == taken || cas_acq_rel(&entry->taken, &taken, total))
            return total - taken;
    }
}

/* --- room for new keys --- */

enum room { ROOM, NO_ROOM, ROOM_UNKNOWN };

static enum room look_for_room(struct lockfree_map *map, uint64_t word)
{
    uint64_t keys = word % ONE_ENTERING, entering = word / ONE_ENTERING;
    if (map->common.is_ending || keys >= map->common.max_keys)
        return NO_ROOM;
    return keys + entering < map->common.max_keys ? ROOM : ROOM_UNKNOWN;
}

static bool is_full(struct lockfree_map *map)
{
    /* edge key-admitted: acquire; pairs with the release in admit(): the keys that fill the map can
     * be found. */
    return look_for_room(map, load_acquire(&map->admission)) == NO_ROOM;
}

static enum room enter(struct lockfree_map *map)
{
    if (!is_bounded(map))
        return map->common.is_ending ? NO_ROOM : ROOM;
    /* edge key-admitted: acquire, as in is_full() */
    uint64_t word = load_acquire(&map->admission);
    for (;;) {
        enum room room = look_for_room(map, word);
        if (room != ROOM || cas_acquire(&map->admission, &word, word + ONE_ENTERING))
            return room;
    }
}

/* After the key was linked. */
static void admit(struct lockfree_map *map)
{
    /* relaxed: a number for len(); who added a key and then asks is the same thread */
    fetch_add_relaxed(&map->linked, 1);
    if (is_bounded(map))
        /* edge key-admitted: release; pairs with the acquires in is_full() and enter(). */
        fetch_add_release(&map->admission, ONE_KEY - ONE_ENTERING);
}

static void withdraw(struct lockfree_map *map)
{
    if (is_bounded(map))
        fetch_sub_relaxed(&map->admission, ONE_ENTERING); /* relaxed: gives room back, no data */
}

static void leave(struct lockfree_map *map)
{
    if (is_bounded(map))
        fetch_sub_relaxed(&map->admission, ONE_KEY); /* relaxed: gives room back, no data */
}

/* Patience with a thread that has entered and neither links its key nor withdraws: the step takes
 * less than a microsecond unless the thread is preempted in it. */
enum { RELAXES_BEFORE_YIELD = 64, MAX_WAIT_NS = 100000000 };

struct patience {
    unsigned rounds;
    int64_t end_ns;
};

static bool wait_a_little(struct patience *patience)
{
    if (patience->rounds++ < RELAXES_BEFORE_YIELD) {
        ckf_cpu_relax();
        return true;
    }
    if (patience->end_ns == 0)
        patience->end_ns = ckf_deadline_after_ns(MAX_WAIT_NS);
    sched_yield();
    return !ckf_deadline_passed(patience->end_ns);
}

/* --- adding --- */

/* Adds n if the key is there. With `pinned`, pins it too and says where; an entry that is dead is
 * then passed over, and unlinked so that it does not stand in the way of its successor. */
static bool count_in_existing(struct lockfree_map *map, const struct ckf_counter_key *key,
                              uint64_t n, struct ckf_counter_entry **pinned)
{
    ckf_read_begin();
    struct ckf_counter_entry *entry = ckf_counter_index_find(map->index, key);
    bool usable = entry != NULL && (pinned == NULL || pin(entry));
    if (usable) {
        count(entry, n);
        if (pinned != NULL)
            *pinned = entry;
    } else if (entry != NULL) {
        ckf_counter_index_unlink(map->index, entry);
    }
    ckf_read_end();
    return usable;
}

/* True if fresh, which has n in it, is the key's entry now. */
static bool insert(struct lockfree_map *map, struct ckf_counter_entry *fresh)
{
    ckf_read_begin();
    bool inserted = ckf_counter_index_insert(map->index, fresh) == fresh;
    if (inserted)
        admit(map);
    else
        withdraw(map);
    ckf_read_end();
    return inserted;
}

/* Adds n to the key's entry and makes that if need be; with `pinned`, pins it too.
 * CKF_OVERFLOWED: no room. CKF_NO_MEMORY. Nothing has been counted then. */
static enum ckf_status count_in_new(struct lockfree_map *map, const struct ckf_counter_key *key,
                                    uint64_t n, struct ckf_counter_entry **pinned)
{
    uint32_t state = pinned != NULL ? ONE_PIN | HAD_HANDLE : 0;
    struct ckf_counter_entry *fresh = NULL;
    struct patience patience = {0};
    enum ckf_status status = CKF_OK;
    for (;;) {
        /* Before the key is looked for: if there was no room and then no key, it was refused
         * rightly, and if it is what filled the map, it is found. */
        bool full = is_full(map);
        if (count_in_existing(map, key, n, pinned))
            break;
        if (full) {
            status = CKF_OVERFLOWED;
            break;
        }
        if (fresh == NULL && (fresh = make_entry(key, n, state)) == NULL) {
            status = CKF_NO_MEMORY;
            break;
        }
        enum room room = enter(map);
        if (room == ROOM && insert(map, fresh)) {
            if (pinned != NULL)
                *pinned = fresh;
            return CKF_OK;
        }
        if (room == ROOM_UNKNOWN && !wait_a_little(&patience)) {
            status = CKF_OVERFLOWED;
            break;
        }
    }
    ckf_free(fresh);
    return status;
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
    ckf_read_begin();
    struct ckf_counter_entry *entry = ckf_counter_index_find(map->index, key);
    if (CKF_LIKELY(entry != NULL)) {
        count(entry, n);
        ckf_read_end();
        return CKF_OK;
    }
    ckf_read_end();
    return add_to_new_key(map, key, n);
}

/* --- reading and taking --- */

static enum ckf_status read_with(uint64_t (*read)(struct ckf_counter_entry *entry),
                                 struct lockfree_map *map, const struct ckf_counter_key *key,
                                 uint64_t *value)
{
    ckf_read_begin();
    struct ckf_counter_entry *entry = ckf_counter_index_find(map->index, key);
    uint64_t found = entry != NULL ? read(entry) : 0;
    ckf_read_end();
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

static void offer(struct ckf_counter_entry *entry, void *list)
{
    ckf_counter_list_offer(list, entry->bytes, entry->length, entry->hash, value_of(entry));
}

size_t ckf_counter_lockfree_parts(void)
{
    return 1;
}

void ckf_counter_lockfree_list(struct ckf_counter_map *map, size_t part,
                               struct ckf_counter_list *list)
{
    (void)part;
    ckf_read_begin();
    ckf_counter_index_for_each(lockfree(map)->index, offer, list);
    ckf_read_end();
}

size_t ckf_counter_lockfree_len(struct ckf_counter_map *map)
{
    return load_relaxed(&lockfree(map)->linked); /* relaxed: a number, no data behind it */
}

uint64_t ckf_counter_lockfree_overflow(struct ckf_counter_map *map)
{
    return ckf_sharded_sum(&lockfree(map)->overflow);
}

static uint64_t all_adds(struct ckf_counter_entry *entry)
{
    return load_relaxed(&entry->total); /* relaxed: only grows, and no data goes with it */
}

static void sum_up(struct ckf_counter_entry *entry, void *sum)
{
    /* relaxed: DEAD is set under the lock that our caller holds */
    if ((load_relaxed(&entry->state) & DEAD) == 0) /* else it is on the list of the dying */
        *(uint64_t *)sum += all_adds(entry);
}

uint64_t ckf_counter_lockfree_total(struct ckf_counter_map *common)
{
    struct lockfree_map *map = lockfree(common);
    lock_removal(map);
    uint64_t sum = map->gone_total;
    for (struct ckf_counter_entry *entry = map->dying; entry != NULL; entry = entry->next_dying)
        sum += all_adds(entry);
    ckf_read_begin();
    ckf_counter_index_for_each(map->index, sum_up, &sum);
    ckf_read_end();
    unlock_removal(map);
    return sum + ckf_sharded_sum(&map->overflow);
}

/* --- removal --- */

/* Of an entry that was just marked DEAD, inside a section and under the lock. */
static void start_removal(struct lockfree_map *map, struct ckf_counter_entry *entry,
                          struct batch *batch)
{
    ckf_counter_index_unlink(map->index, entry);
    fetch_sub_relaxed(&map->linked, 1); /* relaxed: as in admit() */
    entry->next_dying = map->dying;
    entry->to_this = &map->dying;
    if (map->dying != NULL)
        map->dying->to_this = &entry->next_dying;
    map->dying = entry;
    entry->next_in_batch = batch->first;
    batch->first = entry;
    batch->count++;
}

/* Under the lock, once the value is final. */
static void unlink_dying(struct ckf_counter_entry *entry)
{
    *entry->to_this = entry->next_dying;
    if (entry->next_dying != NULL)
        entry->next_dying->to_this = entry->to_this;
}

static void settle_totals(struct lockfree_map *map, const struct batch *batch)
{
    lock_removal(map);
    for (struct ckf_counter_entry *entry = batch->first; entry; entry = entry->next_in_batch) {
        map->gone_total += all_adds(entry);
        unlink_dying(entry);
        leave(map);
    }
    unlock_removal(map);
}

/* The adders that may still be at these entries are in sections that began before their removal. */
static void finish_removal(struct lockfree_map *map, const struct batch *batch,
                           uint64_t *final_value)
{
    if (batch->count == 0)
        return;
    ckf_wait_for_readers();
    settle_totals(map, batch);
    for (struct ckf_counter_entry *entry = batch->first, *next; entry != NULL; entry = next) {
        next = entry->next_in_batch;
        uint64_t value = value_of(entry);
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
    ckf_read_begin();
    struct ckf_counter_entry *entry = ckf_counter_index_find(map->index, key);
    if (entry != NULL) {
        /* edge entry-dying: acq_rel; handles see DEAD or end their sections before the removal */
        fetch_or_acq_rel(&entry->state, DEAD);
        start_removal(map, entry, &batch);
    }
    ckf_read_end();
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
static unsigned idle_now(struct ckf_counter_entry *entry)
{
    uint64_t total = all_adds(entry);
    bool was_touched = load_relaxed(&entry->was_touched); /* relaxed: as in count() */
    if (was_touched)
        store_relaxed(&entry->was_touched, false);
    if (was_touched || total != entry->swept_total)
        entry->idle_sweeps = 0;
    else if (entry->idle_sweeps < UINT32_MAX)
        entry->idle_sweeps++;
    entry->swept_total = total;
    return entry->idle_sweeps;
}

static bool claim_unpinned(struct ckf_counter_entry *entry)
{
    uint32_t state = load_relaxed(&entry->state);
    do {
        if (state >= ONE_PIN)
            return false;
        /* edge entry-dying: acq_rel, as in remove: the word alone decides between us and a pin */
    } while (!cas_acq_rel(&entry->state, &state, state | DEAD));
    return true;
}

static void sweep_entry(struct ckf_counter_entry *entry, void *arg)
{
    struct sweep *sweep = arg;
    if (idle_now(entry) >= sweep->idle_sweeps && claim_unpinned(entry))
        start_removal(sweep->map, entry, &sweep->batch);
}

size_t ckf_counter_lockfree_expire(struct ckf_counter_map *common, unsigned idle_sweeps)
{
    struct sweep sweep = {.map = lockfree(common), .idle_sweeps = idle_sweeps};
    lock_removal(sweep.map);
    ckf_read_begin();
    ckf_counter_index_for_each(sweep.map->index, sweep_entry, &sweep);
    ckf_read_end();
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
static struct ckf_counter_entry *living_entry(struct lockfree_handle *handle)
{
    /* edge handle-bound: acquire; pairs with the release in add_anew(). */
    struct ckf_counter_entry *entry = load_acquire(&handle->entry);
    if (CKF_UNLIKELY(entry == NULL))
        return NULL;
    /* edge entry-dying: acquire; pairs with the release that sets DEAD: who misses it holds up the
     * removal, and who sees it looks for the key after it was unlinked. */
    return CKF_LIKELY((load_acquire(&entry->state) & DEAD) == 0) ? entry : NULL;
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
    ckf_read_begin();
    struct ckf_counter_entry *entry = living_entry(handle);
    if (CKF_LIKELY(entry != NULL))
        count(entry, n);
    ckf_read_end();
    if (CKF_UNLIKELY(entry == NULL))
        add_anew(handle, n);
}

uint64_t ckf_counter_lockfree_handle_get(struct ckf_counter *counter)
{
    struct lockfree_handle *handle = handle_of(counter);
    struct ckf_counter_key key = key_of(handle);
    ckf_read_begin();
    struct ckf_counter_entry *entry = living_entry(handle);
    if (entry == NULL)
        entry = ckf_counter_index_find(lockfree(counter->map)->index, &key);
    uint64_t value = entry != NULL ? value_of(entry) : 0;
    ckf_read_end();
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
    map->index = ckf_counter_index_create(expected_keys);
    if (map->index == NULL) {
        ckf_free(map);
        return NULL;
    }
    pthread_mutex_init(&map->removal, NULL);
    return &map->common;
}

void ckf_counter_lockfree_free_map(struct ckf_counter_map *common)
{
    struct lockfree_map *map = lockfree(common);
    if (load_relaxed(&map->has_retired)) /* relaxed: nobody else uses the map */
        ckf_wait_for_reclaim();
    ckf_counter_index_destroy(map->index);
    pthread_mutex_destroy(&map->removal);
    ckf_free(map);
}

void ckf_counter_lockfree_before_fork(struct ckf_counter_map *map)
{
    lock_removal(lockfree(map));
}

void ckf_counter_lockfree_after_fork(struct ckf_counter_map *map)
{
    unlock_removal(lockfree(map));
}

static void count_entry(struct ckf_counter_entry *entry, void *number)
{
    (void)entry;
    ++*(uint64_t *)number;
}

void ckf_counter_lockfree_mend_child(struct ckf_counter_map *common)
{
    struct lockfree_map *map = lockfree(common);
    /* Who would have returned these values is not here. */
    for (struct ckf_counter_entry *entry = map->dying, *next; entry != NULL; entry = next) {
        next = entry->next_dying;
        uint64_t value = value_of(entry);
        ckf_sharded_add(&map->overflow, value);
        map->gone_total += all_adds(entry) - value;
        detach(map, entry);
    }
    map->dying = NULL;
    /* Threads that were making keys are not here either: those that they linked are in. */
    uint64_t keys = 0;
    ckf_read_begin();
    ckf_counter_index_for_each(map->index, count_entry, &keys);
    ckf_read_end();
    store_relaxed(&map->linked, keys); /* relaxed: the child has one thread */
    store_relaxed(&map->admission, keys);
}
