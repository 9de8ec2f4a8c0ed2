/* tests/orders/map_keys.h - keys of which a scene says where the ATOMIC map's index has them.
 *
 * Scenes hand them to the variant's functions (counter_map/map.h), which take hashes as they come.
 */
#ifndef ORDERS_MAP_KEYS_H
#define ORDERS_MAP_KEYS_H

#include "counter_map/lockfree.h"
#include "scene.h"

/* A key of one letter: its hash leads to a root of the index, a place below it should that have
 * become an inner node, and a slot. */
#define KEY_AT(letter, root, below, slot)                                                          \
    ((struct ckf_counter_key){letter, 1,                                                           \
                              (uint64_t)(root) << (64 - CKF_INDEX_BITS) |                          \
                                  (uint64_t)(below) << (64 - 2 * CKF_INDEX_BITS) | (slot)})

struct ckf_counter_map *make_map_of(struct ckf_stress_run *run, size_t max_keys);

void add_key(struct ckf_stress_run *run, struct ckf_counter_map *map, struct ckf_counter_key key);
/* 0: it is not there. */
uint64_t value_of_key(struct ckf_counter_map *map, struct ckf_counter_key key);
/* What was counted; 0: it was not there. */
uint64_t remove_key(struct ckf_counter_map *map, struct ckf_counter_key key);

/* The first wait is dear, and raises the fence. */
void raise_fence(struct ckf_counter_map *map);

#endif
