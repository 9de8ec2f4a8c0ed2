/* counter_map/index.h - from keys to entries, for any number of threads at once.
 *
 * Everything here but create and destroy runs inside a read section (sync/reclaim), which keeps the
 * entries that it finds in memory. Entries belong to the map: the index links and unlinks them.
 */
#ifndef CKF_COUNTER_MAP_INDEX_H
#define CKF_COUNTER_MAP_INDEX_H

#include <stdalign.h>

#include "counter_map/map.h"
#include "sync/reclaim.h"

enum { CKF_COUNTER_ENTRY_ALIGN = 64 };

/* One incarnation of a key, from the add that makes it to its removal. */
struct ckf_counter_entry {
    alignas(CKF_COUNTER_ENTRY_ALIGN) struct ckf_retired retired;
    struct ckf_counter_entry *next_in_batch; /* of removals: the remover's alone */
    /* Guarded by the map's `removal` lock: links of the dying entries, and what sweeps know. */
    struct ckf_counter_entry *next_dying, **to_this;
    uint64_t swept_total;      /* `total` at the last sweep */
    uint32_t idle_sweeps;      /* sweeps in a row that found nothing new */
    _Atomic(bool) was_touched; /* by an add that `total` need not show; adders set, sweeps clear */

    alignas(CKF_COUNTER_ENTRY_ALIGN) void *link[2]; /* of the index: cds_lfht_node */
    uint64_t hash;                                  /* these three never change */
    uint32_t length;
    _Atomic(uint32_t)
        state; /* enum entry_state of lockfree.c; its first store publishes the entry */
    _Atomic(uint64_t) total; /* all adds: only grows, modulo 2^64 */
    _Atomic(uint64_t) taken; /* the part of it that takes have returned: value = total - taken */
    unsigned char bytes[];
};

struct ckf_counter_index;

/* NULL without memory. */
struct ckf_counter_index *ckf_counter_index_create(size_t expected_keys);
/* Of an empty index that nobody uses. Not inside a section. */
void ckf_counter_index_destroy(struct ckf_counter_index *index);

/* The key's entry, or NULL. Wait-free as long as the hash spreads. */
struct ckf_counter_entry *ckf_counter_index_find(struct ckf_counter_index *index,
                                                 const struct ckf_counter_key *key);

/* Links the entry, whose hash and key are set and published, unless its key has one: returns the
 * entry that is there. Lock-free. */
struct ckf_counter_entry *ckf_counter_index_insert(struct ckf_counter_index *index,
                                                   struct ckf_counter_entry *entry);

/* Makes sure that the entry, which has been linked, is not any more. Lock-free. */
void ckf_counter_index_unlink(struct ckf_counter_index *index, struct ckf_counter_entry *entry);

/* Visits each entry that is linked throughout once, and any key at most once. */
void ckf_counter_index_for_each(struct ckf_counter_index *index,
                                void (*visit)(struct ckf_counter_entry *entry, void *arg),
                                void *arg);

#endif
