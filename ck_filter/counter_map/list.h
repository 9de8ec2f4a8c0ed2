/* counter_map/list.h - a private copy of keys, so that they can be visited without any lock.
 *
 * Filled in one go while nothing may be allocated: what does not fit is only counted, and the
 * caller makes room and fills once more. Short keys lie in the items.
 */
#ifndef CKF_COUNTER_MAP_LIST_H
#define CKF_COUNTER_MAP_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

enum { CKF_LISTED_SHORT = 16 };

struct ckf_counter_listed {
    const void *origin; /* what the offerer knows it by */
    uint64_t value, hash;
    size_t length;
    union {
        unsigned char bytes[CKF_LISTED_SHORT]; /* of a short key */
        size_t offset;                         /* of another one in the list's bytes */
    } key;
};

struct ckf_counter_list {
    struct ckf_counter_listed *items;
    unsigned char *bytes;
    size_t count, capacity; /* items offered (more than capacity: not all are there), and room */
    size_t used, size;      /* the same for bytes */
};

/* An empty list with room for so many keys of middling length; false without memory. */
bool ckf_counter_list_init(struct ckf_counter_list *list, size_t keys);
void ckf_counter_list_free(struct ckf_counter_list *list);

static inline const unsigned char *ckf_counter_listed_key(const struct ckf_counter_list *list,
                                                          const struct ckf_counter_listed *item)
{
    return CKF_LIKELY(item->length <= CKF_LISTED_SHORT) ? item->key.bytes
                                                        : list->bytes + item->key.offset;
}

static inline void ckf_counter_list_offer(struct ckf_counter_list *list, const void *origin,
                                          const void *key, size_t length, uint64_t hash,
                                          uint64_t value)
{
    const unsigned char *from = (const unsigned char *)key;
    size_t bytes = length <= CKF_LISTED_SHORT ? 0 : length; /* beside the item */
    if (list->count < list->capacity && bytes <= list->size && list->used <= list->size - bytes) {
        struct ckf_counter_listed *item = &list->items[list->count];
        item->origin = origin;
        item->value = value;
        item->hash = hash;
        item->length = length;
        if (CKF_LIKELY(length == CKF_LISTED_SHORT)) { /* inlined: most keys are short */
            memcpy(item->key.bytes, from, CKF_LISTED_SHORT);
        } else if (length < CKF_LISTED_SHORT) {
            memcpy(item->key.bytes, from, length);
        } else {
            item->key.offset = list->used;
            memcpy(list->bytes + list->used, from, length);
        }
    }
    list->count++;
    list->used += bytes;
}

/* True if all that was offered is there. */
bool ckf_counter_list_is_complete(const struct ckf_counter_list *list);

/* Forgets what was offered after the first `count` items with `used` bytes, which are there, and
 * makes room for it and a little more; false without memory. */
bool ckf_counter_list_make_room(struct ckf_counter_list *list, size_t count, size_t used);

/* Orders the items as a heap by value; then take_largest moves the largest of the first *left
 * items behind them, and returns it. */
void ckf_counter_list_heapify(struct ckf_counter_list *list);
const struct ckf_counter_listed *ckf_counter_list_take_largest(struct ckf_counter_list *list,
                                                               size_t *left);

#endif
