/* stress/cases/filter_flipping.h - a publisher that swaps "deny a, pass b" for its opposite again and
 * again, and a reader who judges both records together: every ruleset drops exactly one. */
#ifndef STRESS_CASES_FILTER_FLIPPING_H
#define STRESS_CASES_FILTER_FLIPPING_H

#include <ck_filter/stress.h>

#include "filters.h"

struct flipping {
    void *filter;
};

void flipping_setup(struct ckf_stress_run *run, void *flipping);
void flipping_publisher(struct ckf_stress_run *run, void *flipping);
/* Reports "whole", or "torn" for a verdict that no ruleset gives. */
void flipping_reader(struct ckf_stress_run *run, void *flipping);
void flipping_teardown(struct ckf_stress_run *run, void *flipping);

#endif
