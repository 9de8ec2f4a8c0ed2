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

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/check.h"
#include "sync/per_thread.h"

struct ckf_visit {
    alignas(64) _Atomic(const void *) object; /* the owner of the number; NULL: none */
};

static struct ckf_visit places[CKF_OWN_NUMBERS];
static _Atomic(uint32_t) crowd; /* visits of the threads that have no place */

struct ckf_visit *ckf_visit_begin(const void *object)
{
    unsigned number = ckf_thread_number();
    if (CKF_UNLIKELY(number >= CKF_OWN_NUMBERS)) {
        /* relaxed: whoever asks has seen an effect of this visit, whose edge carries this */
        fetch_add_relaxed(&crowd, 1);
        return NULL;
    }
    struct ckf_visit *place = &places[number];
    /* release, for the visit that this thread ended before: edge visit-ended must not break when
     * the place is reused. */
    store_release(&place->object, object);
    return place;
}

void ckf_visit_end(struct ckf_visit *place)
{
    if (CKF_UNLIKELY(place == NULL)) {
        /* edge visit-ended: release; pairs with the acquires in ckf_is_visited(). */
        fetch_sub_release(&crowd, 1);
        return;
    }
    /* edge visit-ended: release; pairs with the acquires in ckf_is_visited(). */
    store_release(&place->object, NULL);
}

bool ckf_is_visited(const void *object)
{
    unsigned end = ckf_thread_number_end();
    for (unsigned number = 0; number < end; number++)
        /* edge visit-ended: acquire; pairs with the releases in ckf_visit_begin/end(). */
        if (load_acquire(&places[number].object) == object)
            return true;
    /* edge visit-ended: acquire; pairs with the release in ckf_visit_end(). */
    return load_acquire(&crowd) != 0;
}
