/* counter_map/lockfree.c - the ATOMIC variant: adding, reading, iterating.
 *
 * Roles:      adders, readers and takers, who touch entries inside sections alone; removers
 *             (removal.c); holders of handles, who pin entries (handle.c).
 * Invariants: all adds to an entry are base + own + cells (entry.h), each of which only grows; its
 *             value is that less `taken`, and a take moves `taken` up to a sum that it read, never
 *             anything back.
 * Fast path:  quick.h.
 * Teardown:   the door takes out all keys first; entries that handles once pinned are retired, and
 *             waited for.
 */
#include "counter_map/lockfree.h"

#include <errno.h>

#include "base/memory.h"
#include "counter_map/count.h"
#include "counter_map/list.h"
#include "counter_map/quick.h"
#include "sync/section.h"

/* --- adding --- */

/* A refused entry, which this thread made. */
static void discard(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry)
{
    ckf_counter_index_unlink(&map->index, &map->fence, entry);
    ckf_lockfree_retire(map, entry);
}

/* Adds n to the key's entry if there is one; with `pinned`, pins it too and says where. */
static bool count_in_existing(struct ckf_lockfree_map *map, const struct ckf_counter_key *key,
                              uint64_t n, struct ckf_counter_entry **pinned, bool *full)
{
    struct ckf_place *place = ckf_lockfree_begin(map);
    /* Before the key is looked for: if there was no room and then no key, it is refused rightly, and
     * if it is what filled the map, it is found. */
    *full = ckf_lockfree_is_full(map);
    struct ckf_counter_entry *entry = ckf_counter_index_find(&map->index, key);
    bool usable = entry != NULL && (pinned == NULL || ckf_lockfree_pin(entry));
    if (usable) {
        ckf_lockfree_count(map, entry, n, place);
        if (pinned != NULL)
            *pinned = entry;
    } else if (entry != NULL) {
        *full = false; /* it died just now: look again */
    }
    ckf_section_end(place);
    return usable;
}

enum made { MADE, THERE_ALREADY, NO_ROOM, NO_MEMORY };

/* Links fresh, which has n in it. Another entry that was there already may have been refused since, by
 * somebody who found no room before this call; ours is refused only by who found none during it. */
static enum made link_fresh(struct ckf_lockfree_map *map, struct ckf_counter_entry *fresh)
{
    struct ckf_place *place = ckf_lockfree_begin(map);
    struct ckf_counter_entry *there = ckf_counter_index_insert(&map->index, fresh);
    bool is_in = there != NULL && (!ckf_lockfree_is_bounded(map) || ckf_lockfree_admit(map, there));
    if (is_in && there == fresh)
        /* relaxed: a number for len(); who added a key and then asks is the same thread */
        fetch_add_relaxed(&map->keys, 1);
    ckf_section_end(place);
    if (there == NULL)
        return NO_MEMORY;
    if (!is_in && there == fresh)
        discard(map, fresh);
    else if (there != fresh)
        ckf_lockfree_free_entry(map, fresh);
    return there != fresh ? THERE_ALREADY : is_in ? MADE : NO_ROOM;
}

enum ckf_status ckf_lockfree_count_in_new(struct ckf_lockfree_map *map,
                                          const struct ckf_counter_key *key, uint64_t n,
                                          struct ckf_counter_entry **pinned)
{
    uint64_t state = (pinned != NULL ? CKF_ENTRY_ONE_PIN | CKF_ENTRY_HAD_HANDLE : 0) |
                     (ckf_lockfree_is_bounded(map) ? CKF_ENTRY_PENDING : 0);
    /* The caller of an add has just looked. */
    bool looks = ckf_lockfree_is_bounded(map) || pinned != NULL || map->common.is_ending;
    for (;; looks = true) {
        bool full = false;
        if (looks && count_in_existing(map, key, n, pinned, &full))
            return CKF_OK;
        if (full)
            return CKF_OVERFLOWED;
        struct ckf_counter_entry *fresh = ckf_lockfree_make_entry(map, key, n, state);
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
            ckf_lockfree_free_entry(map, fresh);
            return CKF_NO_MEMORY;
        case THERE_ALREADY:
            break;
        }
    }
}

/* errno is left alone. */
static void make_row(struct ckf_lockfree_map *map, struct ckf_place *place)
{
    int saved_errno = errno;
    (void)ckf_cells_make_row(&map->cells, place);
    errno = saved_errno;
}

static enum ckf_status add_to_new_key(struct ckf_lockfree_map *map,
                                      const struct ckf_counter_key *key, uint64_t n)
{
    int saved_errno = errno;
    enum ckf_status status = ckf_lockfree_count_in_new(map, key, n, NULL);
    errno = saved_errno;
    if (status == CKF_OK) {
        struct ckf_place *place = ckf_thread_place;
        if (!CKF_WATCHES_MEMORY && place != NULL && ckf_cells_row(&map->cells, place) == NULL)
            make_row(map, place); /* for the blocks of the next keys */
        return CKF_OK;
    }
    ckf_sharded_add(&map->overflow, n);
    return CKF_OVERFLOWED;
}

enum ckf_status ckf_counter_lockfree_add(struct ckf_counter_map *common,
                                         const struct ckf_counter_key *key, uint64_t n)
{
    struct ckf_lockfree_map *map = ckf_lockfree(common);
    struct ckf_place *place = ckf_section_begin_behind(&map->fence);
    struct ckf_counter_entry *entry = ckf_counter_index_find(&map->index, key);
    if (entry != NULL)
        ckf_lockfree_count(map, entry, n, place);
    ckf_section_end(place);
    return entry != NULL ? CKF_OK : add_to_new_key(map, key, n);
}

/* Ends the section. */
static enum ckf_status count_in_base(struct ckf_counter_entry *entry, uint64_t n,
                                     struct ckf_place *place)
{
    ckf_lockfree_count_in_base(entry, n);
    ckf_section_end_lightly(place);
    return CKF_OK;
}

/* Of a light section, which it ends. */
static inline enum ckf_status count_quickly(_Atomic(uint64_t) *word, uint64_t n,
                                            struct ckf_place *place)
{
    ckf_count_in(word, n);
    ckf_section_end_lightly(place);
    return CKF_OK;
}

enum { ADDS_OF_A_LOOK = CKF_RARELY(64) }; /* without a front, until it is looked for */

static uint64_t hash_short(const struct ckf_counter_map *map, struct ckf_short_key key)
{
    return ckf_fold_words(&map->fold_key, key.first, key.last, map->fold_key.words[0], key.length);
}

static void write_short(unsigned char *bytes, uint64_t first, uint64_t last, size_t length)
{
    memcpy(bytes, &first, sizeof first);
    memcpy(bytes + length - sizeof last, &last, sizeof last);
}

/* Which has just been looked for, by this hash. */
CKF_NOINLINE static enum ckf_status add_to_new_short_key(struct ckf_lockfree_map *map,
                                                         uint64_t first, uint64_t last,
                                                         size_t length, uint64_t hash, uint64_t n)
{
    unsigned char bytes[CKF_SHORT_KEY_MOST];
    write_short(bytes, first, last, length);
    return add_to_new_key(map, &(struct ckf_counter_key){bytes, length, hash}, n);
}

CKF_COLD static enum ckf_status add_slowly(struct ckf_counter_map *map, uint64_t first,
                                           uint64_t last, size_t length, uint64_t n)
{
    unsigned char bytes[CKF_SHORT_KEY_MOST];
    write_short(bytes, first, last, length);
    struct ckf_counter_key key = {bytes, length, ckf_counter_hash(map, bytes, length)};
    return ckf_counter_lockfree_add(map, &key, n);
}

static uint64_t look_at_fence(struct ckf_lockfree_map *map)
{
    /* edge front-tagged: acquire; pairs with the release in removal.c, forget_words().
     * edge fence-passed: seq_cst, for a store->load race: this section's beginning against this; and acquire, as
     * in ckf_light_fence_stands(), for who finds here that the fence is down. */
    return load_seq_cst(&map->fence.light.word);
}

/* At the beginning of a section: passes the fence. Returns the fronts' tag. */
static uint64_t pass_fence(struct ckf_lockfree_map *map, struct ckf_place *place)
{
    uint64_t word = look_at_fence(map);
    if (CKF_STEP(ckf_fence_mode_in(word) != CKF_FENCE_DOWN)) {
        ckf_section_pass_slowly(&map->fence, place);
        word = look_at_fence(map);
    }
    return word & ~(uint64_t)CKF_FENCE_MODES;
}

/* A miss of this thread's front by a key that was found, in the index or (known) elsewhere in the front. */
CKF_NOINLINE static void note_miss(struct ckf_lockfree_map *map, struct ckf_place *place,
                                   struct ckf_cell_row *row, const struct ckf_short_key *key,
                                   uint64_t tag, _Atomic(uint64_t) *word, bool known)
{
    if (ckf_front_is_shut(tag))
        return;
    int saved_errno = errno;
    bool pays = known ? ckf_front_note_beside(&row->front, tag)
                      : ckf_front_fill(&row->front, key, tag, word);
    errno = saved_errno;
    ckf_cells_use_front(&map->cells, place, pays ? row->front : NULL);
}

/* Of a light section, which it ends. One of so many adds of a thread that goes without a front makes that, or
 * takes it up again. */
CKF_NOINLINE static enum ckf_status look_for_front(struct ckf_lockfree_map *map,
                                                   struct ckf_place *place,
                                                   struct ckf_short_key key, uint64_t tag,
                                                   _Atomic(uint64_t) *word, uint64_t n)
{
    struct ckf_cell_row *row = ckf_cells_row(&map->cells, place);
    if (row == NULL)
        make_row(map, place);
    else if (row->front != NULL && !ckf_front_rests(row->front, ADDS_OF_A_LOOK))
        note_miss(map, place, row, &key, tag, word, false);
    return count_quickly(word, n, place);
}

/* In the thread's front, after the quick way, or where that is closed because the front is watched. */
static inline _Atomic(uint64_t) *look_again(struct ckf_lockfree_map *map, struct ckf_place *place,
                                            const struct ckf_short_key *key, uint64_t tag)
{
    struct ckf_cell_row *row = ckf_cells_row(&map->cells, place);
    bool was_watched = ckf_front_is_watched(row->front), beside;
    _Atomic(uint64_t) *word = ckf_front_look_again(row->front, key, tag, &beside);
    if (beside)
        note_miss(map, place, row, key, tag, word, true);
    else if (CKF_UNLIKELY(was_watched))
        ckf_cells_use_front(&map->cells, place, row->front);
    return word;
}

/* Of a light section, which it ends; n is not marked. */
CKF_ALWAYS_INLINE enum ckf_status add_by_index(struct ckf_counter_map *common,
                                               struct ckf_short_key key, uint64_t n,
                                               struct ckf_place *place, bool has_front)
{
    struct ckf_lockfree_map *map = ckf_lockfree(common);
    bool unsure;
    uint64_t state, hash = hash_short(common, key);
    uint64_t tag = pass_fence(map, place);
    if (has_front) {
        _Atomic(uint64_t) *known = look_again(map, place, &key, tag);
        if (known != NULL)
            return count_quickly(known, n, place);
    }
    struct ckf_counter_entry *entry = ckf_counter_index_find_quickly(
        &map->index, hash, ckf_is_entry_of_short_key, &key, &state, &unsure);
    if (CKF_UNLIKELY(entry == NULL)) {
        ckf_section_end_lightly(place);
        return unsure ? add_slowly(common, key.first, key.last, key.length, n)
                      : add_to_new_short_key(map, key.first, key.last, key.length, hash, n);
    }
    _Atomic(uint64_t) *word = ckf_entry_word(map, entry, state, place);
    if (CKF_UNLIKELY(word == NULL)) {
        word = ckf_lockfree_make_word(map, entry, place);
        if (word == NULL)
            return count_in_base(entry, n, place);
    }
    struct ckf_cell_row *row = has_front ? ckf_cells_row(&map->cells, place) : NULL;
    if (has_front && ckf_front_wants(row->front, word != &entry->own))
        note_miss(map, place, row, &key, tag, word, false);
    if (!has_front && CKF_UNLIKELY(++place->adds_without_cache % ADDS_OF_A_LOOK == 0))
        return look_for_front(map, place, key, tag, word, n);
    return count_quickly(word, n, place);
}

/* The key in parts, which are passed in registers. */
CKF_NOINLINE static enum ckf_status add_missed(struct ckf_counter_map *map, uint64_t first,
                                               uint64_t last, size_t length, uint64_t n,
                                               struct ckf_place *place)
{
    return add_by_index(map, (struct ckf_short_key){first, last, length}, n, place, true);
}

CKF_NOINLINE static enum ckf_status add_without_front(struct ckf_counter_map *map, uint64_t first,
                                                      uint64_t last, size_t length, uint64_t n,
                                                      struct ckf_place *place)
{
    return add_by_index(map, (struct ckf_short_key){first, last, length}, n, place, false);
}

enum ckf_status ckf_lockfree_add_otherwise(struct ckf_counter_map *common, const void *bytes,
                                           size_t length, uint64_t n, struct ckf_place *place)
{
    struct ckf_short_key key = ckf_short_key_of(bytes, length);
    if (CKF_UNLIKELY(place == NULL))
        return add_slowly(common, key.first, key.last, key.length, n);
    if (ckf_cells_have_front(&ckf_lockfree(common)->cells, place))
        return add_missed(common, key.first, key.last, key.length, n, place);
    return add_without_front(common, key.first, key.last, key.length, n, place);
}

enum ckf_status ckf_lockfree_add_u64_otherwise(struct ckf_counter_map *common, uint64_t number,
                                               uint64_t n, struct ckf_place *place)
{
    return ckf_lockfree_add_otherwise(common, &number, sizeof number, n, place);
}

/* --- reading and taking --- */

static enum ckf_status read_with(uint64_t (*read)(struct ckf_lockfree_map *map,
                                                  struct ckf_counter_entry *entry),
                                 struct ckf_lockfree_map *map, const struct ckf_counter_key *key,
                                 uint64_t *value)
{
    struct ckf_place *place = ckf_section_begin_behind(&map->fence);
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
    return read_with(ckf_lockfree_value, ckf_lockfree(map), key, value);
}

enum ckf_status ckf_counter_lockfree_take(struct ckf_counter_map *map,
                                          const struct ckf_counter_key *key, uint64_t *value)
{
    return read_with(ckf_lockfree_take_value, ckf_lockfree(map), key, value);
}

/* --- the whole map --- */

struct part_visit {
    struct ckf_lockfree_map *map;
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
    struct part_visit visit = {.map = ckf_lockfree(map), .each = each, .arg = arg};
    (void)ckf_counter_index_for_each_part(&ckf_lockfree(map)->index, each_part, &visit);
}

static inline void offer(struct ckf_counter_entry *entry, void *arg)
{
    struct part_visit *visit = arg;
    ckf_counter_list_offer(visit->list, entry, entry->bytes, entry->length, entry->hash,
                           ckf_lockfree_value(visit->map, entry));
}

/* The same for each entry of a leaf, with a list that is nobody else's meanwhile. */
static void offer_leaf(struct ckf_lockfree_map *map, uintptr_t link, struct ckf_counter_list *list)
{
    struct ckf_counter_list own = *list;
    struct part_visit visit = {.map = map, .list = &own};
    ckf_leaf_visit(link, CKF_ENTRY_UNFOUND, offer, &visit);
    *list = own;
}

/* A key that was removed and made anew while its part was looked through may be there twice. Its
 * first incarnation is dead by now: who saw the second one sees that too, and that a removal was noted before. */
static void drop_dead(struct ckf_counter_list *list, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < list->count; i++) {
        const struct ckf_counter_entry *entry = list->items[i].origin;
        /* relaxed: ordered by the edge over which the second one was found */
        if ((load_relaxed(&entry->state) & CKF_ENTRY_DEAD) != 0)
            continue;
        if (CKF_UNLIKELY(kept != i))
            list->items[kept] = list->items[i];
        kept++;
    }
    list->count = kept;
}

void ckf_counter_lockfree_list(struct ckf_counter_map *map, void *part,
                               struct ckf_counter_list *list)
{
    size_t listed = list->count;
    struct part_visit visit = {.map = ckf_lockfree(map), .list = list};
    struct ckf_place *place = ckf_lockfree_begin(visit.map);
    /* edge removal-noted: acquire; pairs with the release in removal.c, note_removals(). */
    uint64_t removals = load_acquire(&map->removals);
    /* edge leaf-published: acquire; pairs with the releases in index.c, replace() and plant().
     * edge fence-passed: seq_cst, for a store->load race: this section's beginning against this. */
    uintptr_t link = load_seq_cst(&((struct ckf_counter_link *)part)->word);
    if (CKF_LIKELY((link & CKF_LINK_INNER) == 0))
        offer_leaf(visit.map, link, list);
    else
        ckf_counter_index_visit_part(part, CKF_ENTRY_UNFOUND, offer, &visit);
    /* relaxed: who found the second incarnation of a key sees that a removal was noted */
    bool may_be_twice = removals % 2 != 0 || CKF_STEP(load_relaxed(&map->removals) != removals);
    if (may_be_twice && ckf_counter_list_is_complete(list))
        drop_dead(list, listed);
    ckf_section_end(place);
}

static bool visit_in_section(struct ckf_counter_link *part, void *arg)
{
    struct part_visit *visit = arg;
    /* Passes no fence: removers are kept out by the lock. The section keeps what is replaced and refused. */
    struct ckf_place *place = ckf_section_begin();
    ckf_counter_index_visit_part(part, visit->but_for, visit->visit, visit->arg);
    ckf_section_end(place);
    return true;
}

void ckf_lockfree_for_each(struct ckf_lockfree_map *map, uint32_t but_for,
                           ckf_counter_entry_visit entry_visit, void *arg)
{
    struct part_visit visit = {.map = map, .but_for = but_for, .visit = entry_visit, .arg = arg};
    (void)ckf_counter_index_for_each_part(&map->index, visit_in_section, &visit);
}

size_t ckf_counter_lockfree_len(struct ckf_counter_map *map)
{
    /* relaxed: a number for people. It is one word, so that never more are counted than are in at once: whoever let a
     * key into a full map knew that another one had been taken off. */
    uint64_t keys = load_relaxed(&ckf_lockfree(map)->keys);
    return (int64_t)keys > 0 ? keys : 0;
}

struct sum {
    struct ckf_lockfree_map *map;
    uint64_t sum;
};

static void add_up(struct ckf_counter_entry *entry, void *arg)
{
    struct sum *sum = arg;
    sum->sum += ckf_lockfree_all_adds(sum->map, entry);
}

uint64_t ckf_counter_lockfree_total(struct ckf_counter_map *common)
{
    struct sum sum = {.map = ckf_lockfree(common)};
    struct ckf_lockfree_map *map = sum.map;
    ckf_lockfree_lock(map);
    sum.sum = map->gone_total;
    for (struct ckf_counter_entry *entry = map->dying; entry != NULL;
         entry = ckf_entry_rest(entry)->next_dying)
        add_up(entry, &sum);
    ckf_lockfree_for_each(map, CKF_ENTRY_UNFOUND, add_up, &sum);
    ckf_lockfree_unlock(map);
    return sum.sum + ckf_sharded_sum(&map->overflow);
}

uint64_t ckf_counter_lockfree_overflow(struct ckf_counter_map *map)
{
    return ckf_sharded_sum(&ckf_lockfree(map)->overflow);
}

/* --- the map's life --- */

/* Who finds it held spins a little before it sleeps: it is held for a fraction of a microsecond. */
static void init_spinning(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

struct ckf_counter_map *ckf_counter_lockfree_new_map(size_t expected_keys)
{
    struct ckf_lockfree_map *map = ckf_alloc_aligned(sizeof *map, CKF_CACHELINE);
    if (map == NULL)
        return NULL;
    ckf_section_start();
    atomic_init(&map->fence.light.word, CKF_FRONT_TAG_STEP);
    ckf_counter_index_init(&map->index);
    if (!ckf_counter_index_prepare(&map->index, expected_keys)) {
        ckf_counter_index_destroy(&map->index);
        ckf_free(map);
        return NULL;
    }
    ckf_cells_init(&map->cells);
    ckf_blocks_init(&map->blocks, map);
    init_spinning(&map->removal);
    pthread_mutex_init(&map->arming, NULL);
    return &map->common;
}

void ckf_counter_lockfree_free_map(struct ckf_counter_map *common)
{
    struct ckf_lockfree_map *map = ckf_lockfree(common);
    if (load_relaxed(&map->has_retired)) /* relaxed: nobody else uses the map */
        ckf_wait_for_reclaim();
    ckf_lockfree_free_released(map);
    ckf_counter_index_destroy(&map->index);
    ckf_cells_destroy(&map->cells);
    ckf_blocks_destroy(&map->blocks);
    pthread_mutex_destroy(&map->removal);
    pthread_mutex_destroy(&map->arming);
    ckf_free(map);
}
