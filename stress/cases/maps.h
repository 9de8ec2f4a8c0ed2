/* stress/cases/maps.h - what the counter-map cases ask of a map, and the library's two answers.
 *
 * A racy twin fills in what its case uses. Keys are C strings. Functions return the counts that
 * they take out, so that a case can add up where every increment went.
 */
#ifndef STRESS_CASES_MAPS_H
#define STRESS_CASES_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_operations {
    void *(*create)(void);
    void (*destroy)(void *map);
    void (*add)(void *map, const char *key, uint64_t n);
    uint64_t (*get)(void *map, const char *key);    /* 0 for an absent key */
    uint64_t (*take)(void *map, const char *key);   /* what was there; the key is at 0 then */
    uint64_t (*remove)(void *map, const char *key); /* the final value; 0 for an absent key */
    /* visit(key, arg) for every key, in any order */
    void (*for_each)(void *map, void (*visit)(const char *key, uint64_t value, void *arg),
                     void *arg);
    /* What was added while there was no memory for its key; NULL: nothing ever is. */
    uint64_t (*overflow)(void *map);
};

extern const struct map_operations mutex_map, atomic_map;

/* The sum of all values; *keys counts the visits. */
uint64_t map_sum(const struct map_operations *operations, void *map, size_t *keys);

/* "k17" and the like; buffer holds at least 16 bytes. */
const char *numbered_key(char *buffer, unsigned number);

#endif
