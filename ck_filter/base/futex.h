/* base/futex.h - sleep while a word has a value; wake those who sleep on it.
 *
 * Used by sync/parking and sync/lock alone. A wake may reach an address whose memory has another use by then:
 * every waiter therefore takes a return as a hint and looks at its word again.
 */
#ifndef CKF_BASE_FUTEX_H
#define CKF_BASE_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"

/* Sleeps while *word == expected, at the longest until deadline_ns (CKF_FOREVER: no limit). Returns
 * false when the deadline came first, true in every other case: woken, interrupted by a signal,
 * value already different, or for no reason. Not a cancellation point; errno is left alone. */
bool ckf_futex_wait(_Atomic(uint32_t) *word, uint32_t expected, int64_t deadline_ns);

/* Wakes up to count sleepers. The word may be gone: only its address is used. */
void ckf_futex_wake(_Atomic(uint32_t) *word, int count);

#endif
