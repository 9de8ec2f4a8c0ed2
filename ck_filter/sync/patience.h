/* sync/patience.h - how long a thread that has to wait stays awake: what its own waits have taught it.
 *
 * A sleep and its wake-up cost both sides system calls, and the sleeper tens of microseconds until it
 * runs; staying awake costs a CPU. So a thread stays awake for some microseconds while its waits are
 * brief, and hardly at all while they are long. A new thread knows nothing, and does not stay awake.
 */
#ifndef CKF_SYNC_PATIENCE_H
#define CKF_SYNC_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the calling thread has never waited: then the next call has no patience. */
bool ckf_patience_is_new(void);
/* For how long the calling thread should stay awake this time; 0: not at all, as on one CPU and in its
 * first wait. Once a wait. */
int64_t ckf_patience_ns(void);
/* Whether it should give way a few times before it sleeps. */
bool ckf_patience_gives_way(void);

/* The wait ended meanwhile. */
void ckf_patience_paid(void);
/* It did not. */
void ckf_patience_was_vain(void);
/* It slept, and the whole wait took waited_ns. */
void ckf_patience_slept(int64_t waited_ns);

#endif
