/* counter_map/lockfree.h - what the files of the ATOMIC variant share.
 *
 * lockfree.c adds, reads and iterates; handle.c adds through handles; count.[ch] knows where an entry's
 * adds go; admission.c keeps the bound; removal.c takes keys out, and mends a forked child; entry.c makes
 * and gives back entries.
 */
#ifndef CKF_COUNTER_MAP_LOCKFREE_H
#define CKF_COUNTER_MAP_LOCKFREE_H

#include <pthread.h>

#include "base/cacheline.h"
#include "base/check.h"
#include "base/wide_cas.h"
#include "counter_map/blocks.h"
#include "counter_map/cells.h"
#include "counter_map/index.h"
#include "counter_map/map.h"
#include "sync/sharded_counter.h"

struct ckf_lockfree_map {
    struct ckf_counter_map common;
    struct ckf_fence fence; /* its stamp is the fronts' tag; removers move it on, under the lock */
    struct ckf_cells cells;
    struct ckf_counter_index index;
    struct ckf_blocks blocks;  /* of entries with short keys */
    _Atomic(bool) has_retired; /* entries: destroy waits for them */
    _Atomic(bool) has_loose;   /* entries that are not in blocks: destroy frees them one by one */
    _Atomic(uint32_t) period;  /* of samples */

    /* Who makes keys. low: keys that are in, dying ones included, and the number of changes; high:
     * the entry that was let in last. Where there is a bound. */
    CKF_CACHELINE_ALIGNED struct ckf_wide admission;
    /* That are there; for a moment less than 0, if the last one is removed before who made it counts it. */
    _Atomic(uint64_t) keys;

    CKF_CACHELINE_ALIGNED pthread_mutex_t removal; /* guards the next two */
    struct ckf_counter_entry *dying;
    uint64_t gone_total; /* of entries whose removal has ended */

    CKF_CACHELINE_ALIGNED pthread_mutex_t arming;   /* what it guards: handle.c */
    _Atomic(struct ckf_lockfree_handle *) released; /* to be freed by who has the lock */

    struct ckf_sharded_counter overflow;
};

static inline struct ckf_lockfree_map *ckf_lockfree(struct ckf_counter_map *map)
{
    return (struct ckf_lockfree_map *)(void *)map;
}

/* All sections that may meet a removal begin so: by this, or inlined, by ckf_section_begin_behind or its steps. */
static inline struct ckf_place *ckf_lockfree_begin(struct ckf_lockfree_map *map)
{
    return ckf_section_begin_behind_by_call(&map->fence);
}

static inline bool ckf_lockfree_is_bounded(const struct ckf_lockfree_map *map)
{
    return map->common.max_keys != SIZE_MAX;
}

static inline void ckf_lockfree_lock(struct ckf_lockfree_map *map)
{
    int error = pthread_mutex_lock(&map->removal);
    if (error != 0)
        ckf_die("pthread_mutex_lock", error);
}

static inline void ckf_lockfree_unlock(struct ckf_lockfree_map *map)
{
    pthread_mutex_unlock(&map->removal);
}

/* Visits all entries whose state has none of these flags, each part in a section of its own. */
void ckf_lockfree_for_each(struct ckf_lockfree_map *map, uint32_t but_for,
                           ckf_counter_entry_visit visit, void *arg);

/* --- lockfree.c --- */

/* Adds n to the key's entry and makes that if need be; with `pinned`, pins it too. Not inside a section.
 * CKF_OVERFLOWED: no room. CKF_NO_MEMORY. Nothing has been counted then. */
enum ckf_status ckf_lockfree_count_in_new(struct ckf_lockfree_map *map,
                                          const struct ckf_counter_key *key, uint64_t n,
                                          struct ckf_counter_entry **pinned);

/* An add of a short key that is not to be had quickly (quick.h), to be called by who has tried: ends the section of
 * the place; NULL: there is none. */
enum ckf_status ckf_lockfree_add_otherwise(struct ckf_counter_map *map, const void *bytes,
                                           size_t length, uint64_t n, struct ckf_place *place);
enum ckf_status ckf_lockfree_add_u64_otherwise(struct ckf_counter_map *map, uint64_t number,
                                               uint64_t n, struct ckf_place *place);

/* --- handle.c --- */

/* Handles do not lead to the words of the entry, which is dead, any more. True: some did; who may still be
 * adding there has passed no fence. */
bool ckf_lockfree_disarm(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry);
/* The same under the `arming` lock, of an entry that may be alive. */
bool ckf_lockfree_disarm_locked(struct ckf_counter_entry *entry);
/* Of a map that nobody uses any more. */
void ckf_lockfree_free_released(struct ckf_lockfree_map *map);
/* Nobody arms; around a fork as well. */
void ckf_lockfree_lock_arming(struct ckf_lockfree_map *map);
void ckf_lockfree_unlock_arming(struct ckf_lockfree_map *map);

/* --- entry.c --- */

/* An entry that nobody knows, with n in it; NULL without memory. Never waits. */
struct ckf_counter_entry *ckf_lockfree_make_entry(struct ckf_lockfree_map *map,
                                                  const struct ckf_counter_key *key, uint64_t n,
                                                  uint64_t state);
/* Of one that nobody knows, or nobody any more. Lock-free, as far as the allocator is. */
void ckf_lockfree_free_entry(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry);
/* Of a map whose blocks all go next. */
void ckf_lockfree_free_at_end(struct ckf_counter_entry *entry);
/* For those at which somebody may still be looking inside a section. */
void ckf_lockfree_retire(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry);
/* The removal's part of an entry, after a grace period; the pins may be left. */
void ckf_lockfree_detach(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry);
/* False: it is dead. Inside a section. */
bool ckf_lockfree_pin(struct ckf_counter_entry *entry);
void ckf_lockfree_unpin(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry);

/* --- admission.c --- */

/* True if at one moment of the call there was no room. Inside a section. */
bool ckf_lockfree_is_full(struct ckf_lockfree_map *map);
/* Settles the fate of an entry that is linked; true: it is in, or was. Inside a section. */
bool ckf_lockfree_admit(struct ckf_lockfree_map *map, struct ckf_counter_entry *entry);
/* Refuses an entry whose fate is open; false: it is not, or no longer. */
bool ckf_lockfree_refuse(struct ckf_counter_entry *entry);
/* No word leads to the entry any more, which is dead. */
void ckf_lockfree_forget(struct ckf_lockfree_map *map, const struct ckf_counter_entry *entry);
/* Gives a key's room back. */
void ckf_lockfree_leave(struct ckf_lockfree_map *map);
/* In a forked child. */
void ckf_lockfree_settle_claim(struct ckf_lockfree_map *map);
void ckf_lockfree_set_keys(struct ckf_lockfree_map *map, uint64_t keys);

#endif
