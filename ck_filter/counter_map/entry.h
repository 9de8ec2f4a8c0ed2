/* counter_map/entry.h - one incarnation of a key, from the add that makes it to its removal.
 *
 * The first cache line has all that an add to a key of up to 16 bytes touches. Counts never move:
 * each add goes to one of three places, each of which only grows, modulo 2^64,
 *
 *     base    anybody, by fetch_add
 *     own     the thread that has claimed the entry, by a plain store
 *     cells   each thread its own, once the entry has been promoted (cells.h)
 *
 * and all adds ever = base + own + cells. A value is that less `taken`, which takes move up to a sum
 * that they read.
 */
#ifndef CKF_COUNTER_MAP_ENTRY_H
#define CKF_COUNTER_MAP_ENTRY_H

#include <stdalign.h>
#include <stddef.h>

#include "counter_map/blocks.h"
#include "counter_map/map.h"
#include "sync/reclaim.h"

/* The low bits of an entry's address are free for whoever stores it. */
enum { CKF_ENTRY_ALIGN = CKF_BLOCK };

/* `state`: flags; above them a number and the number of handles that pin the entry. One word, so that
 * an add knows by one load that the entry lives and where to count. Adds go to base, or to own once the
 * entry is OWNED by the thread of the number, or at last to cells, when it is HOT and the number an id. */
enum ckf_entry_state {
    CKF_ENTRY_DEAD = 1,     /* removed, or refused: no key has it any more */
    CKF_ENTRY_PENDING = 2,  /* linked, but whether the map has room is not yet decided */
    CKF_ENTRY_DETACHED = 4, /* the removal has ended: the memory belongs to the pins left */
    CKF_ENTRY_HAD_HANDLE =
        8, /* a handle may be looking at it in a section even after its last pin */
    CKF_ENTRY_WAS_ARMED = 16, /* handles have led to its words; set under the map's `arming` lock */
    CKF_ENTRY_OWNED = 32,
    CKF_ENTRY_HOT = 64,
    CKF_ENTRY_NUMBER_SHIFT = 8,
    CKF_ENTRY_PIN_SHIFT = 32
};
#define CKF_ENTRY_HOME    ((UINT64_C(1) << CKF_ENTRY_PIN_SHIFT) - CKF_ENTRY_OWNED) /* and the number */
#define CKF_ENTRY_ONE_PIN (UINT64_C(1) << CKF_ENTRY_PIN_SHIFT)

struct ckf_counter_entry {
    alignas(CKF_ENTRY_ALIGN) uint64_t hash; /* this and the length never change */
    uint32_t length;
    _Atomic(uint16_t) heat;    /* of samples: count.c */
    _Atomic(bool) was_touched; /* by an add that the sum need not show; adders set, sweeps clear */
    unsigned char group_bits;  /* of the group in which its block lies; 0: it is loose */
    _Atomic(uint64_t) state;
    union {
        struct {
            _Atomic(uint64_t) base, own, taken;
        };
        struct ckf_retired retired; /* once nobody counts in it any more */
    };
    unsigned char bytes[]; /* the key; after it, aligned, or in its block's side: the rest */
};

struct ckf_lockfree_map;
struct ckf_lockfree_handle;

/* What adds do not touch. Nothing of it is written before it is needed, nor is it zeroed. */
struct ckf_counter_rest {
    /* Guarded by the map's `removal` lock, but for `next`. */
    union {
        uint64_t swept_total;           /* all adds at the last sweep; alive ones */
        struct ckf_counter_entry *next; /* of a batch that is removed together: the remover's */
    };
    union {
        uint32_t idle_sweeps;               /* in a row that found nothing new; alive ones */
        struct ckf_counter_entry **to_this; /* in the list of the dying */
    };
    union {
        /* Guarded by the map's `arming` lock: handles that lead to words of the entry, once it WAS_ARMED. They
         * are let go of before it is among the dying. */
        struct ckf_lockfree_handle *armed;
        /* The list of the dying. Not one of batches, which are on stacks that a forked child does not have. */
        struct ckf_counter_entry *next_dying;
    };
};

/* Behind the key of one that is not in a block. */
struct ckf_counter_loose {
    struct ckf_counter_rest rest;
    struct ckf_lockfree_map *map;
};

_Static_assert(sizeof(struct ckf_counter_rest) <= CKF_BLOCK_SIDE, "a block's side holds the rest");

static inline size_t ckf_entry_loose_offset(size_t length)
{
    size_t align = alignof(struct ckf_counter_loose);
    return (offsetof(struct ckf_counter_entry, bytes) + length + align - 1) & ~(align - 1);
}

static inline struct ckf_counter_loose *ckf_entry_loose(struct ckf_counter_entry *entry)
{
    char *bytes = (char *)entry + ckf_entry_loose_offset(entry->length);
    return (struct ckf_counter_loose *)(void *)bytes;
}

static inline bool ckf_entry_fits_in_block(size_t length)
{
    return offsetof(struct ckf_counter_entry, bytes) + length <= CKF_BLOCK;
}

static inline struct ckf_counter_rest *ckf_entry_rest(struct ckf_counter_entry *entry)
{
    return entry->group_bits != 0
               ? (struct ckf_counter_rest *)ckf_block_side(entry, entry->group_bits)
               : &ckf_entry_loose(entry)->rest;
}

static inline struct ckf_lockfree_map *ckf_entry_map(struct ckf_counter_entry *entry)
{
    return entry->group_bits != 0
               ? (struct ckf_lockfree_map *)ckf_block_owner(entry, entry->group_bits)
               : ckf_entry_loose(entry)->map;
}

static inline uint32_t ckf_entry_number(uint64_t state)
{
    return (uint32_t)state >> CKF_ENTRY_NUMBER_SHIFT;
}

/* Where the entry's adds go, if it is owned or hot: this and nothing else is equal for equal homes. */
static inline uint64_t ckf_entry_home(uint64_t flag, uint32_t number)
{
    return flag | (uint64_t)number << CKF_ENTRY_NUMBER_SHIFT;
}

static inline bool ckf_entry_has_key(const struct ckf_counter_entry *entry,
                                     struct ckf_counter_key key)
{
    return entry->hash == key.hash && entry->length == key.length &&
           ckf_bytes_equal(entry->bytes, key.bytes, key.length);
}

static inline bool ckf_entry_has_short_key(const struct ckf_counter_entry *entry,
                                           struct ckf_short_key key)
{
    return entry->length == key.length && ckf_read64(entry->bytes) == key.first &&
           ckf_read64(entry->bytes + key.length - sizeof(uint64_t)) == key.last;
}

#endif
