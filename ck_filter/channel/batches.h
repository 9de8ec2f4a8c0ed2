/* channel/batches.h - where the elements of batches lie: each thread that sends batches through a channel
 * has lines of its own, which it uses in turn.
 *
 * A batch is published as a whole, by an address, and its lines are used again when all of it has been
 * received. That is told by tickets that grow: those of the ends of batches, and the one that is received next.
 */
#ifndef CKF_CHANNEL_BATCHES_H
#define CKF_CHANNEL_BATCHES_H

#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"

struct ckf_batches; /* those of one channel */

/* For batches of `elements` at once a thread, more or less, and no end of a batch later than `start`. NULL
 * without memory. */
struct ckf_batches *ckf_batches_create(size_t elements, uint64_t start);
/* Alone; NULL stays NULL. */
void ckf_batches_destroy(struct ckf_batches *batches);

/* Room for that many elements, at least one, of the calling thread. What it does not commit is as if it had
 * not asked. NULL: it has none, for now or for ever. head: where the next ticket to be received stands,
 * loaded with acquire. */
_Atomic(uint64_t) *ckf_batches_reserve(struct ckf_batches *batches, size_t count,
                                       const _Atomic(uint64_t) *head);
/* The batch was published, and all of it has been received when the next ticket to be received is `end`. */
void ckf_batches_commit(struct ckf_batches *batches, uint64_t end);

#endif
