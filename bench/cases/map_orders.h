/* cases/map_orders.h - which key comes next: drawn once for all contestants, kept to the end. */
#ifndef CKF_BENCH_MAP_ORDERS_H
#define CKF_BENCH_MAP_ORDERS_H

#include <stddef.h>
#include <stdint.h>

enum map_keys { MAP_ONE_KEY, MAP_UNIFORM, MAP_ZIPF, MAP_ZIPF_STEEP /* exponents 0.99, 1.25 */ };

/* Indices of keys for a thread, map_order_length(keys) of them, a power of two. NULL: no memory. */
const uint32_t *map_order(size_t keys, enum map_keys kind, unsigned thread);
size_t map_order_length(size_t keys);

#endif
