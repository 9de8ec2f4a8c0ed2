/* sync/visit.h - who is inside an object right now, for two plain stores a visit.
 *
 * A thread says which object it is about to use, and when it has done with it. Whoever wants to
 * destroy the object, and has been told by the visitors' own effects that they are through, can
 * then wait until they have really left. One visit a thread at a time.
 */
#ifndef CKF_SYNC_VISIT_H
#define CKF_SYNC_VISIT_H

#include <stdbool.h>

struct ckf_visit;

/* Wait-free. */
struct ckf_visit *ckf_visit_begin(const void *object);
void ckf_visit_end(struct ckf_visit *visit);

/* False: every visit that happens before this call has ended, and its accesses happen before the
 * return. A visit whose effects the caller has seen (received its element, met its close) counts as
 * happening before. True may also be said of visits to other objects, for a moment, when thousands
 * of threads live. */
bool ckf_is_visited(const void *object);

#endif
