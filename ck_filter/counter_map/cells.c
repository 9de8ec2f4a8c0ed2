/* counter_map/cells.c - rows of words by thread number, and the ids of their columns.
 *
 * Roles:      the holder of a number makes and writes its row; anybody sums; promoters take ids,
 *             removers give them back.
 * Invariant:  a word is written by the holder of its number alone, and only while an entry has its id.
 *             So the sum of an id's words does not change while the id is free, or kept by a thread, which
 *             is its birth for the next entry that gets it.
 * Teardown:   rows live as long as the map. A place may remember a row of a map that is gone: the
 *             serial number tells.
 */
#include "counter_map/cells.h"

#include "base/memory.h"

void ckf_cells_init(struct ckf_cells *cells)
{
    static _Atomic(uint64_t) serials;
    /* relaxed: only has to be another number */
    cells->serial = fetch_add_relaxed(&serials, 1) + 1;
    cells->kept =
        offsetof(struct ckf_place, kept) + cells->serial % CKF_KEPT * sizeof(struct ckf_kept);
    pthread_mutex_init(&cells->ids_lock, NULL);
}

static void free_chunks(struct ckf_cell_chunks *chunks)
{
    for (int i = 0; i < CKF_CHUNKS_OF_A_ROW; i++)
        ckf_free(load_relaxed(&chunks->of[i])); /* relaxed: nobody else uses the map */
}

void ckf_cells_destroy(struct ckf_cells *cells)
{
    for (int i = 0; i < CKF_BLOCKS_OF_ROWS; i++) {
        /* relaxed: nobody else uses the map, as below */
        struct ckf_cell_block *block = load_relaxed(&cells->blocks[i]);
        for (int j = 0; block != NULL && j < CKF_ROWS_OF_A_BLOCK; j++) {
            struct ckf_cell_row *row = load_relaxed(&block->rows[j]);
            if (row != NULL) {
                free_chunks(&row->chunks);
                ckf_free(row->front);
            }
            ckf_free(row);
        }
        ckf_free(block);
    }
    free_chunks(&cells->births);
    for (int i = 0; i < CKF_CHUNKS_OF_A_ROW; i++)
        ckf_free(cells->next_free[i]);
    pthread_mutex_destroy(&cells->ids_lock);
}

/* --- rows --- */

static struct ckf_cell_block *block_of(struct ckf_cells *cells, uint32_t number)
{
    _Atomic(struct ckf_cell_block *) *place = &cells->blocks[number / CKF_ROWS_OF_A_BLOCK];
    /* edge row-published: acquire; pairs with the release below. */
    struct ckf_cell_block *block = load_acquire(place);
    if (block != NULL)
        return block;
    struct ckf_cell_block *fresh = ckf_alloc(sizeof *fresh);
    if (fresh == NULL)
        return NULL;
    /* edge row-published: release; pairs with the acquires in row_at() and here. */
    if (cas_acq_rel(place, &block, fresh))
        return fresh;
    ckf_free(fresh);
    return block;
}

static void raise_row_end(struct ckf_cells *cells, uint32_t number)
{
    uint32_t end = load_relaxed(&cells->row_end);
    /* relaxed: hands over nothing; who is ordered after an add finds at least the end that the adder found */
    while (end <= number && !cas_relaxed(&cells->row_end, &end, number + 1))
        ;
}

static struct ckf_cell_row *make_row(struct ckf_cells *cells, uint32_t number)
{
    struct ckf_cell_block *block = block_of(cells, number);
    if (block == NULL)
        return NULL;
    _Atomic(struct ckf_cell_row *) *place = &block->rows[number % CKF_ROWS_OF_A_BLOCK];
    struct ckf_cell_row *row = load_relaxed(place); /* relaxed: ours, or inherited */
    if (row != NULL)
        return row;
    row = ckf_alloc_aligned(sizeof *row, CKF_CACHELINE);
    if (row == NULL)
        return NULL;
    row->front = ckf_front_make(CKF_FRONT_LEAST);
    /* edge row-published: release; pairs with the acquire in row_at(). */
    store_release(place, row);
    raise_row_end(cells, number);
    return row;
}

static struct ckf_cell_chunk *make_chunk(struct ckf_cell_chunks *chunks, uint32_t id)
{
    _Atomic(struct ckf_cell_chunk *) *place = &chunks->of[id / CKF_CELLS_OF_A_CHUNK];
    struct ckf_cell_chunk *chunk = load_relaxed(place); /* relaxed: written by us alone */
    if (chunk != NULL)
        return chunk;
    chunk = ckf_alloc_aligned(sizeof *chunk, CKF_CACHELINE);
    /* edge row-published: release; pairs with the acquire in word_in(). */
    if (chunk != NULL)
        store_release(place, chunk);
    return chunk;
}

struct ckf_cell_row *ckf_cells_make_row(struct ckf_cells *cells, struct ckf_place *place)
{
    if (!ckf_place_is_own(place))
        return NULL;
    struct ckf_cell_row *row = make_row(cells, place->number);
    if (row == NULL)
        return NULL;
    *ckf_cells_kept(cells, place) = (struct ckf_kept){.object = cells->serial, .data = row};
    bool rests = row->front == NULL || row->front->rest != 0;
    ckf_cells_use_front(cells, place, rests ? NULL : row->front);
    return row;
}

_Atomic(uint64_t) *ckf_cells_make_mine(struct ckf_cells *cells, struct ckf_place *place,
                                       uint32_t id)
{
    struct ckf_cell_row *row = ckf_cells_make_row(cells, place);
    if (row == NULL)
        return NULL;
    struct ckf_cell_chunk *chunk = make_chunk(&row->chunks, id);
    return chunk == NULL ? NULL : &chunk->words[id % CKF_CELLS_OF_A_CHUNK];
}

static struct ckf_cell_row *row_at(struct ckf_cells *cells, uint32_t number)
{
    /* edge row-published: acquire; pairs with the release in block_of(). */
    struct ckf_cell_block *block = load_acquire(&cells->blocks[number / CKF_ROWS_OF_A_BLOCK]);
    if (block == NULL)
        return NULL;
    /* edge row-published: acquire; pairs with the release in make_row(). */
    return load_acquire(&block->rows[number % CKF_ROWS_OF_A_BLOCK]);
}

static uint64_t word_in(struct ckf_cell_chunks *chunks, uint32_t id)
{
    /* edge row-published: acquire; pairs with the release in make_chunk(). */
    struct ckf_cell_chunk *chunk = load_acquire(&chunks->of[id / CKF_CELLS_OF_A_CHUNK]);
    /* edge counter-added: acquire; pairs with the release in lockfree.c, count_in_cell(). */
    return chunk == NULL ? 0 : load_acquire(&chunk->words[id % CKF_CELLS_OF_A_CHUNK]);
}

static uint64_t sum_of_words(struct ckf_cells *cells, uint32_t id)
{
    uint64_t sum = 0;
    uint32_t end = load_relaxed(&cells->row_end); /* relaxed: a row is acquired by itself */
    for (uint32_t number = 0; number < end; number++) {
        struct ckf_cell_row *row = row_at(cells, number);
        if (row != NULL)
            sum += word_in(&row->chunks, id);
    }
    return sum;
}

uint64_t ckf_cells_sum(struct ckf_cells *cells, uint32_t id)
{
    return sum_of_words(cells, id) - word_in(&cells->births, id);
}

/* --- ids --- */

static bool has_births(struct ckf_cells *cells, uint32_t id)
{
    uint32_t chunk = id / CKF_CELLS_OF_A_CHUNK;
    if (cells->next_free[chunk] == NULL)
        cells->next_free[chunk] = ckf_alloc_array(CKF_CELLS_OF_A_CHUNK, sizeof(uint32_t));
    return cells->next_free[chunk] != NULL && make_chunk(&cells->births, id) != NULL;
}

static uint32_t *next_free(struct ckf_cells *cells, uint32_t id)
{
    return &cells->next_free[id / CKF_CELLS_OF_A_CHUNK][id % CKF_CELLS_OF_A_CHUNK];
}

static void set_birth(struct ckf_cells *cells, uint32_t id)
{
    /* relaxed: who learns the id from an entry learns this with it */
    struct ckf_cell_chunk *chunk = load_relaxed(&cells->births.of[id / CKF_CELLS_OF_A_CHUNK]);
    store_relaxed(&chunk->words[id % CKF_CELLS_OF_A_CHUNK], sum_of_words(cells, id));
}

static void note_in_use(struct ckf_cells *cells, int change)
{
    /* relaxed: written under the lock, and guessed at without */
    store_relaxed(&cells->ids_in_use, load_relaxed(&cells->ids_in_use) + (uint32_t)change);
}

/* Under the lock. A new one is born at 0, as all its words are. */
static bool pop_id(struct ckf_cells *cells, uint32_t *id)
{
    if (cells->free_ids != 0) {
        *id = cells->free_ids - 1;
        cells->free_ids = *next_free(cells, *id);
        set_birth(cells, *id);
    } else {
        *id = cells->ids_made;
        if (*id == CKF_CELL_IDS || !has_births(cells, *id))
            return false;
        cells->ids_made++;
    }
    note_in_use(cells, 1);
    return true;
}

/* Some while ids abound, or one. */
static void fetch_ids(struct ckf_cells *cells, struct ckf_cell_row *row)
{
    if (pthread_mutex_trylock(&cells->ids_lock) != 0)
        return;
    do {
        if (!pop_id(cells, &row->ids[row->ids_kept]))
            break;
        row->ids_kept++;
    } while (row->ids_kept < CKF_CELL_IDS_KEPT && ckf_cells_abound(cells, true));
    pthread_mutex_unlock(&cells->ids_lock);
}

bool ckf_cells_take_id(struct ckf_cells *cells, struct ckf_place *place, uint32_t *id)
{
    struct ckf_cell_row *row = ckf_cells_make_row(cells, place);
    if (row != NULL && row->ids_kept == 0)
        fetch_ids(cells, row);
    if (row == NULL || row->ids_kept == 0)
        return false;
    *id = row->ids[--row->ids_kept];
    return true;
}

void ckf_cells_keep_id(struct ckf_cells *cells, struct ckf_place *place, uint32_t id)
{
    struct ckf_cell_row *row = ckf_cells_row(cells, place);
    row->ids[row->ids_kept++] = id;
}

/* A thread that removes keys is about to make some. */
static bool keep_for_next(struct ckf_cells *cells, struct ckf_place *place, uint32_t id)
{
    struct ckf_cell_row *row = place != NULL ? ckf_cells_row(cells, place) : NULL;
    if (row == NULL || row->ids_kept == CKF_CELL_IDS_KEPT)
        return false;
    set_birth(cells, id);
    row->ids[row->ids_kept++] = id;
    return true;
}

void ckf_cells_give_back_id(struct ckf_cells *cells, struct ckf_place *place, uint32_t id)
{
    if (keep_for_next(cells, place, id))
        return;
    int error = pthread_mutex_lock(&cells->ids_lock);
    if (error != 0)
        ckf_die("pthread_mutex_lock", error);
    *next_free(cells, id) = cells->free_ids;
    cells->free_ids = id + 1;
    note_in_use(cells, -1);
    pthread_mutex_unlock(&cells->ids_lock);
}

/* What others kept is lost to the child. */
void ckf_cells_mend_child(struct ckf_cells *cells)
{
    uint32_t end = load_relaxed(&cells->row_end); /* relaxed: the child has one thread */
    for (uint32_t number = 0; number < end; number++) {
        struct ckf_cell_row *row = row_at(cells, number);
        if (row != NULL)
            row->ids_kept = 0;
    }
}
