/* counter_map/counter_map.c - the door: arguments, hashes, iterations, and forks.
 *
 * Roles:      any thread; the one that forks.
 * Iterations: copy the keys and values of one small part of the map at a time, so that a visitor runs
 *             without any lock and may do what it likes. Once a key has been removed meanwhile, each
 *             is looked up again when its turn comes.
 * Fork:       all maps stand in a list; the forking thread holds their locks over the fork, and the
 *             child drops what threads had in hand that it does not have.
 * Teardown:   no handle is left; the keys go as if they had all expired, and the map after them.
 */
#define CKF_CALLS_ONLY /* what others have inlined is defined here */
#include <pthread.h>

#include "base/caller.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/step.h"
#include "counter_map/list.h"
#include "counter_map/map.h"
#include "counter_map/quick.h"
#include "sync/section.h"

/* Calls the variant's function. */
#define BY_VARIANT(map, operation)                                                                 \
    ((map)->variant == CKF_VARIANT_ATOMIC ? ckf_counter_lockfree_##operation                       \
                                          : ckf_counter_locked_##operation)

#define REQUIRE_MAP(map) CKF_REQUIRE((map) != NULL, "the map must not be NULL")

/* --- keys --- */

static inline bool make_key(const struct ckf_counter_map *map, const void *bytes, size_t length,
                            struct ckf_counter_key *key)
{
    if (!ckf_counter_key_is_valid(map, &bytes, length))
        return false;
    *key = (struct ckf_counter_key){bytes, length, ckf_counter_hash(map, bytes, length)};
    return true;
}

/* Out of line, so that short keys need no stack frame. */
CKF_NOINLINE static enum ckf_status add_any(struct ckf_counter_map *map, const void *bytes,
                                            size_t length, uint64_t n)
{
    struct ckf_counter_key key;
    if (!make_key(map, bytes, length, &key))
        return CKF_INVALID;
    return BY_VARIANT(map, add)(map, &key, n);
}

/* The same from inside a light section, which it ends; place NULL: from outside. */
CKF_COLD static enum ckf_status add_outside(struct ckf_counter_map *map, const void *bytes,
                                            size_t length, uint64_t n, struct ckf_place *place)
{
    if (place != NULL)
        ckf_section_end_lightly(place);
    return add_any(map, bytes, length, n);
}

/* Whether keys of this length may be in fronts, in this map. */
static bool may_be_in_front(const struct ckf_counter_map *map, size_t length)
{
    return CKF_LIKELY(length - map->short_least < map->short_lengths);
}

/* Whether they may be in fronts of some map. */
static bool is_short(size_t length)
{
    return CKF_LIKELY(length - CKF_SHORT_KEY_LEAST <= CKF_SHORT_KEY_MOST - CKF_SHORT_KEY_LEAST);
}

static inline bool add_quickly(struct ckf_counter_map *map, struct ckf_short_key key, uint64_t n,
                               struct ckf_place **place)
{
    return CKF_LIKELY(ckf_add_quickly(map, key, n, place));
}

enum ckf_status ckf_counter_map_add(struct ckf_counter_map *map, const void *bytes, size_t length,
                                    uint64_t n)
{
    REQUIRE_MAP(map);
    struct ckf_place *place;
    if (!is_short(length) || CKF_UNLIKELY(bytes == NULL))
        return add_any(map, bytes, length, n);
    if (add_quickly(map, ckf_short_key_of(bytes, length), n, &place))
        return CKF_OK;
    if (!may_be_in_front(map, length))
        return add_outside(map, bytes, length, n, place);
    return ckf_lockfree_add_otherwise(map, bytes, length, n, place);
}

CKF_COLD static enum ckf_status add_u64_outside(struct ckf_counter_map *map, uint64_t number,
                                                uint64_t n, struct ckf_place *place)
{
    return add_outside(map, &number, sizeof number, n, place);
}

enum ckf_status ckf_counter_map_add_u64(struct ckf_counter_map *map, uint64_t number, uint64_t n)
{
    REQUIRE_MAP(map);
    struct ckf_place *place;
    if (add_quickly(map, ckf_short_key_of_u64(number), n, &place))
        return CKF_OK;
    if (!may_be_in_front(map, sizeof number))
        return add_u64_outside(map, number, n, place);
    return ckf_lockfree_add_u64_otherwise(map, number, n, place);
}

enum ckf_status ckf_counter_map_get(struct ckf_counter_map *map, const void *bytes, size_t length,
                                    uint64_t *value)
{
    struct ckf_counter_key key;
    REQUIRE_MAP(map);
    if (!make_key(map, bytes, length, &key))
        return CKF_INVALID;
    return BY_VARIANT(map, get)(map, &key, value);
}

enum ckf_status ckf_counter_map_take(struct ckf_counter_map *map, const void *bytes, size_t length,
                                     uint64_t *value)
{
    struct ckf_counter_key key;
    REQUIRE_MAP(map);
    if (!make_key(map, bytes, length, &key))
        return CKF_INVALID;
    return BY_VARIANT(map, take)(map, &key, value);
}

enum ckf_status ckf_counter_map_remove(struct ckf_counter_map *map, const void *bytes,
                                       size_t length, uint64_t *final_value)
{
    struct ckf_counter_key key;
    REQUIRE_MAP(map);
    if (!make_key(map, bytes, length, &key))
        return CKF_INVALID;
    struct ckf_caller caller = ckf_caller_save();
    enum ckf_status status = BY_VARIANT(map, remove)(map, &key, final_value);
    ckf_caller_restore(caller);
    return status;
}

size_t ckf_counter_map_expire(struct ckf_counter_map *map, unsigned idle_sweeps)
{
    REQUIRE_MAP(map);
    struct ckf_caller caller = ckf_caller_save();
    size_t expired = BY_VARIANT(map, expire)(map, idle_sweeps);
    ckf_caller_restore(caller);
    return expired;
}

size_t ckf_counter_map_len(const struct ckf_counter_map *map)
{
    REQUIRE_MAP(map);
    return BY_VARIANT(map, len)((struct ckf_counter_map *)map);
}

uint64_t ckf_counter_map_total(struct ckf_counter_map *map)
{
    REQUIRE_MAP(map);
    return BY_VARIANT(map, total)(map);
}

uint64_t ckf_counter_map_overflow(struct ckf_counter_map *map)
{
    REQUIRE_MAP(map);
    return BY_VARIANT(map, overflow)(map);
}

/* --- iterations --- */

/* Adds a part's keys to the list; false without memory. */
static bool list_part(struct ckf_counter_map *map, void *part, struct ckf_counter_list *list)
{
    size_t count = list->count, used = list->used;
    for (;;) {
        BY_VARIANT(map, list)(map, part, list);
        if (ckf_counter_list_is_complete(list))
            return true;
        if (!ckf_counter_list_make_room(list, count, used))
            return false;
    }
}

struct visitor {
    bool takes;
    ckf_counter_visit visit;
    void *arg;
    struct ckf_counter_list list;
    enum ckf_status status;
};

/* What a visit shows of a listed key; false: nothing. */
static bool look_again(struct ckf_counter_map *map, const struct ckf_counter_key *key, bool takes,
                       uint64_t *value)
{
    if (takes)
        return BY_VARIANT(map, take)(map, key, value) == CKF_OK && *value != 0;
    return BY_VARIANT(map, get)(map, key, value) == CKF_OK;
}

static bool visit_part(struct ckf_counter_map *map, void *part, void *arg)
{
    struct visitor *visitor = arg;
    struct ckf_counter_list *list = &visitor->list;
    list->count = list->used = 0;
    /* relaxed: the variant's list, which acquires the same or a lock, has no key whose removal was noted before;
     * and as long as the number stays, no other one was. */
    uint64_t removals = load_relaxed(&map->removals);
    if (!list_part(map, part, list)) {
        visitor->status = CKF_NO_MEMORY;
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct ckf_counter_listed *item = &list->items[i];
        const unsigned char *bytes = ckf_counter_listed_key(list, item);
        uint64_t value = item->value;
        /* relaxed: who knows of a removal sees that it was noted */
        if (visitor->takes || CKF_STEP(load_relaxed(&map->removals) != removals)) {
            struct ckf_counter_key key = {bytes, item->length, item->hash};
            if (!look_again(map, &key, visitor->takes, &value))
                continue;
        }
        if (!visitor->visit(bytes, item->length, value, visitor->arg))
            return false;
    }
    return true;
}

enum { KEYS_OF_A_PART = 64 }; /* more make room as they come */

static enum ckf_status visit_all(struct ckf_counter_map *map, bool takes, ckf_counter_visit visit,
                                 void *arg)
{
    struct visitor visitor = {.takes = takes, .visit = visit, .arg = arg, .status = CKF_OK};
    struct ckf_caller caller = ckf_caller_save();
    if (ckf_counter_list_init(&visitor.list, KEYS_OF_A_PART))
        BY_VARIANT(map, for_each_part)(map, visit_part, &visitor);
    else
        visitor.status = CKF_NO_MEMORY;
    ckf_counter_list_free(&visitor.list);
    ckf_caller_restore(caller);
    return visitor.status;
}

enum ckf_status ckf_counter_map_for_each(struct ckf_counter_map *map, ckf_counter_visit visit,
                                         void *arg)
{
    REQUIRE_MAP(map);
    CKF_REQUIRE(visit != NULL, "the visitor must not be NULL");
    return visit_all(map, false, visit, arg);
}

enum ckf_status ckf_counter_map_take_all(struct ckf_counter_map *map, ckf_counter_visit visit,
                                         void *arg)
{
    REQUIRE_MAP(map);
    CKF_REQUIRE(visit != NULL, "the visitor must not be NULL");
    return visit_all(map, true, visit, arg);
}

struct collector {
    struct ckf_counter_list list;
    bool complete;
};

static bool collect_part(struct ckf_counter_map *map, void *part, void *arg)
{
    struct collector *collector = arg;
    collector->complete = list_part(map, part, &collector->list);
    return collector->complete;
}

static void visit_largest(struct ckf_counter_list *list, size_t k, ckf_counter_visit visit,
                          void *arg)
{
    ckf_counter_list_heapify(list);
    for (size_t left = list->count; left > 0 && k > 0; k--) {
        const struct ckf_counter_listed *item = ckf_counter_list_take_largest(list, &left);
        if (!visit(ckf_counter_listed_key(list, item), item->length, item->value, arg))
            break;
    }
}

enum ckf_status ckf_counter_map_top(struct ckf_counter_map *map, size_t k, ckf_counter_visit visit,
                                    void *arg)
{
    REQUIRE_MAP(map);
    CKF_REQUIRE(visit != NULL, "the visitor must not be NULL");
    struct ckf_caller caller = ckf_caller_save();
    struct collector all = {.complete = true};
    if (!ckf_counter_list_init(&all.list, ckf_counter_map_len(map)))
        all.complete = false;
    else
        BY_VARIANT(map, for_each_part)(map, collect_part, &all);
    if (all.complete)
        visit_largest(&all.list, k, visit, arg);
    ckf_counter_list_free(&all.list);
    ckf_caller_restore(caller);
    return all.complete ? CKF_OK : CKF_NO_MEMORY;
}

/* --- handles --- */

enum ckf_status ckf_counter_map_counter(struct ckf_counter_map *map, const void *bytes,
                                        size_t length, struct ckf_counter **counter)
{
    struct ckf_counter_key key;
    REQUIRE_MAP(map);
    CKF_REQUIRE(counter != NULL, "the place for the handle must not be NULL");
    if (!make_key(map, bytes, length, &key))
        return CKF_INVALID;
    struct ckf_caller caller = ckf_caller_save();
    enum ckf_status status = BY_VARIANT(map, handle)(map, &key, counter);
    ckf_caller_restore(caller);
    if (status == CKF_NO_MEMORY)
        return status;
    fetch_add_relaxed(&map->handles, 1); /* relaxed: read by destroy, ordered after all calls */
    return status;
}

void ckf_counter_add_in_full(struct ckf_counter *counter, uint64_t n)
{
    if (CKF_UNLIKELY(counter == NULL))
        ckf_misuse("ckf_counter_add", "the handle must not be NULL");
    counter->add(counter, n);
}

/* For callers who did not have it inlined. */
void ckf_counter_add(struct ckf_counter *counter, uint64_t n)
{
    struct ckf_place *place = ckf_thread_place;
    if (CKF_LIKELY(counter != NULL && place != NULL && !ckf_add_is_marked(n))) {
        size_t index = ckf_section_begin_by_gate(place) / sizeof(counter->words[0]);
        /* relaxed: set by this thread; who takes it away waits until it has left */
        _Atomic(uint64_t) *word = load_relaxed(&counter->words[index]);
        if (CKF_LIKELY(word != NULL))
            ckf_count_in(word, n);
        ckf_section_end_lightly(place);
        if (CKF_LIKELY(word != NULL))
            return;
    }
    ckf_counter_add_in_full(counter, n);
}

uint64_t ckf_counter_get(struct ckf_counter *counter)
{
    CKF_REQUIRE(counter != NULL, "the handle must not be NULL");
    return BY_VARIANT(counter->map, handle_get)(counter);
}

void ckf_counter_release(struct ckf_counter *counter)
{
    CKF_REQUIRE(counter != NULL, "the handle must not be NULL");
    struct ckf_counter_map *map = counter->map;
    BY_VARIANT(map, handle_release)(counter);
    fetch_sub_relaxed(&map->handles, 1); /* relaxed: as in ckf_counter_map_counter() */
}

/* --- forks --- */

static pthread_mutex_t maps_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ckf_counter_map *maps;

static void before_fork(void)
{
    pthread_mutex_lock(&maps_lock);
    for (struct ckf_counter_map *map = maps; map != NULL; map = map->next)
        BY_VARIANT(map, before_fork)(map);
}

static void after_fork(void)
{
    for (struct ckf_counter_map *map = maps; map != NULL; map = map->next)
        BY_VARIANT(map, after_fork)(map);
    pthread_mutex_unlock(&maps_lock);
}

static void after_fork_in_child(void)
{
    ckf_section_mend_child();
    for (struct ckf_counter_map *map = maps; map != NULL; map = map->next)
        BY_VARIANT(map, mend_child)(map);
    after_fork();
}

static void survive_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

static void enlist(struct ckf_counter_map *map)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, survive_forks);
    pthread_mutex_lock(&maps_lock);
    map->next = maps;
    map->to_this = &maps;
    if (maps != NULL)
        maps->to_this = &map->next;
    maps = map;
    pthread_mutex_unlock(&maps_lock);
}

static void delist(struct ckf_counter_map *map)
{
    pthread_mutex_lock(&maps_lock);
    *map->to_this = map->next;
    if (map->next != NULL)
        map->next->to_this = map->to_this;
    pthread_mutex_unlock(&maps_lock);
}

/* --- the map's life --- */

static bool are_valid(const struct ckf_counter_map_options *options)
{
    unsigned known_flags = CKF_COUNTER_MAP_U64_KEYS | CKF_COUNTER_MAP_SIPHASH;
    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        if (options->reserved[i] != 0)
            return false;
    return (options->flags & ~known_flags) == 0 &&
           (options->variant == CKF_VARIANT_ATOMIC || options->variant == CKF_VARIANT_MUTEX);
}

/* A hint beyond this is not followed: growth is cheap. */
enum { MAX_EXPECTED_KEYS = 1 << 20 };

static size_t keys_to_prepare_for(const struct ckf_counter_map_options *options)
{
    size_t keys = options->expected_keys;
    if (options->max_keys != 0 && keys > options->max_keys)
        keys = options->max_keys;
    return keys < MAX_EXPECTED_KEYS ? keys : MAX_EXPECTED_KEYS;
}

static void prepare_quick_adds(struct ckf_counter_map *map)
{
    map->front_at = offsetof(struct ckf_place, kept);
    map->front_of = UINT64_MAX;
    if (map->variant != CKF_VARIANT_ATOMIC || map->uses_siphash)
        return;
    map->front_at = ckf_lockfree(map)->cells.kept;
    map->front_of = ckf_lockfree(map)->cells.serial;
    map->short_least = CKF_SHORT_KEY_LEAST;
    map->short_lengths =
        (map->has_u64_keys ? sizeof(uint64_t) : CKF_SHORT_KEY_MOST) - CKF_SHORT_KEY_LEAST + 1;
}

static enum ckf_status create(struct ckf_counter_map **result,
                              const struct ckf_counter_map_options *options)
{
    char *name;
    if (!ckf_copy_string(options->name, &name))
        return CKF_NO_MEMORY;
    size_t expected_keys = keys_to_prepare_for(options);
    struct ckf_counter_map *map = options->variant == CKF_VARIANT_ATOMIC
                                      ? ckf_counter_lockfree_new_map(expected_keys)
                                      : ckf_counter_locked_new_map(expected_keys);
    if (map == NULL) {
        ckf_free(name);
        return CKF_NO_MEMORY;
    }
    map->variant = options->variant;
    map->has_u64_keys = (options->flags & CKF_COUNTER_MAP_U64_KEYS) != 0;
    map->max_keys = options->max_keys != 0 ? options->max_keys : SIZE_MAX;
    map->removed = options->removed;
    map->removed_arg = options->removed_arg;
    map->name = name;
    map->uses_siphash = (options->flags & CKF_COUNTER_MAP_SIPHASH) != 0;
    prepare_quick_adds(map);
    ckf_fold_key_init(&map->fold_key);
    ckf_hash_key_init(&map->sip_key);
    enlist(map);
    *result = map;
    return CKF_OK;
}

enum ckf_status ckf_counter_map_create(struct ckf_counter_map **map,
                                       const struct ckf_counter_map_options *options)
{
    static const struct ckf_counter_map_options defaults;
    CKF_REQUIRE(map != NULL, "the place for the map must not be NULL");
    if (options == NULL)
        options = &defaults;
    if (!are_valid(options))
        return CKF_INVALID;
    struct ckf_caller caller = ckf_caller_save();
    enum ckf_status status = create(map, options);
    ckf_caller_restore(caller);
    return status;
}

static size_t handles_left(struct ckf_counter_map *map)
{
    return load_relaxed(&map->handles); /* relaxed: our caller is alone with the map */
}

void ckf_counter_map_destroy(struct ckf_counter_map *map)
{
    REQUIRE_MAP(map);
    CKF_REQUIRE(handles_left(map) == 0, "all handles must have been released");
    struct ckf_caller caller = ckf_caller_save();
    map->is_ending = true;
    BY_VARIANT(map, empty)(map);
    CKF_REQUIRE(handles_left(map) == 0, "all handles must have been released");
    delist(map);
    ckf_free(map->name);
    BY_VARIANT(map, free_map)(map);
    ckf_caller_restore(caller);
}
