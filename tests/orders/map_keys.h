/* tests/orders/map_keys.h - keys of which a scene says where the ATOMIC map's index has them.
 *
 * Scenes hand them to the variant's functions (counter_map/map.h), which take hashes as they come.
 */
#ifndef ORDERS_MAP_KEYS_H
#define ORDERS_MAP_KEYS_H

#include "counter_map/lockfree.h"
#include "scene.h"

/* A key of one letter: its hash leads to a root of the index, a place below it should that have become an
 * inner node, and a slot. */
#define KEY_AT(letter, root, below, slot)                                                          \
    ((struct ckf_counter_key){letter, 1,                                                           \
                              (uint64_t)(root) << (64 - CKF_INDEX_BITS) |                          \
                                  (uint64_t)(below) << (64 - 2 * CKF_INDEX_BITS) | (slot)})

/* Keys that a root's leaf holds where accesses are watched; one more makes it an inner node. */
enum { KEYS_OF_A_ROOT = 9 };

struct ckf_counter_map *make_map_of(struct ckf_stress_run *run, size_t max_keys);

void add_key(struct ckf_stress_run *run, struct ckf_counter_map *map, struct ckf_counter_key key);
/* In a setup, where the leaf that this replaces goes at once: with nobody to reclaim it, the engine knows
 * that the setup is alone. */
void put_key(struct ckf_stress_run *run, struct ckf_counter_map *map, struct ckf_counter_key key);
void free_replaced(struct ckf_counter_map *map);
/* The next leaf that is replaced will be given back, or kept. */
void give_back_next(struct ckf_counter_map *map);
void keep_next(struct ckf_counter_map *map);
/* 0: it is not there. */
uint64_t value_of_key(struct ckf_counter_map *map, struct ckf_counter_key key);
/* What was counted; 0: it was not there. */
uint64_t remove_key(struct ckf_counter_map *map, struct ckf_counter_key key);
/* A handle, to be released through the door. */
struct ckf_counter *pin_key(struct ckf_stress_run *run, struct ckf_counter_map *map,
                            struct ckf_counter_key key);

/* An entry of the key that nobody knows yet. */
struct ckf_counter_entry *make_entry(struct ckf_stress_run *run, struct ckf_counter_map *map,
                                     struct ckf_counter_key key, uint64_t state);
/* Links it, in a section. */
void link_entry(struct ckf_stress_run *run, struct ckf_counter_map *map,
                struct ckf_counter_entry *entry);
/* The key's entry, marked dead. */
struct ckf_counter_entry *mark_dead(struct ckf_counter_map *map, struct ckf_counter_key key);
/* What a removal does after the mark, no more. */
void unlink_entry(struct ckf_counter_map *map, struct ckf_counter_entry *entry);
void unlink_and_free(struct ckf_counter_map *map, struct ckf_counter_entry *entry);
/* The entry of a map that has one. */
struct ckf_counter_entry *only_entry(struct ckf_counter_map *map);
/* What a removal does once nobody finds the entry any more: waits, adds up, and lets go of it. By a wait that
 * does not raise a fence, and so has one barrier only. */
uint64_t finish_removal(struct ckf_counter_map *map, struct ckf_counter_entry *entry);

/* In a teardown: ends the map of that one key, and its handle if there is one; the value that was left. */
uint64_t end_map_of(struct ckf_counter_map *map, struct ckf_counter *counter, const char *key,
                    size_t length);

/* Root 0 gets so many keys, all in one place below. */
void add_neighbours(struct ckf_stress_run *run, struct ckf_counter_map *map, unsigned count);

/* The leaf (that the key is in) is being replaced, by a thread that stands still. */
void seal_leaf(uintptr_t link);
void seal_leaf_of(struct ckf_counter_map *map, struct ckf_counter_key key);
/* The first wait is dear, and raises the fence. */
void raise_fence(struct ckf_counter_map *map);
/* By a section that looks how long ago the last wait was. */
void lower_fence_of(struct ckf_counter_map *map);
/* Spin until it is down (should it matter), or until somebody waits for sections, without learning anything
 * else by that. */
void await_lowering(struct ckf_stress_run *run, struct ckf_counter_map *map);
void await_wait(struct ckf_stress_run *run, uint64_t phase_before);
/* Likewise: that another actor has come so far. */
void reach(_Atomic(bool) *stage);
void await(struct ckf_stress_run *run, _Atomic(bool) *stage);

#endif
