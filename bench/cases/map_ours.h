/* map_ours.h - what all workloads ask of ck_filter's counter maps in the same way: how one ends, and
 * a walk over all of it. In a header, so that each workload's loop has the calls inlined.
 */
#ifndef CKF_BENCH_MAP_OURS_H
#define CKF_BENCH_MAP_OURS_H

#include <ck_filter/counter_map.h>

static void our_destroy(void *map)
{
    ckf_counter_map_destroy(map);
}

struct snapshot_sum {
    uint64_t sum;
    size_t keys;
};

static bool visit(const void *key, size_t key_len, uint64_t value, void *argument)
{
    (void)key;
    (void)key_len;
    struct snapshot_sum *sum = argument;
    sum->sum += value;
    sum->keys++;
    return true;
}

static size_t our_snapshot(void *map, uint64_t *sum)
{
    struct snapshot_sum seen = {0};
    ckf_counter_map_for_each(map, visit, &seen);
    *sum = seen.sum;
    return seen.keys;
}

#endif
