/* counter_map/cells.h - counters of which each thread has its own word.
 *
 * A cell id names a word in each thread's row, where the thread also keeps its front (front.h); rows and their chunks are made when a thread first
 * adds to one of their cells. Only the holder of a thread number writes its row, by plain stores; who
 * gets the number later goes on with the row. So words only grow, modulo 2^64, and nothing is ever
 * moved or zeroed: an id that is used again starts from what its cells hold then, its birth.
 */
#ifndef CKF_COUNTER_MAP_CELLS_H
#define CKF_COUNTER_MAP_CELLS_H

#include <pthread.h>

#include "base/cacheline.h"
#include "base/effort.h"
#include "counter_map/blocks.h"
#include "counter_map/front.h"
#include "sync/section.h"

enum {
    CKF_CELLS_OF_A_CHUNK = 256,
    CKF_CHUNKS_OF_A_ROW = 64,
    CKF_CELL_IDS = CKF_CELLS_OF_A_CHUNK * CKF_CHUNKS_OF_A_ROW,
    /* While fewer are in use, each key that is met again gets one; while fewer than that, each one that two threads
     * meet at. */
    CKF_CELL_IDS_FOR_ALL = CKF_SIZE(CKF_CELL_IDS / 2, 0),
    CKF_CELL_IDS_TO_SPARE = CKF_SIZE(CKF_CELL_IDS * 3 / 4, 1),
    CKF_CELL_IDS_KEPT = CKF_SIZE(16, 1), /* by a thread */
    CKF_ROWS_OF_A_BLOCK = 64,
    CKF_BLOCKS_OF_ROWS = CKF_OWN_NUMBERS / CKF_ROWS_OF_A_BLOCK
};

struct ckf_cell_chunk {
    CKF_CACHELINE_ALIGNED _Atomic(uint64_t) words[CKF_CELLS_OF_A_CHUNK];
};

struct ckf_cell_chunks {
    CKF_CACHELINE_ALIGNED _Atomic(struct ckf_cell_chunk *) of[CKF_CHUNKS_OF_A_ROW];
};

struct ckf_cell_row {
    struct ckf_cell_chunks chunks;
    struct ckf_front *front;                   /* NULL without memory */
    struct ckf_block_run blocks;               /* for new entries */
    uint32_t ids_kept, ids[CKF_CELL_IDS_KEPT]; /* nobody uses them; their births are set */
};

struct ckf_cell_block {
    _Atomic(struct ckf_cell_row *) rows[CKF_ROWS_OF_A_BLOCK];
};

struct ckf_cells {
    uint64_t serial;           /* no two of a process have the same */
    size_t kept;               /* where each place keeps what is of these cells: the offset */
    _Atomic(uint32_t) row_end; /* more than every number that has a row */
    _Atomic(struct ckf_cell_block *) blocks[CKF_BLOCKS_OF_ROWS];
    struct ckf_cell_chunks births; /* by id; whoever takes an id writes its word */

    pthread_mutex_t ids_lock; /* guards the rest; held over forks */
    uint32_t ids_made, free_ids;
    _Atomic(uint32_t) ids_in_use; /* or kept by threads; who looks without the lock guesses */
    uint32_t *next_free[CKF_CHUNKS_OF_A_ROW]; /* one more than the next free id; made with births */
};

void ckf_cells_init(struct ckf_cells *cells);
void ckf_cells_destroy(struct ckf_cells *cells);

static inline struct ckf_kept *ckf_cells_kept(const struct ckf_cells *cells,
                                              const struct ckf_place *place)
{
    return ckf_place_kept(place, cells->kept);
}

/* This thread's row; NULL: it is not at hand. Inside a section, as all of these. */
static inline struct ckf_cell_row *ckf_cells_row(const struct ckf_cells *cells,
                                                 const struct ckf_place *place)
{
    const struct ckf_kept *kept = ckf_cells_kept(cells, place);
    return CKF_LIKELY(kept->object == cells->serial) ? kept->data : NULL;
}

/* In a place's `cache_of`, beside the serial number: the front is watched. */
#define CKF_CELLS_WATCHED (UINT64_C(1) << 63)

/* Whether this thread's front is at hand, and pays. */
static inline bool ckf_cells_have_front(const struct ckf_cells *cells,
                                        const struct ckf_place *place)
{
    uint64_t cache_of = ckf_cells_kept(cells, place)->cache_of;
    return CKF_LIKELY((cache_of & ~CKF_CELLS_WATCHED) == cells->serial);
}

static inline void ckf_cells_use_front(const struct ckf_cells *cells, struct ckf_place *place,
                                       struct ckf_front *front)
{
    struct ckf_kept *kept = ckf_cells_kept(cells, place);
    uint64_t watched = front != NULL && ckf_front_is_watched(front) ? CKF_CELLS_WATCHED : 0;
    kept->cache_of = front != NULL ? cells->serial | watched : 0;
    kept->cache = front;
}

/* This thread's row, made if need be; NULL: without memory, or without a number of this thread's own. */
struct ckf_cell_row *ckf_cells_make_row(struct ckf_cells *cells, struct ckf_place *place);

/* This thread's word of the id; NULL: it has not been made. */
static inline _Atomic(uint64_t) *ckf_cells_mine(struct ckf_cells *cells, struct ckf_place *place,
                                                uint32_t id)
{
    struct ckf_cell_row *row = ckf_cells_row(cells, place);
    if (CKF_UNLIKELY(row == NULL))
        return NULL;
    /* relaxed: this thread's own, or inherited with the number */
    struct ckf_cell_chunk *chunk = load_relaxed(&row->chunks.of[id / CKF_CELLS_OF_A_CHUNK]);
    return CKF_LIKELY(chunk != NULL) ? &chunk->words[id % CKF_CELLS_OF_A_CHUNK] : NULL;
}

/* The same, and makes it; NULL: without memory, or without a number of this thread's own. */
_Atomic(uint64_t) *ckf_cells_make_mine(struct ckf_cells *cells, struct ckf_place *place,
                                       uint32_t id);

/* All that was added to the id's words since it was taken. Wait-free. */
uint64_t ckf_cells_sum(struct ckf_cells *cells, uint32_t id);

/* An id that nobody uses, its birth set; false: there is none at hand, or no memory. Never waits. */
bool ckf_cells_take_id(struct ckf_cells *cells, struct ckf_place *place, uint32_t *id);
/* Of one that has been taken just now, and that nobody else knows. */
void ckf_cells_keep_id(struct ckf_cells *cells, struct ckf_place *place, uint32_t id);

/* So few ids are in use that a key may have one that is not known to need it; is_met: by a second thread. */
static inline bool ckf_cells_abound(struct ckf_cells *cells, bool is_met)
{
    int enough = is_met ? CKF_CELL_IDS_TO_SPARE : CKF_CELL_IDS_FOR_ALL;
    return (int)load_relaxed(&cells->ids_in_use) < enough; /* relaxed: a guess */
}

/* Once nobody can add to its words any more. May wait for who takes one. The place is this thread's, or NULL. */
void ckf_cells_give_back_id(struct ckf_cells *cells, struct ckf_place *place, uint32_t id);

/* In a forked child: a thread that is not here may have been taking an id. */
void ckf_cells_mend_child(struct ckf_cells *cells);

#endif
