/* filter/budget.h - what comparing may cost in one record, before an automaton is quicker: so that no
 * record takes longer than its length allows. */
#ifndef CKF_FILTER_BUDGET_H
#define CKF_FILTER_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/* So many comparisons always, and one more for every other byte. */
static inline size_t ckf_budget_of(size_t len)
{
    return 64 + len / 2;
}

/* False: that is too much, and nothing is left. */
static inline bool ckf_budget_spend(size_t *budget, size_t cost)
{
    *budget = *budget < cost ? 0 : *budget - cost;
    return *budget != 0;
}

#endif
