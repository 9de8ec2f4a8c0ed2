/* counter_map/handle.c - handles of the ATOMIC variant.
 *
 * Roles:      any thread adds and reads through a handle; removers; whoever releases it.
 * Binding:    a handle is bound to an entry, which it pins; after a removal the next add binds it to the
 *             key's next incarnation.
 * Arming:     a thread that comes often finds in the handle the word in which it counts the entry's key,
 *             and so adds without a call, in a section of its own (<ck_filter/counter_map.h>).
 * Invariant:  a handle that is armed for anybody stands in its entry's list. Both change under the map's
 *             `arming` lock alone, which nobody waits for but removers, and never once the entry is DEAD. Who
 *             removes a pinned key disarms and marks under the lock, so that whoever has seen that the key is
 *             gone finds no word any more; and waits for the sections afterwards, with a barrier, since armed
 *             sections pass no fence.
 * Teardown:   who releases a handle while the lock is held leaves it to the next holder.
 */
#include <errno.h>

#include "base/memory.h"
#include "counter_map/count.h"
#include "sync/section.h"

struct ckf_lockfree_handle {
    struct ckf_counter common;
    _Atomic(struct ckf_counter_entry *) entry; /* pinned by us; NULL: there was no room */
    bool was_armed;                            /* set by adders, read by the release */
    /* Guarded by `arming`. */
    struct ckf_counter_entry *armed_for; /* in whose list it stands, or NULL */
    struct ckf_lockfree_handle *next, **to_this;
    struct ckf_lockfree_handle *next_released;
    uint64_t hash;
    size_t length;
    unsigned char bytes[];
};

static struct ckf_lockfree_handle *handle_of(struct ckf_counter *counter)
{
    return (struct ckf_lockfree_handle *)(void *)counter;
}

static struct ckf_counter_key key_of(const struct ckf_lockfree_handle *handle)
{
    return (struct ckf_counter_key){handle->bytes, handle->length, handle->hash};
}

/* --- arming --- */

/* Under the lock. */
static void enlist(struct ckf_lockfree_handle *handle, struct ckf_counter_entry *entry)
{
    struct ckf_lockfree_handle **list = &ckf_entry_rest(entry)->armed;
    handle->armed_for = entry;
    handle->was_armed = true;
    /* relaxed, both: guarded by the lock */
    if ((load_relaxed(&entry->state) & CKF_ENTRY_WAS_ARMED) == 0) {
        *list = NULL;
        fetch_or_relaxed(&entry->state, CKF_ENTRY_WAS_ARMED);
    }
    handle->next = *list;
    handle->to_this = list;
    if (*list != NULL)
        (*list)->to_this = &handle->next;
    *list = handle;
}

/* Under the lock: from here on nobody finds a word in the handle. */
static void disarm(struct ckf_lockfree_handle *handle)
{
    if (handle->armed_for == NULL)
        return;
    for (size_t i = 0; i < CKF_GATE_POINTERS; i++)
        if (load_relaxed(&handle->common.words[i]) != NULL)
            /* relaxed: the barrier before the wait for sections orders it, as it orders their look */
            store_relaxed(&handle->common.words[i], NULL);
    *handle->to_this = handle->next;
    if (handle->next != NULL)
        handle->next->to_this = handle->to_this;
    handle->armed_for = NULL;
}

/* Under the lock, if anybody else uses the map. */
void ckf_lockfree_free_released(struct ckf_lockfree_map *map)
{
    /* edge handle-left: acquire; pairs with the release in ckf_counter_lockfree_handle_release(). */
    struct ckf_lockfree_handle *handle = exchange_acquire(&map->released, NULL);
    for (struct ckf_lockfree_handle *next; handle != NULL; handle = next) {
        next = handle->next_released;
        disarm(handle);
        ckf_free(handle);
    }
}

static bool try_lock_arming(struct ckf_lockfree_map *map)
{
    return pthread_mutex_trylock(&map->arming) == 0;
}

void ckf_lockfree_lock_arming(struct ckf_lockfree_map *map)
{
    int error = pthread_mutex_lock(&map->arming);
    if (error != 0)
        ckf_die("pthread_mutex_lock", error);
}

void ckf_lockfree_unlock_arming(struct ckf_lockfree_map *map)
{
    ckf_lockfree_free_released(map);
    pthread_mutex_unlock(&map->arming);
}

bool ckf_lockfree_disarm_locked(struct ckf_counter_entry *entry)
{
    /* relaxed: guarded by the lock. Also by handles that have been armed for another one meanwhile. */
    bool was_armed = (load_relaxed(&entry->state) & CKF_ENTRY_WAS_ARMED) != 0;
    if (was_armed)
        for (struct ckf_counter_rest *rest = ckf_entry_rest(entry); rest->armed != NULL;)
            disarm(rest->armed);
    return was_armed;
}

bool ckf_lockfree_disarm(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    /* relaxed: who arms afterwards takes the lock, and sees that the entry is dead; who armed before has
     * set this flag, pinning it, before the entry was marked. */
    if ((load_relaxed(&entry->state) & CKF_ENTRY_HAD_HANDLE) == 0)
        return false;
    ckf_lockfree_lock_arming(map);
    bool was_armed = ckf_lockfree_disarm_locked(entry);
    ckf_lockfree_unlock_arming(map);
    return was_armed;
}

/* This thread counts the entry's key in the word; the next times without a call. Never waits. */
CKF_COLD static void arm(struct ckf_lockfree_map *map, struct ckf_lockfree_handle *handle,
                         struct ckf_counter_entry *entry, _Atomic(uint64_t) *word, size_t index)
{
    if (!try_lock_arming(map))
        return;
    /* relaxed: a removal that has not marked the entry by now takes the lock after us */
    if ((load_relaxed(&entry->state) & CKF_ENTRY_DEAD) == 0) {
        if (handle->armed_for != entry) {
            disarm(handle);
            enlist(handle, entry);
        }
        store_relaxed(&handle->common.words[index], word); /* relaxed: our own */
    }
    ckf_lockfree_unlock_arming(map);
}

/* --- a handle's life --- */

enum ckf_status ckf_counter_lockfree_handle(struct ckf_counter_map *map,
                                            const struct ckf_counter_key *key,
                                            struct ckf_counter **counter)
{
    struct ckf_lockfree_handle *handle =
        ckf_alloc_aligned(sizeof *handle + key->length, CKF_CACHELINE);
    if (handle == NULL)
        return CKF_NO_MEMORY;
    struct ckf_counter_entry *pinned = NULL;
    enum ckf_status status = ckf_lockfree_count_in_new(ckf_lockfree(map), key, 0, &pinned);
    if (status == CKF_NO_MEMORY) {
        ckf_free(handle);
        return status;
    }
    handle->common.map = map;
    handle->common.add = ckf_counter_lockfree_handle_add;
    handle->hash = key->hash;
    handle->length = key->length;
    memcpy(handle->bytes, key->bytes, key->length);
    atomic_init(&handle->entry, pinned);
    *counter = &handle->common;
    return status;
}

void ckf_counter_lockfree_handle_release(struct ckf_counter *counter)
{
    struct ckf_lockfree_handle *handle = handle_of(counter);
    struct ckf_lockfree_map *map = ckf_lockfree(counter->map);
    struct ckf_counter_entry *entry =
        load_relaxed(&handle->entry); /* relaxed: ordered after all its calls */
    if (entry != NULL)
        ckf_lockfree_unpin(map, entry);
    if (!handle->was_armed) {
        ckf_free(handle);
        return;
    }
    handle->next_released = load_relaxed(&map->released); /* relaxed: only handed on */
    /* edge handle-left: release; pairs with the acquire in ckf_lockfree_free_released(). */
    while (!cas_release(&map->released, &handle->next_released, handle))
        ;
    if (try_lock_arming(map))
        ckf_lockfree_unlock_arming(map);
}

/* --- adding and reading --- */

/* The handle's entry if it is alive, and its state; inside a section. */
static inline struct ckf_counter_entry *living_entry(struct ckf_lockfree_handle *handle,
                                                     uint64_t *state)
{
    /* edge handle-bound: acquire; pairs with the release in add_anew(). */
    struct ckf_counter_entry *entry = load_acquire(&handle->entry);
    if (CKF_UNLIKELY(entry == NULL))
        return NULL;
    /* edge entry-dying: acquire; pairs with the release that sets DEAD: who misses it holds up the
     * removal, and who sees it looks for the key after it was marked.
     * edge entry-promoted: acquire; pairs with the release in count.c, promote().
     * edge fence-passed: seq_cst, for a store->load race: this section's beginning against this. */
    *state = load_seq_cst(&entry->state);
    return CKF_LIKELY((*state & CKF_ENTRY_DEAD) == 0) ? entry : NULL;
}

/* The key was removed, or had no room: adds to its next incarnation and pins that instead. */
static void add_anew(struct ckf_lockfree_handle *handle, uint64_t n)
{
    struct ckf_lockfree_map *map = ckf_lockfree(handle->common.map);
    struct ckf_counter_key key = key_of(handle);
    struct ckf_counter_entry *pinned = NULL;
    /* relaxed: only compared, below */
    struct ckf_counter_entry *old = load_relaxed(&handle->entry);
    int saved_errno = errno;
    enum ckf_status status = ckf_lockfree_count_in_new(map, &key, n, &pinned);
    errno = saved_errno;
    if (status != CKF_OK) {
        ckf_sharded_add(&map->overflow, n);
        return;
    }
    /* edge handle-bound: release; pairs with the acquire in living_entry(). Whoever swaps an entry
     * out gives its pin back; others may still look at it, inside sections. It is the one that the key had, or
     * that the index did not lead to any more: either way the index has handed it over. */
    if (!cas_release(&handle->entry, &old, pinned))
        old = pinned;
    if (old != NULL)
        ckf_lockfree_unpin(map, old);
}

CKF_COLD static void add_slowly(struct ckf_lockfree_handle *handle, uint64_t n)
{
    struct ckf_lockfree_map *map = ckf_lockfree(handle->common.map);
    struct ckf_place *place = ckf_lockfree_begin(map);
    uint64_t state;
    struct ckf_counter_entry *entry = living_entry(handle, &state);
    if (entry != NULL)
        ckf_lockfree_count(map, entry, n, place);
    ckf_section_end(place);
    if (entry == NULL)
        add_anew(handle, n);
}

/* Of a light section, which it ends. */
static inline void count(struct ckf_lockfree_handle *handle, struct ckf_counter_entry *entry,
                         uint64_t state, uint64_t n, struct ckf_place *place)
{
    struct ckf_lockfree_map *map = ckf_lockfree(handle->common.map);
    _Atomic(uint64_t) *word = ckf_entry_word(map, entry, state, place);
    if (CKF_UNLIKELY(word == NULL || ckf_add_is_marked(n))) {
        ckf_lockfree_count(map, entry, n, place);
    } else {
        size_t index = ckf_gate_index(place);
        ckf_count_in(word, n);
        /* relaxed: our own */
        if (index != 0 && CKF_UNLIKELY(load_relaxed(&handle->common.words[index]) != word))
            arm(map, handle, entry, word, index);
    }
    ckf_section_end_lightly(place);
}

void ckf_counter_lockfree_handle_add(struct ckf_counter *counter, uint64_t n)
{
    struct ckf_lockfree_handle *handle = handle_of(counter);
    struct ckf_place *place = ckf_section_begin_lightly();
    if (CKF_LIKELY(place != NULL)) {
        uint64_t state;
        struct ckf_counter_entry *entry = ckf_fence_stands(&ckf_lockfree(counter->map)->fence)
                                              ? NULL
                                              : living_entry(handle, &state);
        if (CKF_LIKELY(entry != NULL)) {
            count(handle, entry, state, n, place);
            return;
        }
        ckf_section_end_lightly(place);
    }
    add_slowly(handle, n);
}

uint64_t ckf_counter_lockfree_handle_get(struct ckf_counter *counter)
{
    struct ckf_lockfree_handle *handle = handle_of(counter);
    struct ckf_lockfree_map *map = ckf_lockfree(counter->map);
    struct ckf_counter_key key = key_of(handle);
    struct ckf_place *place = ckf_lockfree_begin(map);
    uint64_t state;
    struct ckf_counter_entry *entry = living_entry(handle, &state);
    if (entry == NULL)
        entry = ckf_counter_index_find(&map->index, &key);
    uint64_t value = entry != NULL ? ckf_lockfree_value(map, entry) : 0;
    ckf_section_end(place);
    return value;
}
