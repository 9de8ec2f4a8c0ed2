/* sync/section.h - short sections that a remover can wait for, at the price of two plain stores.
 *
 * As read sections of sync/reclaim, for a collection whose every call is one: begin and end are
 * inlined and write one word of a line that belongs to the thread, which has room for what the
 * collection keeps for this thread. Sections do not nest, and nobody sleeps in one. Who has made
 * something unreachable waits until every section has ended that may have reached it.
 *
 * Store -> load: a section's begin must not be overtaken by its loads, or a waiter misses it. Where
 * the kernel has membarrier(2) the waiter orders both sides; elsewhere both sides read and write
 * the word in one step, and whoever comes second sees the first. And where one collection's waits come so
 * often that membarrier's price tells, that collection raises a fence: its sections then begin by a
 * locked instruction (of the thread's own line), and its waits need no membarrier.
 */
#ifndef CKF_SYNC_SECTION_H
#define CKF_SYNC_SECTION_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "base/check.h"
#include "base/membarrier.h"
#include "base/step.h"
#include "sync/light_fence.h"
#include "sync/per_thread.h"

enum {
    CKF_CROWD_PLACES = 2,
    CKF_KEPT = 4,
    /* Phases go by steps, so that the low bits of a gate are free for an offset. */
    CKF_PHASE_STEP = 1 << 16,
    /* The offset is that of the thread's pointer in an array of so many, the first of which is nobody's
     * and that of all threads beyond. */
    CKF_GATE_POINTERS = 32
};

/* By thread number. Behind the own places stand two for all threads that have none. */
struct ckf_place {
    /* The phase in which the open section began (its low bits say nothing), or 0; for those behind: how
     * many are inside. */
    alignas(64) _Atomic(uint64_t) inside;
    /* A phase and an offset: what sections that programs begin without a call put into `inside`. Waiters
     * raise the phase where such sections might keep them waiting for ever. These two words are known to
     * programs. */
    _Atomic(uint64_t) gate;
    /* The rest is the owner's, inherited with the number; all but the first for the collection. */
    uint32_t number;
    uint32_t ticks, adds_without_cache;
    struct ckf_kept {
        uint64_t object; /* a number that no two objects have; 0: nothing is kept here */
        void *data;
        uint64_t cache_of; /* likewise */
        void *cache;
    } kept[CKF_KEPT];
};

extern struct ckf_place ckf_places[CKF_OWN_NUMBERS + CKF_CROWD_PLACES]
    __attribute__((visibility("hidden")));
/* What all sections read. Waiters write `phase`, from 1 on. */
struct ckf_sections {
    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) phase;
    bool are_light; /* set once, before the first section: the waiters use membarrier */
};
extern struct ckf_sections ckf_sections __attribute__((visibility("hidden")));

/* Before the first section of the process; again harmless. */
void ckf_section_start(void);
/* In a forked child: the sections of other threads are no more. */
void ckf_section_mend_child(void);

struct ckf_place *ckf_section_begin_heavily(void);
void ckf_section_end_heavily(struct ckf_place *place);

/* Where an array of CKF_GATE_POINTERS has the pointer of the place's thread; 0: nowhere. */
static inline size_t ckf_gate_index(const struct ckf_place *place)
{
    size_t number = (size_t)(place - ckf_places); /* who asks need not be the owner */
    return number < CKF_GATE_POINTERS - 1 ? number + 1 : 0;
}

/* What a collection keeps there, at an offset within `kept`. */
static inline struct ckf_kept *ckf_place_kept(const struct ckf_place *place, size_t offset)
{
    return (struct ckf_kept *)(void *)((char *)(uintptr_t)place + offset);
}

/* A place of this thread's own: nobody else writes what it alone writes. */
static inline bool ckf_place_is_own(const struct ckf_place *place)
{
    return place < &ckf_places[CKF_OWN_NUMBERS];
}

/* NULL: this thread's sections are heavy, or have been up to now. Wait-free, as all of these. */
static inline struct ckf_place *ckf_section_begin_lightly(void)
{
    struct ckf_place *place = ckf_thread_place;
    if (CKF_UNLIKELY(place == NULL))
        return NULL;
    /* edge phase-begun: acquire; pairs with the release in ckf_section_wait(): a section of a later
     * phase finds what was made unreachable so. The store is ordered before the section's loads by the
     * waiter's membarrier.
     * edge section-ended: release, for the section that this thread ended before: a waiter may meet this
     * store in the place of that end. */
    store_release(&place->inside, load_acquire(&ckf_sections.phase));
    ckf_compiler_barrier();
    return place;
}

/* As programs do it without a call, in a place that is theirs: returns the offset of their pointer. What
 * such sections reach is only removed by waiters with a barrier (ckf_section_wait). */
static inline size_t ckf_section_begin_by_gate(struct ckf_place *place)
{
    /* edge phase-begun: acquire; pairs with the release in section.c, raise_gate(). */
    uint64_t gate = load_acquire(&place->gate);
    /* edge section-ended: release, as in ckf_section_begin_lightly() */
    store_release(&place->inside, gate);
    ckf_compiler_barrier();
    return gate & (CKF_PHASE_STEP - 1);
}

static inline void ckf_section_end_lightly(struct ckf_place *place)
{
    /* edge section-ended: release; pairs with the acquires in section.c, wait_for_place(). */
    store_release(&place->inside, 0);
}

static inline struct ckf_place *ckf_section_begin(void)
{
    struct ckf_place *place = ckf_section_begin_lightly();
    return CKF_LIKELY(place != NULL) ? place : ckf_section_begin_heavily();
}

static inline void ckf_section_end(struct ckf_place *place)
{
    if (CKF_UNLIKELY(!ckf_place_is_own(place) || !ckf_sections.are_light))
        ckf_section_end_heavily(place);
    else
        ckf_section_end_lightly(place);
}

/* Of a collection: all zeros, then its sections' and waiters'. Sections that may reach what its waiters
 * have removed all pass it. */
struct ckf_fence {
    struct ckf_light_fence light;
    _Atomic(uint32_t) dear_waits; /* in a row */
    _Atomic(int64_t) last_wait_ns;
};

void ckf_section_pass_slowly(struct ckf_fence *fence, struct ckf_place *place);

/* At the beginning of a section: true: it has to pass slowly. What leads to things that waiters remove, and
 * says that they are removed, is then loaded seq_cst, and so it is written. */
static inline bool ckf_fence_stands(const struct ckf_fence *fence)
{
    return ckf_light_fence_stands(&fence->light);
}

static inline struct ckf_place *ckf_section_begin_behind(struct ckf_fence *fence)
{
    struct ckf_place *place = ckf_section_begin();
    if (CKF_STEP(ckf_fence_stands(fence)))
        ckf_section_pass_slowly(fence, place);
    return place;
}

/* The same, not inlined. */
struct ckf_place *ckf_section_begin_behind_by_call(struct ckf_fence *fence);

/* As ckf_section_wait, for sections that passed the fence. */
void ckf_section_wait_behind(struct ckf_fence *fence);
/* In a forked child. */
void ckf_fence_mend_child(struct ckf_fence *fence);

/* Waits until every section that was open at the call has ended; their accesses happen before the
 * return, and sections that begin later see what was done before the call. Not inside a section. May
 * be called from what ckf_retire calls: that is how memory is given back without waiting. */
void ckf_section_wait(void);

/* From what ckf_retire calls: waits until every section has ended that was open when the object was retired. One
 * wait for all that are called back together, or memory might come faster than it is given back. */
void ckf_section_wait_for_retired(void);

/* The nth step of waiting for another thread: relaxes, later yields, then naps. */
void ckf_section_pause(unsigned round);

#endif
