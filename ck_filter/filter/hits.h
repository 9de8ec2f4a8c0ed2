/* filter/hits.h - how often each rule spoke: cells that outlive every snapshot.
 *
 * A rule id gets a slot when it is first published and keeps it until the filter goes. A slot has
 * two cells, one for each action, and an evaluation adds to one cell, once: so evaluations are
 * passed or dropped and are of one rule by construction, also where a fork cuts them short.
 *
 * Cells stand in stripes. Most stripes belong to one live thread each, which adds to its cells with a
 * load and a store: a locked instruction for each record would cost more than the evaluation. The
 * threads beyond share the last stripes, where additions are atomic. What one thread writes lies as close
 * together as a publish of many ids allows: one chunk for most of them, stripe after stripe.
 * Memory: 4 + 16 * stripes bytes an id, CKF_SLOTS ids at a time; never given back.
 */
#ifndef CKF_FILTER_HITS_H
#define CKF_FILTER_HITS_H

#include <ck_filter/ruleset.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "base/check.h"
#include "filter/id_index.h"
#include "sync/per_thread.h"

enum { CKF_SLOTS = 64, CKF_ACTIONS = 2 };

struct ckf_hit_chunk {
    _Atomic(struct ckf_hit_chunk *) next; /* publishers */
    _Atomic(uint32_t) used;               /* slots in use; publishers */
    unsigned stride_log2; /* of the cells in a stripe; constant, like the next two */
    size_t first;         /* the number of the first slot */
    uint32_t *ids;        /* behind the cells; publishers, before `used` counts them; 0: no rule */
    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) cells[]; /* by stripe, slot, action; evaluators */
};

/* What happens to a record: the rule that spoke, its action, why, and the cell where that is counted. */
struct ckf_outcome {
    _Atomic(uint64_t) *cell; /* in stripe 0 */
    uint32_t id;             /* 0: no rule */
    uint8_t action;
    uint8_t reason;
    uint8_t stride_log2; /* cells to the next stripe */
};

struct ckf_hits {
    struct ckf_hit_chunk *first; /* constant */
    unsigned stripes,
        owned; /* constant: the first `owned` belong to the threads of those numbers */
    /* Publishers, one at a time: */
    struct ckf_id_index index;     /* id -> number of its slot */
    size_t slots;                  /* handed out, in the order of their numbers */
    struct ckf_hit_chunk **chunks; /* all of the list, in its order */
    size_t chunk_count, chunk_room;
    size_t room; /* slots in all chunks */
};

/* False without memory; ckf_hits_destroy is due then too. */
bool ckf_hits_init(struct ckf_hits *hits, unsigned stripes, unsigned owned);
void ckf_hits_destroy(struct ckf_hits *hits);

/* A slot that belongs to no rule id, for a fresh hits: at most CKF_SLOTS of them. */
void ckf_hits_attach_builtin(struct ckf_hits *hits, struct ckf_outcome *outcome);

/* Gives every outcome the cell of its id and action. Ids that are new get slots, unless there would
 * be more than max_ids: CKF_BUSY then; CKF_NO_MEMORY; in both cases no slot was given to anyone. */
enum ckf_status ckf_hits_attach(struct ckf_hits *hits, struct ckf_outcome *outcomes, size_t count,
                                size_t max_ids);

/* Where the thread of that number counts. */
struct ckf_stripe {
    size_t number;
    bool is_owned;
};

static inline struct ckf_stripe ckf_hits_stripe(const struct ckf_hits *hits, unsigned number)
{
    if (CKF_LIKELY(number < hits->owned))
        return (struct ckf_stripe){number, true};
    return (struct ckf_stripe){hits->owned + number % (hits->stripes - hits->owned), false};
}

/* Counts n evaluations. Wait-free. */
static inline void ckf_hits_add(struct ckf_stripe stripe, const struct ckf_outcome *outcome,
                                uint64_t n)
{
    _Atomic(uint64_t) *cell = outcome->cell + (stripe.number << outcome->stride_log2);
    if (CKF_LIKELY(stripe.is_owned))
        /* edge hit-counted: release; pairs with the acquire in ckf_hits_read(). relaxed load: nobody
         * else writes the cell, and its former owner's last value came with the thread number. */
        store_release(cell, load_relaxed(cell) + n);
    else
        /* edge hit-counted: release; pairs with the acquire in ckf_hits_read(). */
        fetch_add_release(cell, n);
}

/* The same where a lock of the caller keeps all others from the cells; for one stripe. */
static inline void ckf_hits_add_locked(const struct ckf_outcome *outcome, uint64_t n)
{
    /* relaxed: the lock orders them; atomic only because the type is */
    store_relaxed(outcome->cell, load_relaxed(outcome->cell) + n);
}

struct ckf_slot_hits {
    uint32_t id; /* 0: no rule */
    uint64_t by_action[CKF_ACTIONS];
};

/* Reads slots of a chunk, from that on, CKF_SLOTS of them at most; returns how many: 0 when those in use
 * are at their end. */
unsigned ckf_hits_read(const struct ckf_hits *hits, const struct ckf_hit_chunk *chunk, size_t from,
                       struct ckf_slot_hits *slots);

/* The chunk that follows, in order of first publication; NULL after the last. */
struct ckf_hit_chunk *ckf_hits_next(const struct ckf_hit_chunk *chunk);

#endif
