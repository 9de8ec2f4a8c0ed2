/* tests/orders/map_keys.c - what scenes of the map's index do with their keys. */
#include "map_keys.h"

struct ckf_counter_map *make_map_of(struct ckf_stress_run *run, size_t max_keys)
{
    struct ckf_counter_map *map = NULL;
    struct ckf_counter_map_options options = {.variant = CKF_VARIANT_ATOMIC, .max_keys = max_keys};
    expect(run, ckf_counter_map_create(&map, &options) == CKF_OK);
    return map;
}

void add_key(struct ckf_stress_run *run, struct ckf_counter_map *map, struct ckf_counter_key key)
{
    expect(run, ckf_counter_lockfree_add(map, &key, 1) == CKF_OK);
}

uint64_t value_of_key(struct ckf_counter_map *map, struct ckf_counter_key key)
{
    uint64_t value = 0;
    (void)ckf_counter_lockfree_get(map, &key, &value);
    return value;
}

uint64_t remove_key(struct ckf_counter_map *map, struct ckf_counter_key key)
{
    uint64_t value = 0;
    (void)ckf_counter_lockfree_remove(map, &key, &value);
    return value;
}

void raise_fence(struct ckf_counter_map *map)
{
    ckf_section_wait_behind(&ckf_lockfree(map)->fence);
}
