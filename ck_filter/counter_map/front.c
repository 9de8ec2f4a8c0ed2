/* counter_map/front.c - filling a front, making it larger, and doing without it.
 *
 * A miss costs about as much as a hit spares: a front that does not hold most of what its thread adds to
 * grows, and when it cannot grow any more it rests for a while, in which nobody looks into it, and for longer each
 * time. How many hits there are for a miss is known from windows: now and then the next adds are counted.
 */
#include "counter_map/front.h"

#include "base/effort.h"
#include "base/memory.h"

enum {
    FILL_EVERY = 4,     /* misses in full sets: so that rare keys seldom drive out frequent ones */
    GROW_BEFORE = 4,    /* a front is too small when this part of its slots has been missed so */
    HITS_ENOUGH = 128,  /* of such a miss: no need for a larger front */
    GROWTH = 4,         /* times */
    JUDGE_EVERY = 2,    /* misses of a slot */
    HITS_OF_A_MISS = 4, /* that are worth it */
    WINDOW = CKF_SIZE(64, 1),
    WINDOWS = 32,           /* while all slots are missed once */
    WINDOW_LEAST_EVERY = 4, /* misses */
    REST = 1 << 18,
    REST_DOUBLINGS = 4
};

struct ckf_front *ckf_front_make(size_t sets)
{
    struct ckf_front *front =
        ckf_alloc_aligned(sizeof *front + sets * sizeof front->sets[0], alignof(struct ckf_front));
    if (front != NULL)
        front->mask = (sets - 1) << CKF_FRONT_SET_BITS;
    return front;
}

/* A slot of the set that is out of date, or NULL. */
static struct ckf_front_slot *free_slot(struct ckf_front_set *set, uint64_t tag)
{
    for (size_t way = 0; way < CKF_FRONT_WAYS; way++)
        if (set->ways[way].tag < tag)
            return &set->ways[way];
    return NULL;
}

/* Where a slot may be filled: in the key's set, or beside it; where both are full, now and then in the place of
 * another one; NULL: nowhere. */
static struct ckf_front_slot *slot_for(struct ckf_front *front, const struct ckf_short_key *key,
                                       uint64_t tag)
{
    uint64_t offset = ckf_front_offset(front, ckf_front_mix(key));
    struct ckf_front_set *set = ckf_front_set_at(front, offset);
    struct ckf_front_slot *slot = free_slot(set, tag);
    if (slot == NULL)
        slot = free_slot(ckf_front_set_at(front, ckf_front_neighbour(offset)), tag);
    if (slot != NULL)
        return slot;
    if (++front->full % CKF_RARELY(FILL_EVERY) != 0)
        return NULL;
    return &set->ways[front->full / FILL_EVERY % CKF_FRONT_WAYS];
}

static _Atomic(uint64_t) *word_in(const struct ckf_front_set *set, const struct ckf_short_key *key,
                                  uint64_t tag)
{
    for (size_t way = 0; way < CKF_FRONT_WAYS; way++) {
        const struct ckf_front_slot *slot = &set->ways[way];
        if (slot->last == key->last && slot->first == key->first &&
            slot->tag == ckf_front_tag_of(tag, key->length))
            return slot->word;
    }
    return NULL;
}

_Atomic(uint64_t) *ckf_front_look_again(struct ckf_front *front, const struct ckf_short_key *key,
                                        uint64_t tag, bool *beside)
{
    uint64_t offset = ckf_front_offset(front, ckf_front_mix(key));
    _Atomic(uint64_t) *word = word_in(ckf_front_set_at(front, offset), key, tag);
    *beside = false;
    if (word == NULL) {
        word = word_in(ckf_front_set_at(front, ckf_front_neighbour(offset)), key, tag);
        *beside = word != NULL;
    }
    if (!*beside && word != NULL && front->window != 0) {
        front->window--;
        front->window_hits++;
    }
    return word;
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

/* Whether there were so many hits for each of `misses`, as far as windows tell. */
static bool has_hits(const struct ckf_front *front, uint64_t hits, uint64_t misses)
{
    return front->window_hits * front->misses >= hits * misses * front->window_misses;
}

static bool is_full(const struct ckf_front *front)
{
    return front->full >= slots_of(front) / GROW_BEFORE &&
           !has_hits(front, HITS_ENOUGH, front->full);
}

static void forget_counts(struct ckf_front *front)
{
    front->misses = front->full = front->window_hits = front->window_misses = 0;
}

/* False: the front rests from now on. */
static bool judge(struct ckf_front *front)
{
    bool pays = has_hits(front, HITS_OF_A_MISS, front->misses);
    if (!pays)
        front->rest = (uint32_t)REST << front->rests;
    front->rests = pays ? 0 : front->rests + (front->rests < REST_DOUBLINGS);
    front->window = 0;
    forget_counts(front);
    return pays;
}

static void note_miss(struct ckf_front *front)
{
    uint64_t every = slots_of(front) / WINDOWS;
    if (front->window != 0) {
        front->window--;
        front->window_misses++;
    }
    if (++front->misses % (every > WINDOW_LEAST_EVERY ? every : WINDOW_LEAST_EVERY) == 0)
        front->window = WINDOW;
}

/* After a miss: true: the front pays, or a larger one is in its place. */
static bool weigh(struct ckf_front **front, uint64_t tag)
{
    note_miss(*front);
    if (is_full(*front))
        return grow(front, tag) || judge(*front);
    return (*front)->misses < JUDGE_EVERY * slots_of(*front) || judge(*front);
}

bool ckf_front_note_beside(struct ckf_front **front, uint64_t tag)
{
    (*front)->full++;
    return weigh(front, tag);
}

bool ckf_front_fill(struct ckf_front **front, const struct ckf_short_key *key, uint64_t tag,
                    _Atomic(uint64_t) *word)
{
    struct ckf_front_slot slot = {ckf_front_tag_of(tag, key->length), key->first, key->last, word};
    fill(*front, slot, key->length, tag);
    return weigh(front, tag);
}
