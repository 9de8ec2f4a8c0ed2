/* counter_map/map.h - what the door, the two variants and their keys share.
 *
 * counter_map.c is the door: it checks arguments, hashes, iterates and forks. locked.c and lockfree.c
 * are the variants behind it, and see only keys that are valid.
 */
#ifndef CKF_COUNTER_MAP_MAP_H
#define CKF_COUNTER_MAP_MAP_H

#include <stdbool.h>
#include <string.h>

#include <ck_filter/counter_map.h>

#include "base/atomics.h"
#include "base/check.h"
#include "base/fold_hash.h"
#include "base/hash.h"
#include "sync/section.h"

struct ckf_counter_list;

/* A key as callers name it: not owned. */
struct ckf_counter_key {
    const void *bytes; /* never NULL */
    size_t length;
    uint64_t hash;
};

/* A key of 8 to 16 bytes, of which these two words are all. */
struct ckf_short_key {
    uint64_t first, last;
    size_t length;
};
enum { CKF_SHORT_KEY_LEAST = 8, CKF_SHORT_KEY_MOST = 16 };

/* The first member of each variant's map. All of it is fixed at creation but for the last part. */
struct ckf_counter_map {
    /* Where an add of a short key finds this thread's front (quick.h): the offset in the thread's place, and what
     * stands there beside it; in a map whose adds have none, a number that nothing has. */
    size_t front_at;
    uint64_t front_of;
    /* The lengths from `short_least` on, of which there are `short_lengths`, make short keys that may be in
     * fronts. */
    size_t short_least, short_lengths;
    enum ckf_variant variant;
    bool has_u64_keys;
    bool uses_siphash; /* from the start */
    struct ckf_fold_key fold_key;
    struct ckf_hash_key sip_key;
    size_t max_keys; /* SIZE_MAX: no bound */
    void (*removed)(const void *key, size_t key_len, uint64_t final_value, void *arg);
    void *removed_arg;
    char *name;

    bool is_ending;          /* destroy has begun: its thread is alone */
    _Atomic(size_t) handles; /* not yet released */
    /* Moves on when a key has been marked that nobody lists any more; in the ATOMIC variant before that as
     * well, so that it is odd while a removal marks keys. */
    _Atomic(uint64_t) removals;
    struct ckf_counter_map *next, **to_this; /* the list of all maps, guarded by its lock */
};

/* The first member of each variant's handle. */
struct ckf_counter {
    /* Where the thread of this gate counts, so that programs do it without a call; NULL: by a call. The
     * owner of a number alone uses its own; all are NULL in the MUTEX variant. */
    _Atomic(_Atomic(uint64_t) *) words[CKF_GATE_POINTERS];
    void (*add)(struct ckf_counter *counter, uint64_t n);
    struct ckf_counter_map *map;
};

/* Adds from here on are marked apart: sums of smaller ones cannot return the sum to where a sweep saw
 * it, short of four billion of them between two sweeps. */
static inline bool ckf_add_is_marked(uint64_t n)
{
    return n - 1 >= UINT64_C(1) << 32; /* and 0 */
}

/* Adds to a word that only this thread writes. */
static inline void ckf_count_in(_Atomic(uint64_t) *word, uint64_t n)
{
    /* edge counter-added: release; pairs with the acquires in count.c and cells.c. relaxed load:
     * nobody else writes the word */
    store_release(word, load_relaxed(word) + n);
}

/* Inlined, because most keys are short. */
static inline bool ckf_bytes_equal(const void *a, const void *b, size_t length)
{
    const unsigned char *x = a, *y = b;
    if (length >= 8) {
        size_t last = length - 8;
        uint64_t differ =
            (ckf_read64(x) ^ ckf_read64(y)) | (ckf_read64(x + last) ^ ckf_read64(y + last));
        for (size_t at = 8; at < last && differ == 0; at += 8)
            differ = ckf_read64(x + at) ^ ckf_read64(y + at);
        return differ == 0;
    }
    if (length >= 4)
        return ckf_read32(x) == ckf_read32(y) &&
               ckf_read32(x + length - 4) == ckf_read32(y + length - 4);
    for (size_t at = 0; at < length; at++)
        if (x[at] != y[at])
            return false;
    return true;
}

static inline bool ckf_counter_key_equals(const struct ckf_counter_key *key, const void *bytes,
                                          size_t length)
{
    return key->length == length && ckf_bytes_equal(key->bytes, bytes, length);
}

/* Hands a value that is returned nowhere else to the user. No lock, no read section. */
static inline void ckf_counter_map_report(struct ckf_counter_map *map, const void *key,
                                          size_t key_len, uint64_t final_value)
{
    if (map->removed != NULL)
        map->removed(key, key_len, final_value, map->removed_arg);
}

typedef bool (*ckf_counter_each_part)(struct ckf_counter_map *map, void *part, void *arg);

static inline uint64_t ckf_counter_hash(const struct ckf_counter_map *map, const void *bytes,
                                        size_t length)
{
    return CKF_UNLIKELY(map->uses_siphash) ? ckf_siphash13(&map->sip_key, bytes, length)
                                           : ckf_fold_hash(&map->fold_key, bytes, length);
}

/* Sets *bytes for the empty key; false: CKF_INVALID. */
static inline bool ckf_counter_key_is_valid(const struct ckf_counter_map *map, const void **bytes,
                                            size_t length)
{
    if (CKF_UNLIKELY(*bytes == NULL)) {
        *bytes = "";
        if (length != 0)
            return false;
    }
    return CKF_LIKELY(map->has_u64_keys ? length == sizeof(uint64_t)
                                        : length <= CKF_COUNTER_MAP_MAX_KEY_BYTES);
}

/* What both variants do. Statuses and meaning are those of the public calls; `value` may be NULL.
 *
 * new_map: an empty map whose common part the door fills in afterwards, or NULL without memory.
 * empty: takes out all keys of a map that nobody else uses any more, and reports them.
 * free_map: of such a map, afterwards.
 * for_each_part, list: iterations go part by part, until `each` says false. A key belongs to one
 *     part for its whole life; list offers each key of a part once, with its value, to a list that
 *     may be too small for them.
 * before_fork, after_fork: lock and unlock the map around a fork; mend_child, in the child, before
 *     after_fork: drop what other threads had in hand. */
#define CKF_COUNTER_MAP_OPERATIONS(prefix)                                                         \
    struct ckf_counter_map *prefix##_new_map(size_t expected_keys);                                \
    void prefix##_empty(struct ckf_counter_map *map);                                              \
    void prefix##_free_map(struct ckf_counter_map *map);                                           \
    enum ckf_status prefix##_add(struct ckf_counter_map *map, const struct ckf_counter_key *key,   \
                                 uint64_t n);                                                      \
    enum ckf_status prefix##_get(struct ckf_counter_map *map, const struct ckf_counter_key *key,   \
                                 uint64_t *value);                                                 \
    enum ckf_status prefix##_take(struct ckf_counter_map *map, const struct ckf_counter_key *key,  \
                                  uint64_t *value);                                                \
    enum ckf_status prefix##_remove(struct ckf_counter_map *map,                                   \
                                    const struct ckf_counter_key *key, uint64_t *final_value);     \
    size_t prefix##_expire(struct ckf_counter_map *map, unsigned idle_sweeps);                     \
    size_t prefix##_len(struct ckf_counter_map *map);                                              \
    uint64_t prefix##_total(struct ckf_counter_map *map);                                          \
    uint64_t prefix##_overflow(struct ckf_counter_map *map);                                       \
    void prefix##_for_each_part(struct ckf_counter_map *map, ckf_counter_each_part each,           \
                                void *arg);                                                        \
    void prefix##_list(struct ckf_counter_map *map, void *part, struct ckf_counter_list *list);    \
    enum ckf_status prefix##_handle(struct ckf_counter_map *map,                                   \
                                    const struct ckf_counter_key *key,                             \
                                    struct ckf_counter **counter);                                 \
    void prefix##_handle_add(struct ckf_counter *counter, uint64_t n);                             \
    uint64_t prefix##_handle_get(struct ckf_counter *counter);                                     \
    void prefix##_handle_release(struct ckf_counter *counter);                                     \
    void prefix##_before_fork(struct ckf_counter_map *map);                                        \
    void prefix##_after_fork(struct ckf_counter_map *map);                                         \
    void prefix##_mend_child(struct ckf_counter_map *map);

CKF_COUNTER_MAP_OPERATIONS(ckf_counter_locked)
CKF_COUNTER_MAP_OPERATIONS(ckf_counter_lockfree)

#endif
