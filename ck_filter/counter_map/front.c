/* counter_map/front.c - filling a front, making it larger, and doing without it.
 *
 * A miss costs about as much as a hit spares: a front that does not hold most of what its thread adds to
 * grows, and when it cannot grow any more it rests for a while, in which nobody looks into it.
 */
#include "counter_map/front.h"

#include "base/memory.h"

enum {
    FILL_EVERY = 4, /* misses in a full set: so that rare keys seldom drive out frequent ones */
    GROW_BEFORE =
        4, /* a front is too small when this part of its slots has been missed in full sets */
    HITS_ENOUGH = 128,  /* of such a miss: no need for a larger front */
    GROWTH = 4,         /* times */
    JUDGE_EVERY = 2,    /* misses of a slot */
    HITS_OF_A_MISS = 4, /* that are worth it */
    REST = 1 << 18
};

struct ckf_front *ckf_front_make(size_t sets)
{
    struct ckf_front *front =
        ckf_alloc_aligned(sizeof *front + sets * sizeof front->sets[0], alignof(struct ckf_front));
    if (front != NULL)
        front->mask = (sets - 1) << CKF_FRONT_SET_BITS;
    return front;
}

/* Where a slot may be filled: one that is out of date, or of a full set now and then another one; NULL: nowhere. */
static struct ckf_front_slot *slot_for(struct ckf_front *front, const struct ckf_short_key *key,
                                       uint64_t tag)
{
    struct ckf_front_set *set = ckf_front_set(front, key);
    for (size_t way = 0; way < CKF_FRONT_WAYS; way++)
        if (set->ways[way].tag < tag)
            return &set->ways[way];
    if (++front->full % CKF_RARELY(FILL_EVERY) != 0)
        return NULL;
    return &set->ways[front->full / FILL_EVERY % CKF_FRONT_WAYS];
}

static void fill(struct ckf_front *front, struct ckf_front_slot slot, size_t length, uint64_t tag)
{
    struct ckf_short_key key = {slot.first, slot.last, length};
    struct ckf_front_slot *free = slot_for(front, &key, tag);
    if (free != NULL)
        *free = slot;
}

/* Puts a larger front, with the same places, in the front's place; false: there is none. */
static bool grow(struct ckf_front **front, uint64_t tag)
{
    struct ckf_front *old = *front;
    old->full = 0; /* if there is none now, then later */
    size_t sets = ckf_front_size(old), more = sets * GROWTH;
    if (sets == CKF_FRONT_MOST)
        return false;
    struct ckf_front *fresh = ckf_front_make(more < CKF_FRONT_MOST ? more : CKF_FRONT_MOST);
    if (fresh == NULL)
        return false;
    for (size_t set = 0; set < sets; set++)
        for (size_t way = 0; way < CKF_FRONT_WAYS; way++) {
            struct ckf_front_slot *slot = &old->sets[set].ways[way];
            if (slot->tag > tag)
                fill(fresh, *slot, (slot->tag - tag) / CKF_FENCE_STAMP, tag);
        }
    fresh->full = 0;
    *front = fresh;
    ckf_free(old);
    return true;
}

static uint64_t slots_of(const struct ckf_front *front)
{
    return CKF_FRONT_WAYS * ckf_front_size(front);
}

static bool is_too_small(const struct ckf_front *front)
{
    return front->full >= slots_of(front) / GROW_BEFORE && front->hits / front->full < HITS_ENOUGH;
}

/* False: the front rests from now on. */
static bool judge(struct ckf_front *front)
{
    if (front->hits / front->misses < HITS_OF_A_MISS)
        front->rest = REST;
    front->hits = front->misses = front->full = 0;
    return front->rest == 0;
}

bool ckf_front_fill(struct ckf_front **front, const struct ckf_short_key *key, uint64_t tag,
                    _Atomic(uint64_t) *word)
{
    struct ckf_front_slot slot = {ckf_front_tag_of(tag, key->length), key->first, key->last, word};
    fill(*front, slot, key->length, tag);
    if (is_too_small(*front) && grow(front, tag))
        return true;
    return ++(*front)->misses < JUDGE_EVERY * slots_of(*front) || judge(*front);
}
