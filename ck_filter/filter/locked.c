/* filter/locked.c - the MUTEX variant: a mutex around a counted reference to the snapshot.
 *
 * Roles:     evaluators pin the current snapshot, match without the mutex, then count and unpin in
 *            one go; a publisher swaps the pointer. So nobody matches or compiles under the mutex.
 * Invariant: a snapshot is current, or replaced and in the list as long as it has readers. Whoever
 *            makes its readers none, or replaces it when it has none, frees it, outside the mutex.
 * Fork:      the child's only thread evaluates nothing, so all readers are gone there; what they
 *            held is freed by the next publish or by destroy, not inside fork.
 */
#include "filter/state.h"

static void take_from_list(struct ckf_filter *filter, struct ckf_snapshot *snapshot)
{
    struct ckf_snapshot **link = &filter->replaced;
    while (*link != snapshot)
        link = &(*link)->next_replaced;
    *link = snapshot->next_replaced;
}

static void reclaim(struct ckf_filter *filter, struct ckf_snapshot *snapshot)
{
    uint64_t bytes = snapshot->bytes;
    ckf_snapshot_destroy(snapshot);
    ckf_account_reclaim(filter, bytes);
}

struct ckf_snapshot *ckf_locked_pin(struct ckf_filter *filter)
{
    ckf_mutex_lock(&filter->mutex);
    struct ckf_snapshot *snapshot = filter->locked_current;
    snapshot->readers++;
    ckf_mutex_unlock(&filter->mutex);
    return snapshot;
}

/* Returns the snapshot if it is now to be freed. */
static struct ckf_snapshot *unpin(struct ckf_filter *filter, struct ckf_snapshot *snapshot)
{
    if (--snapshot->readers > 0 || !snapshot->replaced)
        return NULL;
    take_from_list(filter, snapshot);
    return snapshot;
}

void ckf_locked_count(struct ckf_filter *filter, const struct ckf_outcome *const *outcomes,
                      size_t count, struct ckf_snapshot *snapshot)
{
    struct ckf_snapshot *garbage = NULL;
    ckf_mutex_lock(&filter->mutex);
    for (size_t i = 0; i < count; i++)
        ckf_hits_add_locked(outcomes[i], 1);
    if (snapshot != NULL)
        garbage = unpin(filter, snapshot);
    ckf_mutex_unlock(&filter->mutex);
    if (garbage != NULL)
        reclaim(filter, garbage);
}

uint64_t ckf_locked_generation(struct ckf_filter *filter)
{
    ckf_mutex_lock(&filter->mutex);
    uint64_t generation = filter->locked_current->generation;
    ckf_mutex_unlock(&filter->mutex);
    return generation;
}

void ckf_locked_replace(struct ckf_filter *filter, struct ckf_snapshot *fresh)
{
    ckf_mutex_lock(&filter->mutex);
    struct ckf_snapshot *old = filter->locked_current;
    bool read = old->readers > 0;
    filter->locked_current = fresh;
    if (read) {
        old->replaced = true;
        old->next_replaced = filter->replaced;
        filter->replaced = old;
        ckf_account_retire(filter, old);
    }
    ckf_mutex_unlock(&filter->mutex);
    if (!read)
        ckf_snapshot_destroy(old);
}

void ckf_locked_forget_readers(struct ckf_filter *filter)
{
    filter->locked_current->readers = 0;
    for (struct ckf_snapshot *old = filter->replaced; old != NULL; old = old->next_replaced)
        old->readers = 0;
}

void ckf_locked_sweep(struct ckf_filter *filter)
{
    struct ckf_snapshot *garbage = NULL;
    ckf_mutex_lock(&filter->mutex);
    for (struct ckf_snapshot **link = &filter->replaced; *link != NULL;) {
        struct ckf_snapshot *old = *link;
        if (old->readers > 0) {
            link = &old->next_replaced;
            continue;
        }
        *link = old->next_replaced;
        old->next_replaced = garbage;
        garbage = old;
    }
    ckf_mutex_unlock(&filter->mutex);
    while (garbage != NULL) {
        struct ckf_snapshot *next = garbage->next_replaced;
        reclaim(filter, garbage);
        garbage = next;
    }
}
