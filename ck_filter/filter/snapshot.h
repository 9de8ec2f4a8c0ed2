/* filter/snapshot.h - one published ruleset: what an evaluation sees, whole and unchanging. */
#ifndef CKF_FILTER_SNAPSHOT_H
#define CKF_FILTER_SNAPSHOT_H

#include <ck_filter/filter.h>

#include "filter/hits.h"
#include "filter/matcher.h"
#include "sync/reclaim.h"

struct ckf_snapshot {
    struct ckf_retired retired; /* first; of the ATOMIC variant, once it is replaced */
    struct ckf_filter *filter;  /* whose account it burdens while it is retired */
    uint64_t generation;
    size_t bytes; /* all of its memory */
    struct ckf_matcher matcher;
    struct ckf_outcome *outcomes; /* by rank */
    /* Of the MUTEX variant, guarded by the filter's mutex: */
    uint64_t readers; /* evaluations that use it */
    bool replaced;
    struct ckf_snapshot *next_replaced;
};

/* Compiles a ruleset (NULL: no rules); generation and cells are still to be set. NULL without
 * memory. */
struct ckf_snapshot *ckf_snapshot_create(struct ckf_filter *filter,
                                         const struct ckf_ruleset *ruleset);
void ckf_snapshot_destroy(struct ckf_snapshot *snapshot);

/* What the rules say to a record that is not null and was glanced at; NULL if none matches. */
static inline const struct ckf_outcome *ckf_snapshot_find(const struct ckf_snapshot *snapshot,
                                                          const struct ckf_glance *glance,
                                                          struct ckf_record record)
{
    uint32_t rank = ckf_matcher_find_glanced(&snapshot->matcher, glance, record.data, record.len);
    return rank == CKF_NO_RANK ? NULL : &snapshot->outcomes[rank];
}

#endif
