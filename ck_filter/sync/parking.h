/* sync/parking.h - where a thread sleeps until another one fires it.
 *
 * A parker serves one wait of one thread and usually lives on its stack: init, let others know of
 * it, park. Whoever fires it does so once. Who may fire (a claim word, a list under a lock) is the
 * caller's protocol; that nobody sleeps through a firing is ours.
 */
#ifndef CKF_SYNC_PARKING_H
#define CKF_SYNC_PARKING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "sync/waiters.h"

struct ckf_parker {
    _Atomic(uint32_t) state; /* enum parker_state of parking.c */
};

void ckf_parker_init(struct ckf_parker *parker);

/* Waits until the parker is fired: stays awake for a while (patience.h), then sleeps in the kernel, listed
 * among the waiters as the note says (NULL: not listed). Returns true when it was fired, false when
 * deadline_ns (absolute; CKF_FOREVER: none) came first. After false it may be called again, for
 * example because a firing is already on its way. */
bool ckf_park(struct ckf_parker *parker, int64_t deadline_ns, const struct ckf_wait_note *note);

/* The same for a caller that has been awake for as long as it should: sleeps, unless it was fired. */
bool ckf_park_at_once(struct ckf_parker *parker, int64_t deadline_ns,
                      const struct ckf_wait_note *note);

/* Fires the parker: its thread returns from ckf_park, now or when it calls it. The parker may be
 * gone as soon as its thread sees the firing, so this touches nothing after that but the address.
 * No system call unless the thread sleeps. What was written before happens before the return. */
void ckf_unpark(struct ckf_parker *parker);

#endif
