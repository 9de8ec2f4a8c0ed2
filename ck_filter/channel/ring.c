/* channel/ring.c - bounded ATOMIC channels: cells say what was sent, one index what was received.
 *
 * A send has ticket t, the number of sends before it. Cell t mod R holds a state and an element; a
 * state names the last ticket that filled the cell, or the ticket before which the channel was closed.
 *
 * Roles:      a sender turns "filled by t - R" into "filled by t" and puts the element there in one
 *             16-byte CAS, so that claiming and publishing are one step. A receiver reads the element
 *             of ticket `head` and takes it by a CAS of head, or several by one. Nobody ever waits for
 *             anybody.
 * Invariants: cells are filled in the order of tickets. Ticket t is filled only after t - C has been
 *             taken (head has passed it), C being the capacity. So "empty" is read off one cell, "full"
 *             off head, each at one moment. An element stays until head has passed it: a CAS of head
 *             that succeeds proves that what was read before it was whole. States never repeat.
 *             tail and head_seen are hints, stored after success; they may lag, never lead.
 * Close:      a mark in the first cell that is not filled, in line with the sends: every send has its
 *             place before it or meets it. As R = C + 1, that cell holds nothing that is still needed.
 * Progress:   lock-free. Who finds a lagging hint jumps: a later state says how far others have got.
 * Teardown:   the door drains the channel first.
 *
 * Promises, of one end (of both: spsc.c). Of several elements a single producer prepares all cells but the first, which nobody
 * reaches before the first is filled, and then fills that one, by a CAS of its state alone, since
 * anybody may close. (Of one element the wide CAS is quicker.) A single consumer stores
 * head instead of competing for it. A promise that is broken loses elements or repeats them; indices
 * stay inside the ring.
 *
 * The wrap: a ticket is lap | index with index < R <= 2^b, and laps count in units of 2^b, so no
 * index is ever divided, and tickets compare by their signed difference.
 *
 * Elements larger than a word lie in blocks, and the cell holds the block's address. A sender brings a
 * block and gets the one that the cell had: the same CAS exchanges them (spares.h). As a block may be
 * filled anew once head has passed its cell, a receiver copies the element out before it takes it; if
 * the CAS of head succeeds, nobody wrote to the block meanwhile.
 *
 * After Vyukov's bounded queue (2010), whose cells carry sequence numbers; the one-step send is that
 * of Morrison and Afek, "Fast Concurrent Queues for x86 Processors", PPoPP 2013.
 */
#include "channel/ring.h"

#include "base/backoff.h"
#include "base/memory.h"
#include "channel/blocking.h"
#include "channel/core.h"
#include "channel/quick.h"
#include "channel/shared_bytes.h"

/* A ticket is kept times 2, so that it and the mark fit into one word. */
enum { MARK = 1, TICKET = 2 };

static bool is_mark(uint64_t state)
{
    return (state & MARK) != 0;
}

static struct ckf_wide *cell_of(const struct ckf_ring *ring, uint64_t ticket)
{
    return &ring->cells[(ticket & (ring->lap - 1)) / TICKET];
}

static uint64_t next_ticket(const struct ckf_ring *ring, uint64_t ticket)
{
    uint64_t index = ticket & (ring->lap - 1);
    return index == ring->last * TICKET ? ticket - index + ring->lap : ticket + TICKET;
}

/* edge cell-changed: the acquire end, seq_cst so that a waiter's second look comes after its
 * interest-shown RMW; pairs with the CASes in fill_one(), put_alone() and ring_close(). */
static uint64_t state_of(const struct ckf_wide *cell)
{
    return load_seq_cst(&cell->low);
}

/* Blocks beside those of the cells: one for each thread that keeps one, and for all others as many as
 * there can be elements, so that no send has to make one while unfinished calls hold fewer. Not fewer than
 * will be wanted at once, nor more than Linux has threads. */
static size_t spare_blocks(size_t capacity)
{
    enum { LEAST_SHARED = 64, MOST_SHARED = 1 << 22 };
    size_t shared = capacity < LEAST_SHARED  ? LEAST_SHARED
                    : capacity > MOST_SHARED ? MOST_SHARED
                                             : capacity;
    return CKF_SPARE_OWNERS + shared;
}

static _Atomic(uint64_t) *block_at(const struct ckf_blocks *blocks, size_t i)
{
    return (_Atomic(uint64_t) *)(void *)(blocks->bytes + i * blocks->stride);
}

/* One that was made; the block lies behind it. */
struct ckf_extra_block {
    struct ckf_extra_block *next;
};

static void extra_blocks_free(struct ckf_extra_block *extra)
{
    while (extra != NULL) {
        struct ckf_extra_block *next = extra->next;
        ckf_free(extra);
        extra = next;
    }
}

static void blocks_free(struct ckf_blocks *blocks)
{
    extra_blocks_free(load_relaxed(&blocks->extra)); /* relaxed: alone */
    ckf_free(blocks->bytes);
    ckf_spares_destroy(blocks->spares, NULL);
}

static bool blocks_init(struct ckf_blocks *blocks, size_t capacity, size_t elem_size)
{
    size_t cells = capacity + 1, bytes;
    blocks->stride = ckf_stride_for(elem_size);
    blocks->count = cells + spare_blocks(capacity);
    blocks->extra_bytes = CKF_CACHELINE + blocks->stride;
    atomic_init(&blocks->used, cells);
    if (__builtin_mul_overflow(blocks->count, blocks->stride, &bytes))
        return false;
    blocks->bytes = ckf_alloc_untouched(bytes, CKF_CACHELINE); /* written before they are read */
    blocks->spares = ckf_spares_create();
    if (blocks->bytes != NULL && blocks->spares != NULL)
        return true;
    blocks_free(blocks);
    return false;
}

/* A small ring is often full, and the next lines are those that receivers read: those half a lap away
 * are not in use. (With blocks, which come one by one, that does not pay.) */
static uint64_t cells_ahead(size_t capacity, bool in_blocks)
{
    enum { SMALL = 128 };
    uint64_t half = capacity / 2, most = CKF_CELLS_AHEAD;
    if (capacity <= SMALL && !in_blocks)
        most *= 2;
    return half < most ? half : most;
}

enum ckf_status ckf_ring_init(struct ckf_ring *ring, size_t capacity, size_t elem_size,
                              unsigned promises, uint64_t start)
{
    uint64_t cells = (uint64_t)capacity + 1, lap = TICKET;
    while (lap / TICKET < cells)
        lap *= 2;
    bool in_blocks = elem_size > CKF_WORD_SIZE;
    ring->cells = ckf_alloc_aligned(cells * sizeof *ring->cells, CKF_CACHELINE);
    if (ring->cells == NULL)
        return CKF_NO_MEMORY;
    if (in_blocks && !blocks_init(&ring->blocks, capacity, elem_size)) {
        ckf_free(ring->cells);
        return CKF_NO_MEMORY;
    }
    uint64_t first = start & ~(lap - 1);
    for (uint64_t i = 0; i < cells; i++) {
        atomic_init(&ring->cells[i].low, first - lap + i * TICKET);
        if (in_blocks)
            atomic_init(&ring->cells[i].high, (uintptr_t)block_at(&ring->blocks, i));
    }
    ring->lap = lap;
    ring->last = capacity;
    ring->ahead = cells_ahead(capacity, in_blocks);
    ring->single_producer = (promises & CKF_CHANNEL_SINGLE_PRODUCER) != 0;
    ring->single_consumer = (promises & CKF_CHANNEL_SINGLE_CONSUMER) != 0;
    atomic_init(&ring->tail, first);
    atomic_init(&ring->head_seen, first);
    atomic_init(&ring->head, first);
    return CKF_OK;
}

static void ring_free(struct ckf_channel *channel)
{
    ckf_free(channel->ring.cells);
    blocks_free(&channel->ring.blocks);
}

static uint64_t tail_of(const struct ckf_ring *ring)
{
    /* edge hint-moved: acquire; pairs with the release in move_tail(). */
    return load_acquire(&ring->tail);
}

/* What a sender finds: the first ticket that is not filled, or at which the channel was closed. CKF_OK
 * or CKF_CLOSED. */
static enum ckf_status find_free(const struct ckf_ring *ring, uint64_t *found)
{
    uint64_t ticket = tail_of(ring);
    for (;;) {
        uint64_t state = state_of(cell_of(ring, ticket));
        *found = ticket;
        if (state == ticket - ring->lap)
            return CKF_OK;
        if (is_mark(state)) {
            *found = state - MARK; /* the hint may have lagged by a lap */
            return CKF_CLOSED;
        }
        /* A later state: every ticket up to it has been filled. A single producer's cells may be
         * prepared, which says nothing, but its tail was stored before it prepared them. */
        if (state == ticket || !ring->single_producer)
            ticket = next_ticket(ring, state);
        else
            ticket = tail_of(ring);
    }
}

/* Whether the ticket before `next` may be filled: the one that lies C before it has been taken, as somebody
 * has seen. */
static inline bool had_room(const struct ckf_ring *ring, uint64_t next)
{
    uint64_t needed = next - ring->lap;
    /* edge head-seen: acquire; pairs with the release in has_room(). */
    return (int64_t)(load_acquire(&ring->head_seen) - needed) > 0;
}

static bool has_room(struct ckf_ring *ring, uint64_t ticket)
{
    uint64_t next = next_ticket(ring, ticket), needed = next - ring->lap;
    if (CKF_LIKELY(had_room(ring, next)))
        return true;
    /* edge head-moved: acquire; pairs with move_head(). seq_cst: as in state_of(). */
    uint64_t head = load_seq_cst(&ring->head);
    if ((int64_t)(head - needed) <= 0)
        return false;
    /* edge head-seen: release; pairs with the acquire in had_room(). What a sender may overwrite, all
     * senders may. */
    store_release(&ring->head_seen, head);
    return true;
}

static enum ckf_status find_send(struct ckf_ring *ring, uint64_t *found)
{
    enum ckf_status status = find_free(ring, found);
    return status == CKF_OK && CKF_UNLIKELY(!has_room(ring, *found)) ? CKF_AGAIN : status;
}

static uint64_t head_of(const struct ckf_ring *ring)
{
    /* edge head-moved: acquire; pairs with move_head(). */
    return load_acquire(&ring->head);
}

/* What a receiver finds: the oldest ticket that has not been taken. CKF_OK: its element is there. */
static enum ckf_status find_recv(const struct ckf_ring *ring, uint64_t *found)
{
    for (;;) {
        uint64_t ticket = head_of(ring);
        uint64_t state = state_of(cell_of(ring, ticket));
        *found = ticket;
        if (state == ticket)
            return CKF_OK;
        if (state == ticket - ring->lap)
            return CKF_AGAIN;
        if (state == (ticket | MARK))
            return CKF_CLOSED;
        /* A later state, so head has moved. */
    }
}

static struct ckf_wide *cell_ahead(const struct ckf_ring *ring, uint64_t ticket, uint64_t cells)
{
    uint64_t index = (ticket & (ring->lap - 1)) / TICKET + cells;
    return &ring->cells[index <= ring->last ? index : index - ring->last - 1];
}

/* The CAS of a cell waits for its line, and for the block that was written before it. Receivers have
 * read both since: they had better be on their way. */
static inline void fetch_ahead(const struct ckf_ring *ring, uint64_t ticket, bool in_blocks)
{
    ckf_prefetch_for_write(cell_ahead(ring, ticket, ring->ahead));
    if (in_blocks && ring->ahead >= CKF_BLOCKS_AHEAD)
        /* relaxed: a guess which block this thread will get */
        ckf_prefetch_for_write((const void *)ckf_block_of(
            load_relaxed(&cell_ahead(ring, ticket, CKF_BLOCKS_AHEAD)->high)));
}

/* All tickets before this one are filled. */
static inline void move_tail(struct ckf_ring *ring, uint64_t ticket)
{
    /* edge hint-moved: release; pairs with the acquire in tail_of(). Who starts from the hint
     * must not find older cells than the hint speaks of. */
    store_release(&ring->tail, ticket);
}

/* The only one who sends. Fills `count` cells, at least one, for which there is room. words[] then
 * are what the cells held before. */
static enum ckf_status put_alone(struct ckf_ring *ring, bool in_blocks, uint64_t first,
                                 uint64_t *words, size_t count)
{
    uint64_t ticket = first;
    for (size_t i = 0; i < count; i++, ticket = next_ticket(ring, ticket)) {
        struct ckf_wide *cell = cell_of(ring, ticket);
        /* relaxed, both: published with the state of `first`; nobody else fills cells */
        uint64_t word = words[i];
        fetch_ahead(ring, ticket, in_blocks);
        words[i] = load_relaxed(&cell->high);
        store_relaxed(&cell->high, word);
        if (i > 0)
            /* relaxed: published likewise. Who comes with an old tail and meets this cell looks again,
             * until it finds a newer one. */
            store_relaxed(&cell->low, ticket);
    }
    uint64_t state = first - ring->lap;
    /* edge cell-changed: release, by the seq_cst CAS; pairs with the loads in state_of(). */
    if (CKF_UNLIKELY(!cas_seq_cst(&cell_of(ring, first)->low, &state, first)))
        return CKF_CLOSED;
    move_tail(ring, ticket);
    return CKF_OK;
}

/* Fills the cell of a ticket, for which there is room, unless somebody else has. The word then is what the
 * cell held before. */
static inline bool fill_one(struct ckf_ring *ring, bool in_blocks, uint64_t ticket, uint64_t *word)
{
    struct ckf_wide *cell = cell_of(ring, ticket);
    fetch_ahead(ring, ticket, in_blocks);
    /* relaxed: until the state changes this does not, and the CAS checks both */
    uint64_t stale = load_relaxed(&cell->high);
    /* edge cell-changed: release, by the seq_cst CAS; pairs with the loads in state_of(). */
    if (CKF_UNLIKELY(!ckf_wide_cas(cell, ticket - ring->lap, stale, ticket, *word)))
        return false;
    *word = stale;
    return true;
}

/* Fills up to `count` cells from `first` on, for which there is room, until somebody else comes.
 * words[] then are what those cells held before. Returns how many. */
static inline size_t fill(struct ckf_ring *ring, bool in_blocks, uint64_t first, uint64_t *words,
                          size_t count)
{
    uint64_t ticket = first;
    size_t filled = 0;
    while (fill_one(ring, in_blocks, ticket, &words[filled])) {
        ticket = next_ticket(ring, ticket);
        if (++filled == count || !has_room(ring, ticket))
            break;
    }
    if (CKF_LIKELY(filled > 0))
        move_tail(ring, ticket);
    return filled;
}

/* How many of `count` cells from `first` on, at least one, have room. */
static size_t with_room(struct ckf_ring *ring, uint64_t first, size_t count)
{
    size_t found = 1;
    for (uint64_t ticket = next_ticket(ring, first); found < count && has_room(ring, ticket);
         ticket = next_ticket(ring, ticket))
        found++;
    return found;
}

/* Puts up to `count` words, at least one, into the next cells. words[] then are what these held before,
 * or as they were. */
static inline __attribute__((always_inline)) enum ckf_status put_words(struct ckf_ring *ring,
                                                                       bool in_blocks,
                                                                       uint64_t *words,
                                                                       size_t count, size_t *put)
{
    for (;;) {
        uint64_t first;
        enum ckf_status status = find_send(ring, &first);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        if (ring->single_producer && count > 1) {
            *put = with_room(ring, first, count);
            return put_alone(ring, in_blocks, first, words, *put);
        }
        *put = fill(ring, in_blocks, first, words, count);
        if (CKF_LIKELY(*put > 0))
            return CKF_OK;
        ckf_back_off();
    }
}

/* Takes the elements of the tickets from..to, unless somebody else has taken the first. */
static bool move_head(struct ckf_ring *ring, uint64_t from, uint64_t to)
{
    if (ring->single_consumer) {
        /* edge head-moved: release, by the seq_cst exchange; pairs with the loads in has_room() and
         * head_of(). */
        exchange_seq_cst(&ring->head, to);
        return true;
    }
    /* edge head-moved: release, by the seq_cst CAS; pairs with the loads in has_room() and
     * head_of(). */
    return cas_seq_cst(&ring->head, &from, to);
}

/* Takes up to count elements, at least one. They are copied first, since their cells may be filled
 * anew once they are taken: words_each words each, from the cells or from their blocks; none are if
 * copy is NULL. */
static inline __attribute__((always_inline)) enum ckf_status take(struct ckf_ring *ring,
                                                                  bool in_blocks, uint64_t *copy,
                                                                  size_t words_each, size_t count,
                                                                  size_t *taken)
{
    for (;;) {
        uint64_t first;
        enum ckf_status status = find_recv(ring, &first);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        uint64_t ticket = first;
        size_t found = 0;
        do {
            /* relaxed: acquired with the state; the CAS says that it was still there */
            uint64_t word = load_relaxed(&cell_of(ring, ticket)->high);
            ckf_read_ahead(copy, found++, word, in_blocks, words_each);
            ticket = next_ticket(ring, ticket);
        } while (found < count && state_of(cell_of(ring, ticket)) == ticket);
        if (CKF_LIKELY(move_head(ring, first, ticket))) {
            *taken = found;
            return CKF_OK;
        }
        ckf_back_off();
    }
}

/* --- elements of up to a word --- */

/* Sends up to `count`, at least one. */
static inline enum ckf_status send_small(struct ckf_channel *channel, const unsigned char *elems,
                                         size_t count, size_t *sent)
{
    uint64_t words[CKF_RUN];
    if (count > CKF_RUN)
        count = CKF_RUN;
    ckf_words_of(words, elems, count, channel->elem_size);
    return put_words(&channel->ring, false, words, count, sent);
}

/* Receives up to count, at least one, into elems unless that is NULL. */
static enum ckf_status recv_small(struct ckf_channel *channel, unsigned char *elems, size_t count,
                                  size_t *received)
{
    uint64_t words[CKF_RUN];
    enum ckf_status status =
        take(&channel->ring, false, words, 1, count < CKF_RUN ? count : CKF_RUN, received);
    if (status == CKF_OK && elems != NULL)
        ckf_words_to(elems, words, *received, channel->elem_size);
    return status;
}

/* --- one element of a word, when all is as usual --- */

CKF_ALWAYS_INLINE enum ckf_quick send_word(struct ckf_channel *channel, uint64_t word)
{
    struct ckf_ring *ring = &channel->ring;
    uint64_t ticket = tail_of(ring), next = next_ticket(ring, ticket);
    if (CKF_UNLIKELY(state_of(cell_of(ring, ticket)) != ticket - ring->lap ||
                     !had_room(ring, next)))
        return CKF_QUICK_NOT;
    if (CKF_UNLIKELY(!fill_one(ring, false, ticket, &word)))
        return CKF_QUICK_LOST;
    move_tail(ring, next);
    return CKF_QUICK_DONE;
}

CKF_ALWAYS_INLINE enum ckf_quick recv_word(struct ckf_channel *channel, uint64_t *word)
{
    struct ckf_ring *ring = &channel->ring;
    uint64_t ticket = head_of(ring);
    struct ckf_wide *cell = cell_of(ring, ticket);
    if (CKF_UNLIKELY(state_of(cell) != ticket))
        return CKF_QUICK_NOT;
    *word = load_relaxed(&cell->high); /* relaxed: as in take() */
    return CKF_LIKELY(move_head(ring, ticket, next_ticket(ring, ticket))) ? CKF_QUICK_DONE
                                                                          : CKF_QUICK_LOST;
}

static enum ckf_status ring_send(struct ckf_channel *channel, const void *elem, const void *site)
{
    return ckf_send_quickly(channel, elem, site, send_word);
}

static enum ckf_status ring_recv(struct ckf_channel *channel, void *elem, const void *site)
{
    return ckf_recv_quickly(channel, elem, site, true, recv_word);
}

/* --- larger ones --- */

static _Atomic(uint64_t) *take_fresh_block(struct ckf_blocks *blocks)
{
    for (;;) {
        /* edge block-used: acquire; pairs with the CAS below. Read before the stack of shared blocks: if
         * all have been used and none is there, none was free at that moment. */
        size_t used = load_acquire(&blocks->used);
        _Atomic(uint64_t) *block = ckf_spares_take(blocks->spares);
        if (block != NULL || used == blocks->count)
            return block;
        /* edge block-used: release; pairs with the loads above and in has_block(). Nobody has used the
         * block before, but shared ones may have been given back. */
        if (cas_release(&blocks->used, &used, used + 1))
            return block_at(blocks, used);
    }
}

/* More calls are under way than blocks were set aside for. NULL without memory. */
__attribute__((noinline)) static _Atomic(uint64_t) *make_block(struct ckf_blocks *blocks)
{
    struct ckf_extra_block *extra = ckf_alloc_aligned(blocks->extra_bytes, CKF_CACHELINE);
    if (extra == NULL)
        return NULL;
    /* relaxed, both: only who destroys the channel reads the list */
    extra->next = load_relaxed(&blocks->extra);
    while (!cas_relaxed(&blocks->extra, &extra->next, extra))
        ;
    return (_Atomic(uint64_t) *)(void *)((unsigned char *)extra + CKF_CACHELINE);
}

/* NULL: for this thread none is free, and memory has run out. */
static _Atomic(uint64_t) *take_block(struct ckf_blocks *blocks)
{
    _Atomic(uint64_t) *block = ckf_spares_take(blocks->spares);
    if (CKF_LIKELY(block != NULL))
        return block;
    block = take_fresh_block(blocks);
    return CKF_LIKELY(block != NULL) ? block : make_block(blocks);
}

static void give_block(struct ckf_channel *channel, _Atomic(uint64_t) *block)
{
    if (ckf_spares_give(channel->ring.blocks.spares, block))
        ckf_waitlist_notify(&channel->waitlist, CKF_SEND, 1); /* somebody may have found none */
}

/* Whether a send would get one. */
static bool has_block(struct ckf_channel *channel, uint64_t *moment)
{
    struct ckf_blocks *blocks = &channel->ring.blocks;
    /* edge block-used: acquire; pairs with the CAS in take_fresh_block(). */
    if (load_acquire(&blocks->used) < blocks->count || ckf_spares_has_one(blocks->spares, moment))
        return true;
    _Atomic(uint64_t) *block = make_block(blocks);
    if (block != NULL)
        give_block(channel, block);
    return block != NULL;
}

/* No block is left for this thread, and no memory: as if the channel was full, unless it is closed. */
static enum ckf_status refuse_block(const struct ckf_ring *ring)
{
    uint64_t ticket;
    return find_free(ring, &ticket) == CKF_CLOSED ? CKF_CLOSED : CKF_AGAIN;
}

static enum ckf_status send_large(struct ckf_channel *channel, const void *elem)
{
    struct ckf_ring *ring = &channel->ring;
    _Atomic(uint64_t) *block = take_block(&ring->blocks);
    if (CKF_UNLIKELY(block == NULL))
        return refuse_block(ring);
    ckf_bytes_write(block, elem, channel->elem_size);
    uint64_t word = (uintptr_t)block;
    size_t one;
    enum ckf_status status = put_words(ring, true, &word, 1, &one);
    block = ckf_block_of(word);
    give_block(channel, block);
    return status;
}

/* Not inlined: others need no room for the copies. */
__attribute__((noinline)) static enum ckf_status recv_large(struct ckf_channel *channel,
                                                            unsigned char *elems, size_t count,
                                                            size_t *received)
{
    struct ckf_copies copies;
    size_t words_each = ckf_words_for(channel->elem_size);
    enum ckf_status status = take(&channel->ring, true, elems == NULL ? NULL : copies.words,
                                  words_each, ckf_copies_fit(words_each, count), received);
    if (status == CKF_OK && elems != NULL)
        ckf_copies_to(elems, &copies, *received, channel->elem_size);
    return status;
}

/* --- the core --- */

static enum ckf_status ring_try_send(struct ckf_channel *channel, const void *elem)
{
    size_t one;
    enum ckf_status status = channel->elem_size > CKF_WORD_SIZE
                                 ? send_large(channel, elem)
                                 : send_small(channel, elem, 1, &one);
    if (CKF_LIKELY(status == CKF_OK))
        ckf_waitlist_notify(&channel->waitlist, CKF_RECV, 1);
    return status;
}

static enum ckf_status ring_try_recv(struct ckf_channel *channel, void *elem)
{
    size_t one;
    enum ckf_status status = channel->elem_size > CKF_WORD_SIZE
                                 ? recv_large(channel, elem, 1, &one)
                                 : recv_small(channel, elem, 1, &one);
    if (CKF_LIKELY(status == CKF_OK))
        ckf_waitlist_notify(&channel->waitlist, CKF_SEND, 1);
    return status;
}

static enum ckf_status ring_try_send_many(struct ckf_channel *channel, const unsigned char *elems,
                                          size_t count, size_t *done)
{
    bool large = channel->elem_size > CKF_WORD_SIZE;
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count;) {
        const unsigned char *next = elems + *done * channel->elem_size;
        size_t sent = 1;
        status =
            large ? send_large(channel, next) : send_small(channel, next, count - *done, &sent);
        if (status != CKF_OK)
            break;
        *done += sent;
    }
    if (*done > 0)
        ckf_waitlist_notify_many(&channel->waitlist, CKF_RECV, *done);
    return status;
}

static enum ckf_status ring_try_recv_many(struct ckf_channel *channel, unsigned char *elems,
                                          size_t count, size_t *done)
{
    bool large = channel->elem_size > CKF_WORD_SIZE;
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count;) {
        unsigned char *next = elems == NULL ? NULL : elems + *done * channel->elem_size;
        size_t received;
        status = large ? recv_large(channel, next, count - *done, &received)
                       : recv_small(channel, next, count - *done, &received);
        if (status != CKF_OK)
            break;
        *done += received;
    }
    if (*done > 0)
        ckf_waitlist_notify_many(&channel->waitlist, CKF_SEND, *done);
    return status;
}

static bool ring_close(struct ckf_channel *channel)
{
    struct ckf_ring *ring = &channel->ring;
    for (;;) {
        uint64_t ticket;
        if (find_free(ring, &ticket) == CKF_CLOSED)
            return false;
        /* full or not: the cell that find_free() found is there for the mark */
        uint64_t state = ticket - ring->lap;
        /* edge cell-changed: release, by the seq_cst CAS; pairs with the loads in state_of(). */
        if (cas_seq_cst(&cell_of(ring, ticket)->low, &state, ticket | MARK))
            break;
    }
    ckf_waitlist_notify_closed(&channel->waitlist);
    return true;
}

static bool ring_is_closed(const struct ckf_channel *channel)
{
    uint64_t ticket;
    return find_free(&channel->ring, &ticket) == CKF_CLOSED;
}

static bool ring_is_ready(struct ckf_channel *channel, enum ckf_direction direction,
                          uint64_t *moment)
{
    struct ckf_ring *ring = &channel->ring;
    /* A ticket is the first free one, or the oldest element's, only once: it tells moments apart. */
    if (direction == CKF_RECV)
        return find_recv(ring, moment) != CKF_AGAIN;
    /* The blocks first: if none was free and the channel is not closed later, it was not closed then. */
    if (ring->blocks.bytes != NULL && !has_block(channel, moment))
        return ring_is_closed(channel);
    return find_send(ring, moment) != CKF_AGAIN;
}

/* How many tickets lie between two. */
static uint64_t distance(const struct ckf_ring *ring, uint64_t from, uint64_t to)
{
    uint64_t laps = (to & ~(ring->lap - 1)) - (from & ~(ring->lap - 1));
    uint64_t index_from = (from & (ring->lap - 1)) / TICKET;
    uint64_t index_to = (to & (ring->lap - 1)) / TICKET;
    return laps / ring->lap * (ring->last + 1) + index_to - index_from;
}

static size_t ring_len(const struct ckf_channel *channel)
{
    uint64_t head, tail;
    find_recv(&channel->ring, &head);
    find_free(&channel->ring, &tail);
    uint64_t len = distance(&channel->ring, head, tail);
    return len < channel->capacity ? (size_t)len : channel->capacity;
}

const struct ckf_core ckf_ring_core = {
    .send = ring_send,
    .recv = ring_recv,
    .try_send = ring_try_send,
    .try_recv = ring_try_recv,
    .try_send_many = ring_try_send_many,
    .try_recv_many = ring_try_recv_many,
    .close = ring_close,
    .is_closed = ring_is_closed,
    .is_ready = ring_is_ready,
    .len = ring_len,
    .polls = true,
    .wait = ckf_call_wait_one,
    .free = ring_free,
};
