/* stress/racy/map_locked_steps.h - a table whose every step is locked and sound by itself, like
 * Go's sync.Map: what twins make of several steps in a row is not. */
#ifndef STRESS_RACY_MAP_LOCKED_STEPS_H
#define STRESS_RACY_MAP_LOCKED_STEPS_H

#include <pthread.h>

#include "chain.h"

struct stepwise_table {
    pthread_mutex_t lock;
    struct chain_node *buckets[CHAIN_BUCKETS];
    struct chain_node *replaced; /* nodes that a step took out of their bucket */
};

void *stepwise_create(void);
void stepwise_destroy(void *map);

/* The node of the key, or NULL. */
struct chain_node *stepwise_lookup(struct stepwise_table *table, const char *key);

/* Makes node the key's node; one that was there before is replaced. */
void stepwise_assign(struct stepwise_table *table, struct chain_node *node);

void stepwise_for_each(void *map, void (*visit)(const char *key, uint64_t value, void *arg),
                       void *arg);

#endif
