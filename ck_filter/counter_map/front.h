/* counter_map/front.h - where a thread counts the keys that it met last: a cache of places, not of counts.
 *
 * Maps a short key to the word in which this thread counts it, so that a key that comes often is neither
 * hashed nor looked up. It grows while it misses too often, up to a limit. Hits are not counted, but now and then, in
 * a window, among the next adds, which then take a longer way. Belongs to the holder of a thread number, as the
 * words do; only inside sections.
 *
 * A slot holds good while the map's `front_tag` is what it was when its section began to look for the
 * key. A removal moves the tag on before it marks keys, to one under which fronts know nothing and learn nothing, so that
 * who has seen that a key is gone does not count in its word; and again when nobody finds its entries any more. Then it
 * waits for the sections: one that has an old tag is waited for, and one that has the new tag finds other entries.
 */
#ifndef CKF_COUNTER_MAP_FRONT_H
#define CKF_COUNTER_MAP_FRONT_H

#include <stdalign.h>

#include "base/effort.h"
#include "counter_map/map.h"

enum {
    CKF_FRONT_LEAST = CKF_SIZE(1 << 8, 2), /* sets */
    CKF_FRONT_MOST_BITS = CKF_SIZE(14, 2),
    CKF_FRONT_MOST = 1 << CKF_FRONT_MOST_BITS,
    CKF_FRONT_WAYS = 2,
    CKF_FRONT_SET_BITS = 6,   /* of the size of a set */
    CKF_FRONT_FILL_OWNED = 4, /* misses of keys that are counted in their entries */
    CKF_FRONT_LENGTHS = 32,
    CKF_FRONT_TAG_STEP = CKF_FRONT_LENGTHS * CKF_FENCE_STAMP /* the length is added to the tag */
};

_Static_assert(CKF_SHORT_KEY_MOST < (int)CKF_FRONT_LENGTHS, "a tag and a length are told apart");

/* What the slot of a key of this length has under the tag. */
static inline uint64_t ckf_front_tag_of(uint64_t tag, size_t length)
{
    return tag + length * CKF_FENCE_STAMP;
}

/* True of every other tag: a removal is marking keys. */
static inline bool ckf_front_is_shut(uint64_t tag)
{
    return tag / CKF_FRONT_TAG_STEP % 2 == 0;
}

struct ckf_front_slot {
    uint64_t tag, first, last; /* 0: nothing here */
    _Atomic(uint64_t) *word;
};

struct ckf_front {
    uint64_t mask;   /* of the offset of a set, in bytes */
    uint64_t misses; /* since the front was last judged, but for those that were left out */
    uint64_t full;   /* those of keys that have no place in their sets */
    uint64_t owned;  /* misses of keys that are counted in their entries */
    uint32_t window; /* adds to come that are counted */
    uint32_t window_hits, window_misses; /* since the front was last judged */
    uint32_t rest;                       /* adds to come until it is used again */
    uint32_t rests;                      /* in a row */
    struct ckf_front_set {
        alignas(64) struct ckf_front_slot ways[CKF_FRONT_WAYS]; /* one line */
    } sets[];
};

_Static_assert(sizeof(struct ckf_front_set) == 1 << CKF_FRONT_SET_BITS, "a set has one line");

static inline size_t ckf_front_size(const struct ckf_front *front)
{
    return (front->mask >> CKF_FRONT_SET_BITS) + 1;
}

/* An empty front of so many sets, a power of two; NULL without memory. */
struct ckf_front *ckf_front_make(size_t sets);

/* No secret: who chooses keys that share a set makes them be looked up. */
static inline uint64_t ckf_front_mix(const struct ckf_short_key *key)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    return (key->first * odd ^ key->last) * odd;
}

/* Where the key's set begins. The highest bits: the front's size is no matter of how far they are shifted. */
static inline uint64_t ckf_front_offset(const struct ckf_front *front, uint64_t mixed)
{
    return mixed >> (64 - CKF_FRONT_MOST_BITS - CKF_FRONT_SET_BITS) & front->mask;
}

static inline struct ckf_front_set *ckf_front_set_at(struct ckf_front *front, uint64_t offset)
{
    return (struct ckf_front_set *)(void *)((char *)front->sets + offset);
}

/* Where keys go for which there is no place in the set at this offset. */
static inline uint64_t ckf_front_neighbour(uint64_t offset)
{
    return offset ^ 1 << CKF_FRONT_SET_BITS;
}

/* The slot of the key, if this thread knows where it counts that; NULL otherwise. tag: the word of the map's
 * fence, which is loaded inside this section. While the fence is not down nothing is known. */
static inline const struct ckf_front_slot *ckf_front_find(struct ckf_front *front,
                                                          const struct ckf_short_key *key,
                                                          const _Atomic(uint64_t) *tag)
{
    struct ckf_front_set *set =
        ckf_front_set_at(front, ckf_front_offset(front, ckf_front_mix(key)));
    const struct ckf_front_slot *slot = &set->ways[0], *other = &set->ways[1];
    ckf_compute_once(other);
    slot = CKF_UNPREDICTABLE(slot->last != key->last) ? other : slot;
    ckf_compute_once(slot);
    if (CKF_UNLIKELY(slot->first != key->first || slot->last != key->last))
        return NULL;
    /* relaxed: whoever moves the tag on or raises the fence has a barrier, or finds a fence that was raised by one:
     * then it sees a section that has the tag as it was before; see docs/ordering/counter_map.md */
    if (CKF_UNLIKELY(slot->tag != ckf_front_tag_of(load_relaxed(tag), key->length)))
        return NULL;
    return slot;
}

/* The same in a section that has passed the fence, wherever the key may lie: its word, or NULL. tag: loaded
 * inside this section, without the fence's mode. Counts the hits of a window. *beside: the key had no place in its
 * own set. */
_Atomic(uint64_t) *ckf_front_look_again(struct ckf_front *front, const struct ckf_short_key *key,
                                        uint64_t tag, bool *beside);

/* After a look that found a key beside its set; otherwise as ckf_front_fill(). */
bool ckf_front_note_beside(struct ckf_front **front, uint64_t tag);

/* After a miss of a key that is there, of a front that does not rest; tag: loaded before the key was looked
 * for. May put a larger one in the front's place. False: the front does not pay now, do without it. */
bool ckf_front_fill(struct ckf_front **front, const struct ckf_short_key *key, uint64_t tag,
                    _Atomic(uint64_t) *word);

/* Whether a word that was missed should be filled in. Not at once one in an entry: another thread may be about to
 * meet that, and in cells words lie closer together. */
static inline bool ckf_front_wants(struct ckf_front *front, bool is_in_cells)
{
    return is_in_cells || ++front->owned % CKF_RARELY(CKF_FRONT_FILL_OWNED) == 0;
}

/* Whether adds are counted now, so that they come by ckf_front_look_again(). */
static inline bool ckf_front_is_watched(const struct ckf_front *front)
{
    return front->window != 0;
}

/* Whether nobody looks into the front now. So many adds less to come. */
static inline bool ckf_front_rests(struct ckf_front *front, uint32_t adds)
{
    front->rest -= front->rest < adds ? front->rest : adds;
    return front->rest > 0;
}

#endif
