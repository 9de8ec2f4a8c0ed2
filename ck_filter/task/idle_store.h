/* task/idle_store.h - a bounded, unordered, lock-free heap of pointers: where idle objects rest.
 *
 * Any thread may put and take. What was written before a put can be read after the take that gets the
 * same pointer.
 */
#ifndef CKF_TASK_IDLE_STORE_H
#define CKF_TASK_IDLE_STORE_H

#include <stdbool.h>
#include <stddef.h>

struct ckf_idle_store;

/* Room for max_items, at least 1. Memory is taken as the store fills. NULL without memory. */
struct ckf_idle_store *ckf_idle_store_create(size_t max_items);

/* Of an empty store. */
void ckf_idle_store_destroy(struct ckf_idle_store *store);

/* False: full (or without memory to grow), and item is still the caller's. item is not NULL.
 * Lock-free. */
bool ckf_idle_store_put(struct ckf_idle_store *store, void *item);

/* NULL: empty. Lock-free. */
void *ckf_idle_store_take(struct ckf_idle_store *store);

#endif
