/* counter_map/locked.c - the MUTEX variant: 64 shards, each a hash table under a mutex.
 *
 * Roles:      every call locks the shard of its key; calls on the whole map lock one after another.
 * Invariants: a key belongs to the shard that its hash's top bits name. A shard's table is open
 *             addressing with linear probing, at most three quarters full; an entry stays where it is
 *             in memory while slots move. `added` is the sum of all adds that the shard has seen,
 *             whatever became of them.
 * Locks:      a shard's lock, then keys_lock, which guards the number of keys.
 * Fork:       the forking thread holds `forking` and freezes each shard, one lock at a time; who
 *             meets a frozen shard waits for `forking`. So all shards are whole in the child, whose
 *             own thread may find their locks taken by threads that it does not have.
 * Removal:    takes the entry out of the table under the lock, and holds it like a handle would
 *             while `removed` runs without it.
 * Teardown:   the door takes out all keys first.
 */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "base/cacheline.h"
#include "base/check.h"
#include "base/memory.h"
#include "counter_map/list.h"
#include "counter_map/map.h"

/* One incarnation of a key. Guarded by its shard's lock, but for what never changes. */
struct entry {
    uint64_t value;    /* since it was made or last taken */
    uint64_t last_add; /* `sweeps` of the shard at that time */
    unsigned pins;     /* by handles, and by the removal that reports it */
    bool is_in_table;
    struct entry *next_removed; /* the remover's alone */
    uint64_t hash;              /* these never change */
    size_t length;
    unsigned char bytes[];
};

struct slot {
    uint64_t hash;
    struct entry *entry; /* NULL: free */
};

struct shard {
    CKF_CACHELINE_ALIGNED pthread_mutex_t lock; /* guards all of it */
    struct slot *slots;
    size_t slot_count; /* a power of two, or 0 before the first key */
    size_t used;
    uint64_t added; /* all adds, those in overflow included */
    uint64_t overflow;
    uint64_t sweeps; /* that have passed */
    bool is_frozen;  /* a fork is in progress: only the forking thread changes anything */
};

enum { SHARD_BITS = 6, SHARDS = 1 << SHARD_BITS, MIN_SLOTS = 16 };

struct locked_map {
    struct ckf_counter_map common;
    pthread_mutex_t forking;   /* held over a fork */
    pthread_mutex_t keys_lock; /* guards the next one */
    size_t keys;
    struct shard shards[SHARDS];
};

struct locked_handle {
    struct ckf_counter common;
    struct shard *shard;
    struct entry *entry; /* pinned by us; NULL: there was no room; guarded by the shard's lock */
    uint64_t hash;
    size_t length;
    unsigned char bytes[];
};

static struct locked_map *locked(struct ckf_counter_map *map)
{
    return (struct locked_map *)(void *)map;
}

static void lock(pthread_mutex_t *mutex)
{
    int error = pthread_mutex_lock(mutex);
    if (CKF_UNLIKELY(error != 0))
        ckf_die("pthread_mutex_lock", error);
}

static void unlock(pthread_mutex_t *mutex)
{
    pthread_mutex_unlock(mutex);
}

static void lock_shard(struct locked_map *map, struct shard *shard)
{
    lock(&shard->lock);
    while (CKF_UNLIKELY(shard->is_frozen)) {
        unlock(&shard->lock);
        lock(&map->forking);
        unlock(&map->forking);
        lock(&shard->lock);
    }
}

static void unlock_shard(struct shard *shard)
{
    unlock(&shard->lock);
}

static struct shard *lock_shard_of(struct ckf_counter_map *map, const struct ckf_counter_key *key)
{
    struct shard *shard = &locked(map)->shards[key->hash >> (64 - SHARD_BITS)];
    lock_shard(locked(map), shard);
    return shard;
}

/* --- the table of a shard, under its lock --- */

/* The key's slot, or the free one where it belongs. The table has a free slot. */
static struct slot *find_slot(const struct shard *shard, const struct ckf_counter_key *key)
{
    size_t mask = shard->slot_count - 1;
    for (size_t at = key->hash & mask;; at = (at + 1) & mask) {
        struct slot *slot = &shard->slots[at];
        if (slot->entry == NULL ||
            (slot->hash == key->hash &&
             ckf_counter_key_equals(key, slot->entry->bytes, slot->entry->length)))
            return slot;
    }
}

static struct entry *find(const struct shard *shard, const struct ckf_counter_key *key)
{
    return shard->slot_count == 0 ? NULL : find_slot(shard, key)->entry;
}

static struct slot *free_slot(struct slot *slots, size_t slot_count, uint64_t hash)
{
    size_t at = hash & (slot_count - 1);
    while (slots[at].entry != NULL)
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static bool resize(struct shard *shard, size_t slot_count)
{
    struct slot *slots = ckf_alloc_array(slot_count, sizeof *slots);
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < shard->slot_count; i++)
        if (shard->slots[i].entry != NULL)
            *free_slot(slots, slot_count, shard->slots[i].hash) = shard->slots[i];
    ckf_free(shard->slots);
    shard->slots = slots;
    shard->slot_count = slot_count;
    return true;
}

static bool has_room_for(size_t used, size_t slot_count)
{
    return used < slot_count / 4 * 3;
}

static bool make_slot_free(struct shard *shard)
{
    if (has_room_for(shard->used, shard->slot_count))
        return true;
    return resize(shard, shard->slot_count == 0 ? MIN_SLOTS : 2 * shard->slot_count);
}

/* Closes the gap: each entry behind it moves up if that brings it no further than its own place
 * (Knuth, TAOCP 3, 6.4, algorithm R). */
static void close_gap(struct shard *shard, size_t gap)
{
    size_t mask = shard->slot_count - 1;
    for (size_t at = (gap + 1) & mask; shard->slots[at].entry != NULL; at = (at + 1) & mask) {
        size_t home = shard->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            shard->slots[gap] = shard->slots[at];
            gap = at;
        }
    }
    shard->slots[gap].entry = NULL;
}

/* --- keys --- */

static bool reserve_key(struct locked_map *map)
{
    lock(&map->keys_lock);
    bool reserved = !map->common.is_ending && map->keys < map->common.max_keys;
    map->keys += reserved;
    unlock(&map->keys_lock);
    return reserved;
}

static void give_key_back(struct locked_map *map)
{
    lock(&map->keys_lock);
    map->keys--;
    unlock(&map->keys_lock);
}

static struct entry *make_entry(struct shard *shard, const struct ckf_counter_key *key)
{
    if (!make_slot_free(shard))
        return NULL;
    struct entry *entry = ckf_alloc(sizeof *entry + key->length);
    if (entry == NULL)
        return NULL;
    entry->is_in_table = true;
    entry->hash = key->hash;
    entry->length = key->length;
    memcpy(entry->bytes, key->bytes, key->length);
    *find_slot(shard, key) = (struct slot){key->hash, entry};
    shard->used++;
    return entry;
}

/* CKF_OVERFLOWED: no room. CKF_NO_MEMORY. *entry is NULL then. */
static enum ckf_status find_or_make(struct locked_map *map, struct shard *shard,
                                    const struct ckf_counter_key *key, struct entry **entry)
{
    *entry = find(shard, key);
    if (CKF_LIKELY(*entry != NULL))
        return CKF_OK;
    if (!reserve_key(map))
        return CKF_OVERFLOWED;
    int saved_errno = errno;
    *entry = make_entry(shard, key);
    errno = saved_errno;
    if (*entry == NULL) {
        give_key_back(map);
        return CKF_NO_MEMORY;
    }
    return CKF_OK;
}

/* Under the lock; entry NULL: in overflow. */
static void count(struct shard *shard, struct entry *entry, uint64_t n)
{
    shard->added += n;
    if (CKF_UNLIKELY(entry == NULL)) {
        shard->overflow += n;
        return;
    }
    entry->value += n;
    entry->last_add = shard->sweeps;
}

/* Under the lock. */
static void unpin(struct entry *entry)
{
    if (--entry->pins == 0 && !entry->is_in_table)
        ckf_free(entry);
}

/* Under the lock; the entry is pinned for whoever reports it. */
static struct entry *take_out(struct locked_map *map, struct shard *shard, size_t at)
{
    struct entry *entry = shard->slots[at].entry;
    /* relaxed: whoever lists keys takes the lock that is held here */
    fetch_add_relaxed(&map->common.removals, 1);
    entry->is_in_table = false;
    entry->pins++;
    close_gap(shard, at);
    shard->used--;
    give_key_back(map);
    return entry;
}

enum ckf_status ckf_counter_locked_add(struct ckf_counter_map *map,
                                       const struct ckf_counter_key *key, uint64_t n)
{
    struct entry *entry;
    struct shard *shard = lock_shard_of(map, key);
    enum ckf_status status = find_or_make(locked(map), shard, key, &entry);
    count(shard, entry, n);
    unlock_shard(shard);
    return status == CKF_OK ? CKF_OK : CKF_OVERFLOWED;
}

enum ckf_status ckf_counter_locked_get(struct ckf_counter_map *map,
                                       const struct ckf_counter_key *key, uint64_t *value)
{
    struct shard *shard = lock_shard_of(map, key);
    const struct entry *entry = find(shard, key);
    uint64_t found = entry != NULL ? entry->value : 0;
    unlock_shard(shard);
    if (value != NULL)
        *value = found;
    return entry != NULL ? CKF_OK : CKF_NOT_FOUND;
}

enum ckf_status ckf_counter_locked_take(struct ckf_counter_map *map,
                                        const struct ckf_counter_key *key, uint64_t *value)
{
    struct shard *shard = lock_shard_of(map, key);
    struct entry *entry = find(shard, key);
    uint64_t found = 0;
    if (entry != NULL) {
        found = entry->value;
        entry->value = 0;
    }
    unlock_shard(shard);
    if (value != NULL)
        *value = found;
    return entry != NULL ? CKF_OK : CKF_NOT_FOUND;
}

static void let_go(struct locked_map *map, struct shard *shard, struct entry *entry)
{
    lock_shard(map, shard);
    unpin(entry);
    unlock_shard(shard);
}

enum ckf_status ckf_counter_locked_remove(struct ckf_counter_map *map,
                                          const struct ckf_counter_key *key, uint64_t *final_value)
{
    struct shard *shard = lock_shard_of(map, key);
    struct entry *entry = find(shard, key);
    if (entry != NULL)
        take_out(locked(map), shard, (size_t)(find_slot(shard, key) - shard->slots));
    unlock_shard(shard);
    if (entry == NULL) {
        if (final_value != NULL)
            *final_value = 0;
        return CKF_NOT_FOUND;
    }
    /* out of the table, its value never changes again */
    if (final_value != NULL)
        *final_value = entry->value;
    else
        ckf_counter_map_report(map, entry->bytes, entry->length, entry->value);
    let_go(locked(map), shard, entry);
    return CKF_OK;
}

/* Takes out what is idle, and puts it in front of `removed`. */
static struct entry *sweep_shard(struct locked_map *map, struct shard *shard, unsigned idle_sweeps,
                                 struct entry *removed)
{
    lock_shard(map, shard);
    for (size_t at = 0; at < shard->slot_count;) {
        struct entry *entry = shard->slots[at].entry;
        bool goes =
            entry != NULL && entry->pins == 0 && shard->sweeps - entry->last_add >= idle_sweeps;
        if (!goes) {
            at++;
            continue;
        }
        take_out(map, shard, at); /* and look again: another entry may have moved here */
        entry->next_removed = removed;
        removed = entry;
    }
    shard->sweeps++;
    unlock_shard(shard);
    return removed;
}

size_t ckf_counter_locked_expire(struct ckf_counter_map *map, unsigned idle_sweeps)
{
    struct entry *removed = NULL;
    size_t count = 0;
    for (size_t i = 0; i < SHARDS; i++)
        removed = sweep_shard(locked(map), &locked(map)->shards[i], idle_sweeps, removed);
    for (struct entry *next; removed != NULL; removed = next, count++) {
        next = removed->next_removed;
        ckf_counter_map_report(map, removed->bytes, removed->length, removed->value);
        ckf_free(removed); /* nobody else pins it: it was not pinned, and is in no table */
    }
    return count;
}

void ckf_counter_locked_empty(struct ckf_counter_map *map)
{
    (void)ckf_counter_locked_expire(map, 0);
}

/* --- the whole map --- */

size_t ckf_counter_locked_len(struct ckf_counter_map *map)
{
    lock(&locked(map)->keys_lock);
    size_t keys = locked(map)->keys;
    unlock(&locked(map)->keys_lock);
    return keys;
}

uint64_t ckf_counter_locked_total(struct ckf_counter_map *map)
{
    uint64_t sum = 0;
    for (struct shard *shard = locked(map)->shards; shard < locked(map)->shards + SHARDS; shard++) {
        lock_shard(locked(map), shard);
        sum += shard->added;
        unlock_shard(shard);
    }
    return sum;
}

uint64_t ckf_counter_locked_overflow(struct ckf_counter_map *map)
{
    uint64_t sum = 0;
    for (struct shard *shard = locked(map)->shards; shard < locked(map)->shards + SHARDS; shard++) {
        lock_shard(locked(map), shard);
        sum += shard->overflow;
        unlock_shard(shard);
    }
    return sum;
}

void ckf_counter_locked_for_each_part(struct ckf_counter_map *map, ckf_counter_each_part each,
                                      void *arg)
{
    for (size_t i = 0; i < SHARDS; i++)
        if (!each(map, &locked(map)->shards[i], arg))
            return;
}

void ckf_counter_locked_list(struct ckf_counter_map *map, void *part, struct ckf_counter_list *list)
{
    struct shard *shard = part;
    lock_shard(locked(map), shard);
    for (size_t at = 0; at < shard->slot_count; at++) {
        const struct entry *entry = shard->slots[at].entry;
        if (entry != NULL)
            ckf_counter_list_offer(list, entry, entry->bytes, entry->length, entry->hash,
                                   entry->value);
    }
    unlock_shard(shard);
}

/* --- handles --- */

static struct locked_handle *handle_of(struct ckf_counter *counter)
{
    return (struct locked_handle *)(void *)counter;
}

/* Under the lock: the handle's entry if it is alive, else the key's next incarnation, pinned. */
static enum ckf_status bind(struct locked_handle *handle)
{
    if (CKF_LIKELY(handle->entry != NULL && handle->entry->is_in_table))
        return CKF_OK;
    struct ckf_counter_key key = {handle->bytes, handle->length, handle->hash};
    struct entry *entry;
    enum ckf_status status = find_or_make(locked(handle->common.map), handle->shard, &key, &entry);
    if (entry != NULL)
        entry->pins++;
    if (handle->entry != NULL)
        unpin(handle->entry);
    handle->entry = entry;
    return status;
}

enum ckf_status ckf_counter_locked_handle(struct ckf_counter_map *map,
                                          const struct ckf_counter_key *key,
                                          struct ckf_counter **counter)
{
    struct locked_handle *handle = ckf_alloc(sizeof *handle + key->length);
    if (handle == NULL)
        return CKF_NO_MEMORY;
    handle->common.map = map;
    handle->common.add = ckf_counter_locked_handle_add;
    handle->hash = key->hash;
    handle->length = key->length;
    memcpy(handle->bytes, key->bytes, key->length);
    handle->shard = lock_shard_of(map, key);
    enum ckf_status status = bind(handle);
    count(handle->shard, handle->entry, 0);
    unlock_shard(handle->shard);
    if (status == CKF_NO_MEMORY)
        ckf_free(handle);
    else
        *counter = &handle->common;
    return status;
}

void ckf_counter_locked_handle_add(struct ckf_counter *counter, uint64_t n)
{
    struct locked_handle *handle = handle_of(counter);
    lock_shard(locked(counter->map), handle->shard);
    (void)bind(handle); /* without room or memory there is no entry, and n goes to overflow */
    count(handle->shard, handle->entry, n);
    unlock_shard(handle->shard);
}

uint64_t ckf_counter_locked_handle_get(struct ckf_counter *counter)
{
    struct locked_handle *handle = handle_of(counter);
    struct ckf_counter_key key = {handle->bytes, handle->length, handle->hash};
    uint64_t value = 0;
    (void)ckf_counter_locked_get(counter->map, &key, &value);
    return value;
}

void ckf_counter_locked_handle_release(struct ckf_counter *counter)
{
    struct locked_handle *handle = handle_of(counter);
    if (handle->entry != NULL)
        let_go(locked(counter->map), handle->shard, handle->entry);
    ckf_free(handle);
}

/* --- the map's life --- */

static void init_locks(struct locked_map *map)
{
    pthread_mutex_init(&map->keys_lock, NULL);
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&map->shards[i].lock, NULL);
}

struct ckf_counter_map *ckf_counter_locked_new_map(size_t expected_keys)
{
    struct locked_map *map = ckf_alloc_aligned(sizeof *map, CKF_CACHELINE);
    if (map == NULL)
        return NULL;
    size_t slot_count = MIN_SLOTS;
    while (!has_room_for(expected_keys / SHARDS, slot_count))
        slot_count *= 2;
    pthread_mutex_init(&map->forking, NULL);
    init_locks(map);
    bool complete = true;
    if (expected_keys > 0)
        for (size_t i = 0; i < SHARDS && complete; i++)
            complete = resize(&map->shards[i], slot_count);
    if (complete)
        return &map->common;
    ckf_counter_locked_free_map(&map->common);
    return NULL;
}

void ckf_counter_locked_free_map(struct ckf_counter_map *map)
{
    for (size_t i = 0; i < SHARDS; i++) {
        ckf_free(locked(map)->shards[i].slots);
        pthread_mutex_destroy(&locked(map)->shards[i].lock);
    }
    pthread_mutex_destroy(&locked(map)->keys_lock);
    pthread_mutex_destroy(&locked(map)->forking);
    ckf_free(map);
}

static void set_frozen(struct locked_map *map, bool is_frozen)
{
    for (size_t i = 0; i < SHARDS; i++) {
        lock(&map->shards[i].lock);
        map->shards[i].is_frozen = is_frozen;
        unlock(&map->shards[i].lock);
    }
}

void ckf_counter_locked_before_fork(struct ckf_counter_map *map)
{
    lock(&locked(map)->forking);
    set_frozen(locked(map), true);
}

void ckf_counter_locked_after_fork(struct ckf_counter_map *map)
{
    set_frozen(locked(map), false);
    unlock(&locked(map)->forking);
}

void ckf_counter_locked_mend_child(struct ckf_counter_map *map)
{
    init_locks(locked(map)); /* others may have held them, looking at what is frozen */
}
