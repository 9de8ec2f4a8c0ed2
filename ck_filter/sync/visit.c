/* sync/visit.c - a place for each thread number, where the thread leaves the object's address.
 *
 * Roles:     the thread that owns a number writes its place; whoever destroys something reads all.
 * Invariant: a place holds an object's address from before the first access to after the last.
 * Why two plain stores are enough: the reader does not ask about visits that may begin at any
 *            moment, only about those that have had an effect which it has seen. The effect's own
 *            release/acquire edge carries the store that came before it.
 *
 * Threads beyond the number of places are counted in one word instead.
 */
#include "sync/visit.h"

#include <stdint.h>

#include "base/step.h"

struct ckf_visit ckf_visit_places[CKF_OWN_NUMBERS];
static _Atomic(uint32_t) crowd; /* visits of the threads that have no place */

CKF_COLD struct ckf_visit *ckf_visit_begin_first(const void *object)
{
    if (ckf_thread_number() < CKF_OWN_NUMBERS)
        return ckf_visit_begin(object);
    /* relaxed: whoever asks has seen an effect of this visit, whose edge carries this */
    fetch_add_relaxed(&crowd, 1);
    return NULL;
}

void ckf_visit_end_in_crowd(void)
{
    /* edge visit-ended: release; pairs with the acquires in ckf_is_visited(). */
    fetch_sub_release(&crowd, 1);
}

bool ckf_is_visited(const void *object)
{
    unsigned end = ckf_thread_number_end();
    for (unsigned number = 0; number < end; number++)
        /* edge visit-ended: acquire; pairs with the releases in sync/visit.h. */
        if (CKF_STEP(load_acquire(&ckf_visit_places[number].object) == object))
            return true;
    /* edge visit-ended: acquire; pairs with the release in ckf_visit_end_in_crowd(). */
    return CKF_STEP(load_acquire(&crowd) != 0);
}
