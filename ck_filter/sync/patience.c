/* sync/patience.c - one time span for each thread, which grows with each wait that it was enough for,
 * or that turned out to be brief, and shrinks with each for which it was not.
 *
 * Two threads that wait for each other by turns can both be asleep whenever they are waited for: then
 * each wait takes a wake-up, and an awake time shorter than that never ends it. So after a brief wait
 * that was slept away a thread stays awake for longer than a wake-up takes; where that is in vain, it
 * tries again after two such waits, then after four, and so on.
 *
 * A thread's first wait, and one that comes after a long one, may be for something rare. Then it does
 * not give way either: a few ways given cost a third of the sleep and the wake-up that they might
 * spare. On one CPU they cost less than those, whatever it waits for.
 */
#include "sync/patience.h"

#include "base/backoff.h"
#include "base/check.h"

enum {
    MOST_NS = 8000,   /* a fraction of what a sleep and its wake-up cost (some 50 us across CPUs) */
    LEAST_NS = 250,   /* still notices when staying awake begins to help */
    BRIEF_NS = 80000, /* a wait, wake-up included, that might have been shorter awake */
    LONG_NS = 50000,  /* longer than most wake-ups take */
    IDLE_NS = 50000000, /* more is a wait for something rare, not for somebody's turn */
    MOST_SELDOM = 64,   /* brief sleeps between two long spans that were in vain */
    SHARE = 8           /* of the way to the new span, a wait */
};

CKF_OWN_WORD int64_t span_ns = LEAST_NS;
CKF_OWN_WORD unsigned brief_sleeps, long_after = 1;
CKF_OWN_WORD bool has_waited, is_busy;

static void move_towards(int64_t wanted_ns)
{
    span_ns += (wanted_ns - span_ns) / SHARE;
}

bool ckf_patience_is_new(void)
{
    return !has_waited;
}

int64_t ckf_patience_ns(void)
{
    if (!has_waited) {
        has_waited = true;
        return 0;
    }
    if (!ckf_spinning_can_help())
        return 0;
    if (brief_sleeps < long_after)
        return span_ns;
    brief_sleeps = 0;
    if (long_after < MOST_SELDOM)
        long_after *= 2;
    return LONG_NS;
}

bool ckf_patience_gives_way(void)
{
    return is_busy || ckf_one_cpu_was_seen();
}

void ckf_patience_paid(void)
{
    is_busy = true;
    brief_sleeps = 0;
    long_after = 1;
    move_towards(MOST_NS);
}

void ckf_patience_was_vain(void)
{
    move_towards(LEAST_NS);
}

void ckf_patience_slept(int64_t waited_ns)
{
    is_busy = waited_ns <= IDLE_NS;
    if (waited_ns > BRIEF_NS)
        return;
    brief_sleeps++;
    move_towards(MOST_NS);
}
