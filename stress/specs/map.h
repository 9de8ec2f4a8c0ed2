/* specs/map.h - what a counter map is when calls come one after the other.
 *
 * One object is a map of up to four keys; or, in a map without a bound and without calls of total and
 * the like, one key of it, so that each key is judged by itself. Every add is of 1: readers of a
 * counter that is kept in several places may see a later add and not yet an earlier one, which only
 * equal amounts hide.
 */
#ifndef STRESS_SPECS_MAP_H
#define STRESS_SPECS_MAP_H

#include <ck_filter/stress.h>

enum map_code {
    /* arguments: the key */
    MAP_ADD,
    MAP_GET, /* result: the value; so with the next two */
    MAP_TAKE,
    MAP_REMOVE,
    /* result */
    MAP_TOTAL,
    MAP_OVERFLOW
};

enum { MAP_MOST_KEYS = 4, MAP_MOST_ACTORS = 4 };

struct map_bound {
    unsigned max_keys; /* 0: none */
};

/* Counts since the key was made. */
struct map_key_model {
    uint32_t added, taken;
    uint8_t present, open; /* reads and takes that have begun */
    uint8_t unused[2];
};

/* What the counts were when an actor's read or take began. */
struct map_note {
    uint32_t added, taken;
};

struct map_model {
    uint32_t total, overflow;
    uint32_t dying; /* keys that were removed by calls that have not returned */
    struct map_key_model keys[MAP_MOST_KEYS];
    struct map_note notes[MAP_MOST_ACTORS];
};

bool map_apply(void *state, const struct ckf_stress_operation *operation, unsigned step,
               const void *bound);
unsigned map_steps(const struct ckf_stress_operation *operation, const void *bound);
void map_print(const struct ckf_stress_operation *operation, char *text, size_t size);

/* bound_pointer: a constant struct map_bound. */
#define MAP_SPECIFICATION(bound_pointer)                                                           \
    {                                                                                              \
        .name = "counter map", .state_size = sizeof(struct map_model), .apply = map_apply,         \
        .steps = map_steps, .print = map_print, .parameter = (bound_pointer)                       \
    }

#endif
