/* sync/section.c - a word for each thread: in which phase the section that it is in began.
 *
 * Roles:     owners of numbers write their own word; waiters read all that were ever used.
 * Invariant: a section that a waiter does not see, or sees in its own phase or a later one, finds
 *            what the waiter had done. With membarrier: a begin that is not seen was not executed
 *            before the barrier, so neither were the section's loads. Without: begin, end and wait
 *            are read-modify-writes of one word (or of the limit of numbers), and the second takes
 *            what the first released.
 *            A fence: a section that finds it up begins by a seq_cst store, and what it loads then, and
 *            the waiter's stores and look, are seq_cst too: a store->load race on either side, of which
 *            one sees the other.
 * Bound:     a wait is over with the sections that were open: those that come after it have its
 *            phase. (Phases as in liburcu; see Desnoyers et al., IEEE TPDS 2012.) Sections that programs
 *            begin without a call have the phase of their place's gate, which a waiter raises when it
 *            has to wait there.
 * Crowd:     threads beyond the numbers count themselves in one of two words; a waiter turns new
 *            ones away from a word before it waits for that to be 0, so that it ends.
 */
#include "sync/section.h"

#include <pthread.h>
#include <sched.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/effort.h"
#include "base/step.h"
#include "sync/parking.h"
#include "sync/reclaim.h"

struct ckf_place ckf_places[CKF_OWN_NUMBERS + CKF_CROWD_PLACES];
struct ckf_sections ckf_sections = {.phase = CKF_PHASE_STEP};

static _Atomic(uint32_t) crowd_phase; /* its parity: the word that newcomers use */

static void start(void)
{
    ckf_sections.are_light = ckf_membarrier_start();
}

void ckf_section_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}

void ckf_section_mend_child(void)
{
    for (unsigned i = 0; i < CKF_OWN_NUMBERS + CKF_CROWD_PLACES; i++)
        /* relaxed: the child has one thread; reads alone leave untouched pages alone */
        if (load_relaxed(&ckf_places[i].inside) != 0)
            store_relaxed(&ckf_places[i].inside, 0);
    if (ckf_sections.are_light && !ckf_membarrier_start()) {
        ckf_sections.are_light = false;
        ckf_thread_place = NULL;
    }
}

/* Lets sections that programs begin there from now on be of this phase at least. Two that raise the gate
 * may set it back for each other, and raise it again when they look again. */
static void raise_gate(struct ckf_place *place, uint64_t phase)
{
    if (load_relaxed(&place->gate) < phase) /* relaxed: spares the owner's line */
        /* edge phase-begun: release; pairs with the acquire in ckf_counter_add(), as programs have it. */
        store_release(&place->gate, phase + ckf_gate_index(place) * sizeof(void *));
}

struct ckf_place *ckf_section_begin_heavily(void)
{
    unsigned number = ckf_thread_number();
    bool own = number < CKF_OWN_NUMBERS;
    if (!own)
        /* relaxed: either word will do */
        number = CKF_OWN_NUMBERS + load_relaxed(&crowd_phase) % CKF_CROWD_PLACES;
    struct ckf_place *place = &ckf_places[number];
    if (own) {
        place->number = number;
        if (ckf_sections.are_light) {
            raise_gate(place, CKF_PHASE_STEP);
            ckf_thread_place = place;
            return ckf_section_begin_lightly();
        }
    }
    /* edge phase-begun: acquire; pairs with the release in ckf_section_wait(). */
    uint64_t phase = load_acquire(&ckf_sections.phase);
    /* edge section-begun: acquire; pairs with the release in seen_inside(): a waiter that came first
     * has made its object unreachable for us, and one that comes second sees us. From 0. */
    fetch_add_acquire(&place->inside, own ? phase : 1);
    return place;
}

void ckf_section_end_heavily(struct ckf_place *place)
{
    /* edge section-ended: release; pairs with the acquires in wait_for_place() and wait_for_crowd(). A
     * read-modify-write, so that the next begin still takes what a waiter released in this word. */
    if (ckf_place_is_own(place))
        fetch_and_release(&place->inside, 0);
    else
        fetch_sub_release(&place->inside, 1);
}

enum { RELAXES = 64, YIELDS = 64, NAP_NS = 50000 };

void ckf_section_pause(unsigned round)
{
    if (round < RELAXES && ckf_spinning_can_help()) {
        ckf_cpu_relax();
    } else if (round < RELAXES + YIELDS) {
        sched_yield();
    } else {
        struct ckf_parker nobody_fires;
        ckf_parker_init(&nobody_fires);
        ckf_park_at_once(&nobody_fires, ckf_deadline_after_ns(NAP_NS), NULL);
    }
}

static uint64_t seen_inside(struct ckf_place *place)
{
    if (ckf_sections.are_light)
        /* edge section-ended: acquire; pairs with the release in ckf_section_end_lightly().
         * edge fence-passed: seq_cst, for a store->load race: what the waiter has removed against this. */
        return load_seq_cst(&place->inside);
    /* edge section-begun: acq_rel; pairs with the acquire in ckf_section_begin_heavily(). */
    return fetch_add_acq_rel(&place->inside, 0);
}

static void wait_for_place(struct ckf_place *place, uint64_t phase)
{
    unsigned rounds = 0;
    for (uint64_t found = seen_inside(place); CKF_STEP(found != 0 && found < phase); rounds++) {
        if (ckf_sections.are_light)
            raise_gate(place, phase);
        ckf_section_pause(rounds);
        /* edge section-ended: acquire; pairs with the release in ckf_section_end_lightly(). */
        found = load_acquire(&place->inside);
    }
}

static void wait_for_crowd(void)
{
    for (int turn = 0; turn < CKF_CROWD_PLACES; turn++) {
        /* relaxed: newcomers may use either word */
        uint32_t phase = fetch_add_relaxed(&crowd_phase, 1);
        struct ckf_place *place = &ckf_places[CKF_OWN_NUMBERS + phase % CKF_CROWD_PLACES];
        /* edge section-begun: acq_rel; pairs with the acquire in ckf_section_begin_heavily().
         * edge section-ended: acquire; pairs with the release in ckf_section_end_heavily(). */
        for (unsigned round = 0; fetch_add_acq_rel(&place->inside, 0) != 0; round++)
            ckf_section_pause(round);
    }
}

static void wait_for_sections(bool barrier)
{
    /* edge phase-begun: release; pairs with the acquires in the begins: their sections come after. acquire:
     * who raises a gate to this phase hands on what came before the waits of earlier ones. */
    uint64_t phase = fetch_add_acq_rel(&ckf_sections.phase, CKF_PHASE_STEP) + CKF_PHASE_STEP;
    if (CKF_STEP(barrier))
        ckf_membarrier();
    unsigned limit = ckf_thread_number_limit();
    for (unsigned number = 0; number < limit; number++)
        wait_for_place(&ckf_places[number], phase);
    if (limit == CKF_OWN_NUMBERS)
        wait_for_crowd();
}

void ckf_section_wait(void)
{
    wait_for_sections(ckf_sections.are_light);
}

void ckf_section_wait_for_retired(void)
{
    if (ckf_reclaim_is_first())
        ckf_section_wait();
}

/* --- fences --- */

/* A fence goes up when DEAR_WAITS waits in a row took more than the SHARE-th part of the time from one to
 * the next: some thousand instructions of each waiter, an interrupt of each other CPU. It goes down when
 * there was no wait for QUIET_NS, at which a section looks now and then. */
enum {
    SHARE = CKF_SIZE(4, 1 << 20),
    DEAR_WAITS = 8,
    QUIET_NS = CKF_SIZE(1000000, 0),
    LOOK_EVERY = CKF_SIZE(4096, 4)
};

static void weigh(struct ckf_fence *fence, int64_t start_ns, int64_t end_ns)
{
    /* relaxed, all of it: a guess at what pays */
    int64_t since_last = end_ns - load_relaxed(&fence->last_wait_ns);
    store_relaxed(&fence->last_wait_ns, end_ns);
    uint32_t dear = load_relaxed(&fence->dear_waits) + 1;
    if (since_last > (end_ns - start_ns) * SHARE)
        dear = 0;
    store_relaxed(&fence->dear_waits, dear);
    if (dear >= CKF_RARELY(DEAR_WAITS))
        ckf_light_fence_raise(&fence->light);
}

void ckf_section_pass_slowly(struct ckf_fence *fence, struct ckf_place *place)
{
    if (!ckf_place_is_own(place) || !ckf_sections.are_light)
        return; /* it began by a read-modify-write */
    /* edge fence-passed: seq_cst, for a store->load race: this against the section's seq_cst loads. The
     * waiter writes what they load before it looks here. relaxed: our own */
    exchange_seq_cst(&place->inside, load_relaxed(&place->inside));
    if (++place->ticks % LOOK_EVERY != 0)
        return;
    /* relaxed: as in weigh() */
    int64_t quiet_ns = ckf_now_ns() - load_relaxed(&fence->last_wait_ns);
    if (quiet_ns >= QUIET_NS)
        ckf_light_fence_lower(&fence->light);
}

struct ckf_place *ckf_section_begin_behind_by_call(struct ckf_fence *fence)
{
    return ckf_section_begin_behind(fence);
}

void ckf_section_wait_behind(struct ckf_fence *fence)
{
    int64_t start_ns = ckf_now_ns();
    if (ckf_light_fence_is_up(&fence->light) || !ckf_sections.are_light) {
        wait_for_sections(false);
        store_relaxed(&fence->last_wait_ns, start_ns); /* relaxed: as in weigh() */
        return;
    }
    wait_for_sections(true);
    weigh(fence, start_ns, ckf_now_ns());
}

void ckf_fence_mend_child(struct ckf_fence *fence)
{
    /* relaxed: the child has one thread */
    fetch_and_relaxed(&fence->light.word, ~(uint64_t)CKF_FENCE_MODES);
}
