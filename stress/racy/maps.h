/* stress/racy/maps.h - counter maps as the article's code has them, one mistake each. */
#ifndef STRESS_RACY_MAPS_H
#define STRESS_RACY_MAPS_H

#include "../cases/maps.h"

extern const struct map_operations racy_unlocked_map;       /* plain table, no lock at all */
extern const struct map_operations racy_load_store_map;     /* atomic steps, not an atomic add */
extern const struct map_operations racy_get_or_create_map;  /* looks, then creates */
extern const struct map_operations racy_growing_map;        /* copies counts while they change */
extern const struct map_operations racy_freeing_map;        /* frees what others still add to */
extern const struct map_operations racy_read_and_reset_map; /* takes by load and store of 0 */
extern const struct map_operations racy_shifting_map;       /* moves keys under an iteration */
extern const struct map_operations racy_private_counts_map; /* keeps counts in dying threads */

#endif
