/* counter_map/list.h - a private copy of keys, so that they can be visited without any lock.
 *
 * Filled in one go while nothing may be allocated: what does not fit is only counted, and the
 * caller makes room and fills once more.
 */
#ifndef CKF_COUNTER_MAP_LIST_H
#define CKF_COUNTER_MAP_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ckf_counter_listed {
    const void *origin; /* what the offerer knows it by */
    uint64_t hash, value;
    size_t offset, length; /* of the key in the list's bytes */
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

static inline void ckf_counter_list_offer(struct ckf_counter_list *list, const void *origin,
                                          const void *key, size_t length, uint64_t hash,
                                          uint64_t value)
{
    if (list->count < list->capacity && length <= list->size && list->used <= list->size - length) {
        list->items[list->count] =
            (struct ckf_counter_listed){origin, hash, value, list->used, length};
        unsigned char *to = list->bytes + list->used;
        const unsigned char *from = (const unsigned char *)key;
        if (length == 16)
            memcpy(to, from, 16); /* inlined: most keys are short */
        else
            memcpy(to, from, length);
    }
    list->count++;
    list->used += length;
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
