/* sync/parking.c - the wake-up race, settled on one word.
 *
 * Roles:     one waiter, one firer.
 * Invariant: the word goes WAITING -> (PARKED ->) FIRED and never back. The waiter sleeps only
 *            while the word is PARKED, which the kernel checks again, so a firing before the sleep
 *            is seen and a firing during it wakes.
 * Teardown:  the exchange to FIRED is the firer's last access to the parker. The wake that may follow uses the
 *            address alone; if the stack frame is gone by then, it is a spurious wake for somebody
 *            else, which every sleeper on a futex expects.
 */
#include "sync/parking.h"

#include "base/backoff.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/futex.h"
#include "base/probes.h"
#include "sync/patience.h"
#include "sync/trace.h"

enum parker_state { WAITING = 0, PARKED = 1, FIRED = 2 };

enum { RELAXES_PER_CLOCK = 16 }; /* steps between two looks at the clock */

void ckf_parker_init(struct ckf_parker *parker)
{
    atomic_init(&parker->state, WAITING);
}

static bool is_fired(struct ckf_parker *parker)
{
    /* edge parker-fired: acquire; pairs with the exchange in ckf_unpark(). */
    return load_acquire(&parker->state) == FIRED;
}

static bool spin_until_fired(struct ckf_parker *parker, int64_t end_ns, int64_t deadline_ns)
{
    if (deadline_ns < end_ns)
        end_ns = deadline_ns;
    do {
        for (int i = 0; i < RELAXES_PER_CLOCK; i++) {
            if (is_fired(parker))
                return true;
            ckf_cpu_relax();
        }
    } while (ckf_now_ns() < end_ns);
    return false;
}

static bool sleep_until_fired(struct ckf_parker *parker, int64_t deadline_ns)
{
    while (!is_fired(parker)) {
        if (!ckf_futex_wait(&parker->state, PARKED, deadline_ns))
            return is_fired(parker);
    }
    return true;
}

CKF_COLD bool ckf_park_at_once(struct ckf_parker *parker, int64_t deadline_ns,
                               const struct ckf_wait_note *note)
{
    uint32_t found = WAITING;
    /* edge parker-fired: a failure found FIRED, and the acquire takes what the firer wrote. */
    if (!cas_acquire(&parker->state, &found, PARKED) && found == FIRED)
        return true;
    struct ckf_waiting waiting;
    ckf_waiting_begin(&waiting, note);
    bool fired = sleep_until_fired(parker, deadline_ns);
    ckf_waiting_end(&waiting);
    return fired;
}

bool ckf_park(struct ckf_parker *parker, int64_t deadline_ns, const struct ckf_wait_note *note)
{
    int64_t start_ns = ckf_now_ns(), patience_ns = ckf_patience_ns();
    if (is_fired(parker))
        return true;
    if (patience_ns > 0 && spin_until_fired(parker, start_ns + patience_ns, deadline_ns)) {
        ckf_patience_paid();
        return true;
    }
    ckf_patience_was_vain();
    bool fired = ckf_park_at_once(parker, deadline_ns, note);
    if (fired)
        ckf_patience_slept(ckf_now_ns() - start_ns);
    return fired;
}

void ckf_unpark(struct ckf_parker *parker)
{
    /* edge parker-fired: release; pairs with the acquires in is_fired() and ckf_park_at_once(). */
    if (exchange_release(&parker->state, FIRED) == PARKED) {
        ckf_futex_wake(&parker->state, 1);
        CKF_PROBE1(wake, (const void *)parker);
        if (ckf_trace_is_on())
            ckf_trace_note_mark("thread", "wake", NULL, 0);
    }
}
