/* filter/state.h - the inside of a filter, and its MUTEX half (locked.c). */
#ifndef CKF_FILTER_STATE_H
#define CKF_FILTER_STATE_H

#include <pthread.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "filter/hits.h"
#include "filter/snapshot.h"

struct ckf_filter {
    /* Constant: */
    char *name;
    enum ckf_variant variant;
    struct ckf_outcome by_default, by_null; /* when no rule speaks */
    size_t max_retired_bytes, max_rule_ids;
    struct ckf_fold_key exact_key;      /* secret */
    struct ckf_filter *previous, *next; /* in the list that forks go through; its mutex */

    /* ATOMIC. Publishers exchange it, evaluators load it inside a read section: */
    CKF_CACHELINE_ALIGNED _Atomic(struct ckf_snapshot *) current;

    /* MUTEX. Held for a few instructions at a time, and to count; guards the three, and the cells: */
    CKF_CACHELINE_ALIGNED pthread_mutex_t mutex;
    struct ckf_snapshot *locked_current;
    struct ckf_snapshot *replaced; /* snapshots that evaluations still use */

    /* Publishers; evaluations never take it: */
    CKF_CACHELINE_ALIGNED pthread_mutex_t publishing;
    struct ckf_hits hits; /* cells: evaluators */

    /* Publishers add, whoever reclaims subtracts: */
    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) retired_bytes;
    _Atomic(uint64_t) holders; /* the filter itself, until destroy, and each retired snapshot */
};

/* The account of replaced snapshots that still hold memory. */
void ckf_account_retire(struct ckf_filter *filter, const struct ckf_snapshot *snapshot);
/* For one whose memory is gone by then; may be the last access to the filter. */
void ckf_account_reclaim(struct ckf_filter *filter, uint64_t bytes);

void ckf_mutex_lock(pthread_mutex_t *mutex);
void ckf_mutex_unlock(pthread_mutex_t *mutex);

/* The current snapshot, which stays until it is unpinned. */
struct ckf_snapshot *ckf_locked_pin(struct ckf_filter *filter);
/* Counts the outcomes; unless snapshot is NULL, also gives it back. */
void ckf_locked_count(struct ckf_filter *filter, const struct ckf_outcome *const *outcomes,
                      size_t count, struct ckf_snapshot *snapshot);
uint64_t ckf_locked_generation(struct ckf_filter *filter);
/* The caller holds `publishing`. */
void ckf_locked_replace(struct ckf_filter *filter, struct ckf_snapshot *fresh);
/* In the child of a fork, mutex held: the evaluations of other threads are not there any more. */
void ckf_locked_forget_readers(struct ckf_filter *filter);
/* Frees the replaced snapshots that nobody reads (there are some only after a fork). */
void ckf_locked_sweep(struct ckf_filter *filter);

/* All filters, for forks. */
void ckf_forks_enter(struct ckf_filter *filter);
void ckf_forks_leave(struct ckf_filter *filter);

#endif
