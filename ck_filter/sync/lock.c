/* sync/lock.c - the three-state futex lock of Drepper, "Futexes Are Tricky" (2011).
 *
 * Invariant: whoever sleeps has set CONTENDED before, and whoever might leave sleepers behind holds
 *            the lock as CONTENDED, so the release that frees it wakes one of them.
 */
#include "sync/lock.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/futex.h"

enum lock_state { FREE = 0, HELD = 1, CONTENDED = 2 };

enum { SPINS = 64 }; /* about as long as the sections last that this lock guards */

bool ckf_lock_try(struct ckf_lock *lock)
{
    uint32_t found = FREE;
    /* edge lock-released: acquire; pairs with the exchange in ckf_lock_release(). seq_cst: work was
     * written down before this fails, and the holder looks for work after its release. */
    return cas_seq_cst(&lock->state, &found, HELD);
}

static bool spin_for(struct ckf_lock *lock)
{
    if (!ckf_spinning_can_help())
        return false;
    for (int i = 0; i < SPINS; i++) {
        /* relaxed: only says when another try is worth it */
        if (load_relaxed(&lock->state) == FREE && ckf_lock_try(lock))
            return true;
        ckf_cpu_relax();
    }
    return false;
}

void ckf_lock_acquire(struct ckf_lock *lock)
{
    if (ckf_lock_try(lock) || spin_for(lock))
        return;
    /* edge lock-released: acquire; pairs with the exchange in ckf_lock_release(). */
    while (exchange_acquire(&lock->state, CONTENDED) != FREE)
        ckf_futex_wait(&lock->state, CONTENDED, CKF_FOREVER);
}

void ckf_lock_release(struct ckf_lock *lock)
{
    /* edge lock-released: release; pairs with the acquires in ckf_lock_try() and
     * ckf_lock_acquire(). seq_cst: see ckf_lock_try(). */
    if (exchange_seq_cst(&lock->state, FREE) == CONTENDED)
        ckf_futex_wake(&lock->state, 1);
}
