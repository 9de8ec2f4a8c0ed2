/* sync/visit.c - a place for each thread number, where the thread leaves the object's address.
 *
 * Roles:     the thread that owns a number writes its place; whoever destroys something reads all.
 * Invariant: a place holds an object's address from before the first access to after the last.
 * Why two plain stores are enough: the reader does not ask about visits that may begin at any
 *            moment, only about those that have had an effect which it has seen. The effect's own
 *            release/acquire edge carries the store that came before it.
 *
 * Visits of threads beyond the number of places are counted in a word of the object instead. Not in one word for
 * all objects: visits to others may last for as long as their threads sleep there.
 */
#include "sync/visit.h"

#include <stdint.h>

#include "base/step.h"

struct ckf_visit ckf_visit_places[CKF_OWN_NUMBERS];

CKF_COLD struct ckf_visit *ckf_visit_begin_first(const void *object, ckf_crowd *crowd)
{
    if (ckf_thread_number() < CKF_OWN_NUMBERS)
        return ckf_visit_begin(object, crowd);
    ckf_visit_begin_in_crowd(crowd);
    return NULL;
}

void ckf_visit_begin_in_crowd(ckf_crowd *crowd)
{
    /* relaxed: whoever asks has seen an effect of this visit, whose edge carries this */
    fetch_add_relaxed(crowd, 1);
}

void ckf_visit_end_in_crowd(ckf_crowd *crowd)
{
    /* edge visit-ended: release; pairs with the acquires in ckf_is_visited(). */
    fetch_sub_release(crowd, 1);
}

bool ckf_is_visited(const void *object, const ckf_crowd *crowd)
{
    unsigned end = ckf_thread_number_end();
    for (unsigned number = 0; number < end; number++)
        /* edge visit-ended: acquire; pairs with the releases in sync/visit.h. */
        if (CKF_STEP(load_acquire(&ckf_visit_places[number].object) == object))
            return true;
    /* edge visit-ended: acquire; pairs with the release in ckf_visit_end_in_crowd(). */
    return CKF_STEP(load_acquire(crowd) != 0);
}
