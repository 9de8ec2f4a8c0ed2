/* counter_map/front.c - filling a front, and doing without it.
 *
 * A miss costs about as much as a hit spares: a front that does not hold most of what its thread adds to
 * rests for a while, in which nobody looks into it.
 */
#include "counter_map/front.h"

enum {
    FILL_EVERY = 4, /* misses: so that rare keys seldom drive out frequent ones */
    JUDGE_EVERY = 512,
    HITS_OF_A_MISS = 4, /* that are worth it */
    REST = 1 << 18
};

static void judge(struct ckf_front *front)
{
    if (front->hits / HITS_OF_A_MISS < front->misses)
        front->rest = REST;
    front->hits = front->misses = 0;
}

bool ckf_front_fill(struct ckf_front *front, const struct ckf_short_key *key, uint64_t tag,
                    _Atomic(uint64_t) *word)
{
    uint32_t misses = ++front->misses;
    if (misses % CKF_RARELY(FILL_EVERY) == 0) {
        struct ckf_front_set *set = ckf_front_set(front, key);
        size_t way = set->ways[0].tag < tag   ? 0
                     : set->ways[1].tag < tag ? 1
                                              : misses / FILL_EVERY % 2;
        set->ways[way] = (struct ckf_front_slot){tag + key->length, key->first, key->last, word};
    }
    if (misses == JUDGE_EVERY)
        judge(front);
    return front->rest == 0;
}
