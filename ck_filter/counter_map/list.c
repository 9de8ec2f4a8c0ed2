/* counter_map/list.c - items and their bytes in two arrays; a binary heap in place.
 *
 * Role:      belongs to one call of one thread.
 * Invariant: items [0, min(count, capacity)) are there unless the bytes ran out; count and used go
 *            on counting when they do, so that one retry knows how much to ask for.
 */
#include "counter_map/list.h"

#include <string.h>

#include "base/memory.h"

enum { MIDDLING_KEY_BYTES = 8 }; /* beside the item */

static size_t a_little_more(size_t n)
{
    return n + n / 8 + 16;
}

static bool reserve(struct ckf_counter_list *list, size_t items, size_t bytes)
{
    struct ckf_counter_listed *new_items = ckf_alloc_array(items, sizeof *new_items);
    unsigned char *new_bytes = ckf_alloc(bytes);
    if (new_items == NULL || new_bytes == NULL) {
        ckf_free(new_items);
        ckf_free(new_bytes);
        return false;
    }
    if (list->count > 0)
        memcpy(new_items, list->items, list->count * sizeof *new_items);
    if (list->used > 0)
        memcpy(new_bytes, list->bytes, list->used);
    ckf_counter_list_free(list);
    list->items = new_items;
    list->bytes = new_bytes;
    list->capacity = items;
    list->size = bytes;
    return true;
}

bool ckf_counter_list_init(struct ckf_counter_list *list, size_t keys)
{
    *list = (struct ckf_counter_list){0};
    return reserve(list, a_little_more(keys), MIDDLING_KEY_BYTES * a_little_more(keys));
}

void ckf_counter_list_free(struct ckf_counter_list *list)
{
    ckf_free(list->items);
    ckf_free(list->bytes);
}

bool ckf_counter_list_is_complete(const struct ckf_counter_list *list)
{
    return list->count <= list->capacity && list->used <= list->size;
}

bool ckf_counter_list_make_room(struct ckf_counter_list *list, size_t count, size_t used)
{
    size_t items = a_little_more(list->count), bytes = a_little_more(list->used);
    list->count = count;
    list->used = used;
    return reserve(list, items, bytes);
}

static void sift_down(struct ckf_counter_listed *items, size_t count, size_t at)
{
    struct ckf_counter_listed moving = items[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && items[child + 1].value > items[child].value)
            child++;
        if (moving.value >= items[child].value)
            break;
        items[at] = items[child];
    }
    items[at] = moving;
}

void ckf_counter_list_heapify(struct ckf_counter_list *list)
{
    for (size_t at = list->count / 2; at-- > 0;)
        sift_down(list->items, list->count, at);
}

const struct ckf_counter_listed *ckf_counter_list_take_largest(struct ckf_counter_list *list,
                                                               size_t *left)
{
    struct ckf_counter_listed *items = list->items, largest = items[0];
    size_t last = --*left;
    items[0] = items[last];
    items[last] = largest;
    if (last > 0)
        sift_down(items, last, 0);
    return &items[last];
}
