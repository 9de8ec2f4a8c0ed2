/* filter/hits.c - slots by rule id, in a list of chunks that only grows.
 *
 * Roles:     publishers, one at a time, add slots; evaluators add to cells that their snapshot points
 *            to; readers of statistics walk the list. Nobody waits for anybody.
 * Invariant: a slot that `used` counts has its id for good. Chunks without slots in use may hang at
 *            the end of the list: room that a failed attach left.
 * Failure:   all room is made before the first slot is handed out.
 */
#include "filter/hits.h"

#include <string.h>

#include "base/memory.h"

enum { MIN_CHUNKS = 8 };

/* For a power of two of slots. */
static struct ckf_hit_chunk *new_chunk(const struct ckf_hits *hits, size_t slots)
{
    struct ckf_hit_chunk *chunk;
    size_t cells = slots * CKF_ACTIONS * hits->stripes;
    chunk = ckf_alloc_aligned(sizeof *chunk + cells * sizeof chunk->cells[0] +
                                  slots * sizeof chunk->ids[0],
                              CKF_CACHELINE);
    if (chunk == NULL)
        return NULL;
    chunk->stride_log2 = (unsigned)__builtin_ctzll(slots * CKF_ACTIONS);
    chunk->first = hits->room;
    chunk->ids = (uint32_t *)(void *)&chunk->cells[cells];
    return chunk;
}

static bool reserve_place(struct ckf_hits *hits)
{
    if (hits->chunk_count < hits->chunk_room)
        return true;
    size_t room = hits->chunk_room == 0 ? MIN_CHUNKS : 2 * hits->chunk_room;
    struct ckf_hit_chunk **chunks = ckf_alloc_array(room, sizeof *chunks);
    if (chunks == NULL)
        return false;
    if (hits->chunk_count > 0)
        memcpy(chunks, hits->chunks, hits->chunk_count * sizeof *chunks);
    ckf_free(hits->chunks);
    hits->chunks = chunks;
    hits->chunk_room = room;
    return true;
}

static bool add_chunk(struct ckf_hits *hits, size_t slots)
{
    if (!reserve_place(hits))
        return false;
    struct ckf_hit_chunk *chunk = new_chunk(hits, slots);
    if (chunk == NULL)
        return false;
    if (hits->chunk_count > 0)
        /* edge hit-chunk-linked: release; pairs with the acquire in ckf_hits_next(). */
        store_release(&hits->chunks[hits->chunk_count - 1]->next, chunk);
    hits->chunks[hits->chunk_count++] = chunk;
    hits->room += slots;
    return true;
}

bool ckf_hits_init(struct ckf_hits *hits, unsigned stripes, unsigned owned)
{
    *hits = (struct ckf_hits){.stripes = stripes, .owned = owned};
    if (!add_chunk(hits, CKF_SLOTS))
        return false;
    hits->first = hits->chunks[0];
    return true;
}

void ckf_hits_destroy(struct ckf_hits *hits)
{
    for (size_t i = 0; i < hits->chunk_count; i++)
        ckf_free(hits->chunks[i]);
    ckf_free(hits->chunks);
    ckf_id_index_destroy(&hits->index);
}

/* There are about as many chunks as there were publishes with new ids, or few. */
static struct ckf_hit_chunk *chunk_of(const struct ckf_hits *hits, size_t slot)
{
    size_t low = 0, high = hits->chunk_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (hits->chunks[middle]->first <= slot)
            low = middle;
        else
            high = middle;
    }
    return hits->chunks[low];
}

/* A slot: its chunk, and its place there. */
struct slot {
    struct ckf_hit_chunk *chunk;
    size_t at;
};

/* Their ids are 0 as long as they are free. */
static size_t slots_in(const struct ckf_hit_chunk *chunk)
{
    return ((size_t)1 << chunk->stride_log2) / CKF_ACTIONS;
}

static struct slot slot_of(const struct ckf_hits *hits, size_t number)
{
    struct ckf_hit_chunk *chunk = chunk_of(hits, number);
    return (struct slot){chunk, number - chunk->first};
}

static void point_to(struct slot slot, struct ckf_outcome *outcome)
{
    outcome->cell = &slot.chunk->cells[slot.at * CKF_ACTIONS + outcome->action];
    outcome->stride_log2 = (uint8_t)slot.chunk->stride_log2;
}

/* Hands out the next slot; there is room for it. */
static struct slot take_slot(struct ckf_hits *hits, uint32_t id)
{
    struct slot slot = slot_of(hits, hits->slots++);
    slot.chunk->ids[slot.at] = id;
    /* edge hit-slot-named: release; pairs with the acquire in ckf_hits_read(). */
    store_release(&slot.chunk->used, (uint32_t)(slot.at + 1));
    return slot;
}

void ckf_hits_attach_builtin(struct ckf_hits *hits, struct ckf_outcome *outcome)
{
    point_to(take_slot(hits, 0), outcome);
}

/* The slot of that id, if it has one. *slot is that of the id that was looked for before: ids come in the
 * same order again and again, so the next one is the first guess. */
static bool find_slot(const struct ckf_hits *hits, uint32_t id, struct slot *slot)
{
    uint32_t number;
    slot->at++;
    if (slot->at < slots_in(slot->chunk) && slot->chunk->ids[slot->at] == id)
        return true;
    if (!ckf_id_index_find(&hits->index, id, &number))
        return false;
    *slot = slot_of(hits, number);
    return true;
}

/* Leaves those alone that are new; returns how many. */
static size_t attach_known(const struct ckf_hits *hits, struct ckf_outcome *outcomes, size_t count)
{
    size_t fresh = 0;
    struct slot slot = {hits->first, 0};
    for (size_t i = 0; i < count; i++) {
        outcomes[i].cell = NULL;
        if (find_slot(hits, outcomes[i].id, &slot))
            point_to(slot, &outcomes[i]);
        else
            fresh++;
    }
    return fresh;
}

/* The largest that leaves no slot of so many unused, but for those of the smallest. */
static size_t largest_chunk(size_t missing)
{
    size_t slots = CKF_SLOTS;
    while (slots * 2 <= missing)
        slots *= 2;
    return slots;
}

static bool reserve(struct ckf_hits *hits, size_t fresh)
{
    if (fresh > 0 && !ckf_id_index_reserve(&hits->index, fresh))
        return false;
    while (hits->room < hits->slots + fresh)
        if (!add_chunk(hits, largest_chunk(hits->slots + fresh - hits->room)))
            return false;
    return true;
}

enum ckf_status ckf_hits_attach(struct ckf_hits *hits, struct ckf_outcome *outcomes, size_t count,
                                size_t max_ids)
{
    size_t fresh = attach_known(hits, outcomes, count);
    if (fresh > 0 && hits->index.used + fresh > max_ids)
        return CKF_BUSY;
    if (!reserve(hits, fresh))
        return CKF_NO_MEMORY;
    for (size_t i = 0; fresh > 0 && i < count; i++) {
        if (outcomes[i].cell != NULL)
            continue;
        ckf_id_index_insert(&hits->index, outcomes[i].id, (uint32_t)hits->slots);
        point_to(take_slot(hits, outcomes[i].id), &outcomes[i]);
    }
    return CKF_OK;
}

static uint64_t sum_cell(const struct ckf_hits *hits, const struct ckf_hit_chunk *chunk,
                         size_t cell)
{
    uint64_t sum = 0;
    for (size_t stripe = 0; stripe < hits->stripes; stripe++)
        /* edge hit-counted: acquire; pairs with the release in ckf_hits_add(). */
        sum += load_acquire(&chunk->cells[(stripe << chunk->stride_log2) + cell]);
    return sum;
}

unsigned ckf_hits_read(const struct ckf_hits *hits, const struct ckf_hit_chunk *chunk, size_t from,
                       struct ckf_slot_hits *slots)
{
    /* edge hit-slot-named: acquire; pairs with the release in take_slot(). */
    size_t used = load_acquire(&chunk->used);
    unsigned count = 0;
    for (size_t slot = from; slot < used && count < CKF_SLOTS; slot++, count++) {
        slots[count].id = chunk->ids[slot];
        for (unsigned action = 0; action < CKF_ACTIONS; action++)
            slots[count].by_action[action] = sum_cell(hits, chunk, slot * CKF_ACTIONS + action);
    }
    return count;
}

struct ckf_hit_chunk *ckf_hits_next(const struct ckf_hit_chunk *chunk)
{
    /* edge hit-chunk-linked: acquire; pairs with the release in add_chunk(). */
    return load_acquire(&chunk->next);
}
