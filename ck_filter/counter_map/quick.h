/* counter_map/quick.h - the usual add of the ATOMIC variant, which the door has inlined.
 *
 * Of a key of 8 to 16 bytes that this thread's front knows: a look into that, and a plain store to a word of the
 * thread's own, in a section of two plain stores. All else is a call in the tail, with the caller's own
 * arguments, so that the usual way needs no stack frame.
 */
#ifndef CKF_COUNTER_MAP_QUICK_H
#define CKF_COUNTER_MAP_QUICK_H

#include "counter_map/front.h"
#include "counter_map/lockfree.h"

static inline struct ckf_short_key ckf_short_key_of(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    return (struct ckf_short_key){ckf_read64(at), ckf_read64(at + length - sizeof(uint64_t)),
                                  length};
}

static inline struct ckf_short_key ckf_short_key_of_u64(uint64_t number)
{
    return (struct ckf_short_key){number, number, sizeof number};
}

/* Of any map. False: nothing has been counted. Then *place is that of a light section which has begun, or NULL: none. */
CKF_ALWAYS_INLINE bool ckf_add_quickly(struct ckf_counter_map *map, struct ckf_short_key key,
                                       uint64_t n, struct ckf_place **place)
{
    *place = CKF_LIKELY(!ckf_add_is_marked(n)) ? ckf_section_begin_lightly() : NULL;
    if (CKF_UNLIKELY(*place == NULL))
        return false;
    const struct ckf_kept *kept = ckf_place_kept(*place, map->front_at);
    struct ckf_front *front = kept->cache;
    if (CKF_UNLIKELY(kept->cache_of != map->front_of))
        return false;
    const struct ckf_front_slot *slot =
        ckf_front_find(front, &key, &ckf_lockfree(map)->fence.light.word);
    if (CKF_UNLIKELY(slot == NULL))
        return false;
    ckf_count_in(slot->word, n);
    ckf_section_end_lightly(*place);
    return true;
}

#endif
