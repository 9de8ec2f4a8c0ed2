/* explore/progress.h - the command `progress`. */
#ifndef CKF_EXPLORE_PROGRESS_H
#define CKF_EXPLORE_PROGRESS_H

#include "cli.h"

#include "harness/catalog.h"

/* Parks each actor of each selected case for ever at each of its steps in turn, in sampled
 * executions, and prints where the others cannot end any more. Returns the exit status: 0. */
int ckf_explore_progress_all(const struct ckf_explore_settings *settings,
                             const struct ckf_stress_catalog *catalog);

#endif
