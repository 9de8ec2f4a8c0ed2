/* explore/mutate.h - the command `mutate`. */
#ifndef CKF_EXPLORE_MUTATE_H
#define CKF_EXPLORE_MUTATE_H

#include "cli.h"

#include "harness/catalog.h"

/* Takes something away from each place of the library in turn (a memory order, a wake, a grace period, a
 * marked step) and prints which of the cases notice. Returns the exit status: 0, or 2 if a variant
 * fails without any mutation. */
int ckf_explore_mutate_all(const struct ckf_explore_settings *settings,
                           const struct ckf_stress_catalog *catalog);

#endif
