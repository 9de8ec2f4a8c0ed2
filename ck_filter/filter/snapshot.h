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
    int64_t compile_ns;
    enum ckf_backend backend;
    struct ckf_matcher matcher;
    struct ckf_outcome *outcomes; /* by rank */
    /* Of the MUTEX variant, guarded by the filter's mutex: */
    uint64_t readers; /* evaluations that use it */
    bool replaced;
    struct ckf_snapshot *next_replaced; /* and of the ATOMIC one: in the list of the retired */
};

/* Compiles a ruleset (NULL: no rules) with the filter's key; generation and cells are still to be set. NULL
 * without memory. */
struct ckf_snapshot *ckf_snapshot_create(struct ckf_filter *filter,
                                         const struct ckf_ruleset *ruleset,
                                         const struct ckf_fold_key *key);
void ckf_snapshot_destroy(struct ckf_snapshot *snapshot);

void ckf_snapshot_describe(const struct ckf_snapshot *snapshot, struct ckf_compiled *compiled);

/* Once all outcomes have their cells, before it is published. */
void ckf_snapshot_settle(struct ckf_snapshot *snapshot);

/* What the rules say to a record that is not null, beyond the exact ones that take records as they are:
 * `block` is what they found. `folded` is its look at those that fold, NULL if it has not been taken.
 * NULL if no rule matches. */
const struct ckf_outcome *ckf_snapshot_find_more(const struct ckf_snapshot *snapshot,
                                                 const struct ckf_exact_block *block,
                                                 const struct ckf_exact_look *folded,
                                                 struct ckf_record record);

/* The same with nothing found yet; `plain` is the look at those that do not fold. */
static inline const struct ckf_outcome *ckf_snapshot_find(const struct ckf_snapshot *snapshot,
                                                          struct ckf_exact_look plain,
                                                          const struct ckf_exact_look *folded,
                                                          struct ckf_record record)
{
    const struct ckf_exact_block *block =
        ckf_exact_find(&snapshot->matcher.exact[0], plain, record.data, record.len, false);
    if (CKF_UNLIKELY(snapshot->matcher.has_more))
        return ckf_snapshot_find_more(snapshot, block, folded, record);
    return block != NULL ? &block->outcome : NULL;
}

#endif
