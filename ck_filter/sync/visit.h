/* sync/visit.h - who is inside an object right now, for two plain stores a visit.
 *
 * A thread says which object it is about to use, and when it has done with it. Whoever wants to
 * destroy the object, and has been told by the visitors' own effects that they are through, can
 * then wait until they have really left. One visit a thread at a time, in its place; others, and
 * those of threads without a place, are counted in the object's crowd.
 */
#ifndef CKF_SYNC_VISIT_H
#define CKF_SYNC_VISIT_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/check.h"
#include "sync/per_thread.h"

struct ckf_visit {
    alignas(64) _Atomic(const void *) object; /* the owner of the number; NULL: none */
};

/* By thread number. */
extern struct ckf_visit ckf_visit_places[CKF_OWN_NUMBERS] __attribute__((visibility("hidden")));

/* In each object: its visits without a place. */
typedef _Atomic(uint32_t) ckf_crowd;

/* A visit of a thread that has no number yet, or no place. */
struct ckf_visit *ckf_visit_begin_first(const void *object, ckf_crowd *crowd);
/* A visit without a place. */
void ckf_visit_begin_in_crowd(ckf_crowd *crowd);
void ckf_visit_end_in_crowd(ckf_crowd *crowd);

/* Of a thread that has a place; NULL: it has none yet, and no visit has begun. A thread that is inside already
 * may begin the same visit again. Wait-free. */
static inline struct ckf_visit *ckf_visit_begin_here(const void *object)
{
    unsigned number = ckf_thread_number_plus_one - 1; /* without a number, the largest there is */
    if (CKF_UNLIKELY(number >= CKF_OWN_NUMBERS))
        return NULL;
    struct ckf_visit *place = &ckf_visit_places[number];
    /* release, for the visit that this thread ended before: edge visit-ended must not break when
     * the place is reused. */
    store_release(&place->object, object);
    return place;
}

/* Wait-free. */
static inline struct ckf_visit *ckf_visit_begin(const void *object, ckf_crowd *crowd)
{
    struct ckf_visit *place = ckf_visit_begin_here(object);
    return CKF_LIKELY(place != NULL) ? place : ckf_visit_begin_first(object, crowd);
}

static inline void ckf_visit_end_here(struct ckf_visit *place)
{
    /* edge visit-ended: release; pairs with the acquires in ckf_is_visited(). */
    store_release(&place->object, NULL);
}

static inline void ckf_visit_end(struct ckf_visit *place, ckf_crowd *crowd)
{
    if (CKF_LIKELY(place != NULL))
        ckf_visit_end_here(place);
    else
        ckf_visit_end_in_crowd(crowd);
}

/* False: every visit that happens before this call has ended, and its accesses happen before the
 * return. A visit whose effects the caller has seen (received its element, met its close) counts as
 * happening before. */
bool ckf_is_visited(const void *object, const ckf_crowd *crowd);

#endif
