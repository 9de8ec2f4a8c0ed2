/* channel/segments.c - unbounded ATOMIC channels: a chain of segments, each a piece of an endless row of
 * cells.
 *
 * A send has ticket t, the number of sends before it, and each segment stands for SPAN tickets in
 * turn. A cell says which ticket filled it last: an older one than is expected means "free".
 *
 * Roles:      a sender fills the first free cell in one 16-byte CAS, state and element together; a
 *             receiver reads the element of ticket `head` and takes it by a CAS of head, or several by
 *             one. Nobody waits for anybody.
 * Invariants: cells are filled in the order of tickets. Only a full segment gets a successor, once for
 *             each piece that it stands for. tail_at and head_at name a segment together with the piece
 *             that it stands for there, and change only together with it; head_at never passes
 *             tail_at. tail is a hint that may lag.
 * Reuse:      a segment whose elements have all been taken is kept for the next append, as it is: its
 *             cells name tickets of the past, so they are free for later ones, and whoever still comes
 *             with an old piece in mind finds no state, no successor and no pair of words that it
 *             expects. More than a few are not kept but given back, and since everybody looks at
 *             segments within a read section, memory that a section has seen stays.
 * Blocks:     of elements larger than a word a cell holds the block's address. A sender brings a block
 *             and gets the one that was left in the cell, as in ring.c; the cells of a new segment have
 *             none. Blocks stay with the cells of a kept segment, and are freed with a segment.
 * Close:      a mark in the first free cell, or in the place of the successor of a full segment: it
 *             needs no memory. Every send has its place before the mark or meets it.
 * Progress:   lock-free, as far as the allocator is.
 * Teardown:   the door drains the channel first; what is left of the chain is freed at once.
 *
 * Promises:   as in ring.c.
 *
 * The chain is that of Michael and Scott, "Simple, Fast, and Practical Non-Blocking and Blocking
 * Concurrent Queue Algorithms", PODC 1996, with a segment for a node.
 */
#include "channel/segments.h"

#include "base/backoff.h"
#include "base/memory.h"
#include "base/step.h"
#include "channel/blocking.h"
#include "channel/core.h"
#include "channel/quick.h"
#include "channel/shared_bytes.h"
#include "channel/spares.h"
#include "sync/reclaim.h"
#include "sync/reclaim_inline.h"

/* A ticket is kept times 2, so that it and the mark fit into one word. */
enum { MARK = 1, TICKET = 2 };

/* Short where tools watch every access: what matters happens where one segment follows another. */
#ifdef CKF_INSTRUMENTED
enum { CELLS = 4 };
#else
enum { CELLS = 512 };
#endif
enum { SPAN = CELLS * TICKET };

/* `next` is needed after the last cell, and lies where processors that fetch ahead look for more. */
struct ckf_segment {
    CKF_CACHELINE_ALIGNED struct ckf_wide
        cells[CELLS];     /* low: state; high: element, or block or 0 */
    struct ckf_wide next; /* low: the first ticket of the piece; high: its successor */
    struct ckf_retired retired;
    bool has_blocks; /* constant: what the cells hold are blocks */
};

/* The successor of the last segment of a closed channel: nothing but its address counts. */
static struct ckf_segment closed_mark;

/* A segment, and the piece for which it stood. */
struct place {
    struct ckf_segment *segment;
    uint64_t first; /* ticket */
};

/* What was found in a piece. */
struct spot {
    struct place place;
    uint64_t ticket; /* place.first + SPAN: the piece is full, and has no successor yet */
    uint64_t state;  /* of the ticket's cell */
};

static struct ckf_segment *pointer_of(uint64_t word)
{
    return (struct ckf_segment *)(uintptr_t)word;
}

static uint64_t word_of(const struct ckf_segment *segment)
{
    return (uintptr_t)segment;
}

static struct ckf_wide *cell_of(struct ckf_segment *segment, uint64_t ticket)
{
    return &segment->cells[ticket / TICKET % CELLS];
}

static bool is_mark(uint64_t state)
{
    return (state & MARK) != 0;
}

static bool is_before(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

static struct ckf_segment *segment_create(const struct ckf_segments *segments)
{
    struct ckf_segment *segment = ckf_alloc_aligned(sizeof *segment, alignof(struct ckf_segment));
    if (segment != NULL)
        segment->has_blocks = segments->blocks != NULL;
    return segment;
}

static void segment_free(struct ckf_segment *segment)
{
    if (segment == NULL)
        return;
    for (int i = 0; segment->has_blocks && i < CELLS; i++)
        ckf_free((void *)ckf_block_of(load_relaxed(&segment->cells[i].high))); /* relaxed: alone */
    ckf_free(segment);
}

/* Kept segments keep their blocks: with large elements fewer are kept. */
static unsigned segments_kept(size_t elem_size)
{
    enum { KEPT_BYTES = 256 }; /* of elements that have the same place in all of them */
    size_t fit = KEPT_BYTES / elem_size;
    return fit < 1 ? 1 : fit < CKF_SPARE_SEGMENTS ? (unsigned)fit : CKF_SPARE_SEGMENTS;
}

enum ckf_status ckf_segments_init(struct ckf_segments *segments, size_t elem_size,
                                  unsigned promises)
{
    segments->kept = segments_kept(elem_size);
    if (elem_size > CKF_WORD_SIZE && (segments->blocks = ckf_spares_create()) == NULL)
        return CKF_NO_MEMORY;
    struct ckf_segment *segment = segment_create(segments);
    if (segment == NULL) {
        ckf_spares_destroy(segments->blocks, NULL);
        return CKF_NO_MEMORY;
    }
    /* Not from 0, which is what the cells of a new segment say. */
    atomic_init(&segment->next.low, SPAN);
    atomic_init(&segments->tail_at.low, SPAN);
    atomic_init(&segments->tail_at.high, word_of(segment));
    atomic_init(&segments->tail, SPAN);
    atomic_init(&segments->head_at.low, SPAN);
    atomic_init(&segments->head_at.high, word_of(segment));
    atomic_init(&segments->head, SPAN);
    segments->single_producer = (promises & CKF_CHANNEL_SINGLE_PRODUCER) != 0;
    segments->single_consumer = (promises & CKF_CHANNEL_SINGLE_CONSUMER) != 0;
    return CKF_OK;
}

static void segments_free(struct ckf_channel *channel)
{
    struct ckf_segments *segments = &channel->segments;
    /* relaxed, all: alone */
    struct ckf_segment *segment = pointer_of(load_relaxed(&segments->head_at.high));
    while (segment != NULL && segment != &closed_mark) {
        struct ckf_segment *next = pointer_of(load_relaxed(&segment->next.high));
        segment_free(segment);
        segment = next;
    }
    for (unsigned i = 0; i < segments->kept; i++)
        segment_free(load_relaxed(&segments->spare[i]));
    ckf_spares_destroy(segments->blocks, ckf_free);
}

/* --- segments come and go --- */

static struct ckf_segment *take_spare(struct ckf_segments *segments)
{
    for (unsigned i = 0; i < segments->kept; i++) {
        /* relaxed: only says where the exchange is worth it */
        if (load_relaxed(&segments->spare[i]) == NULL)
            continue;
        /* edge segment-kept: acquire; pairs with the CAS in keep_or_retire(). */
        struct ckf_segment *segment = exchange_acquire(&segments->spare[i], NULL);
        if (segment != NULL)
            return segment;
    }
    return segment_create(segments);
}

static void segment_reclaim(struct ckf_retired *retired)
{
    segment_free(
        (struct ckf_segment *)(void *)((char *)retired - offsetof(struct ckf_segment, retired)));
}

static void keep_or_retire(struct ckf_segments *segments, struct ckf_segment *segment)
{
    for (unsigned i = 0; i < segments->kept; i++) {
        struct ckf_segment *kept = load_relaxed(&segments->spare[i]); /* relaxed: as above */
        /* edge segment-kept: release; pairs with the exchange in take_spare(). */
        if (kept == NULL && cas_release(&segments->spare[i], &kept, segment))
            return;
    }
    ckf_retire(&segment->retired, segment_reclaim);
}

/* Both words at one moment, since the first never comes back. False: there was none. */
CKF_ALWAYS_INLINE bool read_place_once(const struct ckf_wide *at, struct place *place)
{
    /* edge segment-reached: acquire, both; pair with the CAS in advance(). */
    place->first = load_acquire(&at->low);
    place->segment = pointer_of(load_acquire(&at->high));
    return !CKF_STEP(load_relaxed(&at->low) != place->first); /* relaxed: compared, no more */
}

static struct place read_place(const struct ckf_wide *at)
{
    struct place place;
    while (CKF_UNLIKELY(!read_place_once(at, &place)))
        ;
    return place;
}

/* The successor, NULL or &closed_mark. False: the segment stands for another piece by now. */
static bool read_next(const struct place *place, struct ckf_segment **next)
{
    /* edge segment-reused: acquire; pairs with the store in prepare_next(). seq_cst: as in state_of(). */
    *next = pointer_of(load_seq_cst(&place->segment->next.high));
    /* edge segment-linked: acquire; pairs with the CASes in append() and place_mark(), which write
     * both words. After the other load: whoever reuses the segment writes this word first. */
    return !CKF_STEP(load_acquire(&place->segment->next.low) != place->first);
}

/* Moves tail_at or head_at to the successor, unless others have. */
static bool advance(struct ckf_wide *at, const struct place *from, const struct ckf_segment *to)
{
    /* edge segment-reached: release; pairs with the loads in read_place_once(). Who fails has read a later
     * place: so does everybody who comes after what it does then, such as giving a segment back. */
    return ckf_wide_cas_explicit(at, from->first, word_of(from->segment), from->first + SPAN,
                                 word_of(to), memory_order_release);
}

/* Makes a segment that nobody else has ready to follow `place`. False: that piece has had its successor
 * long since. A segment never goes back to a piece that it stood for, or passed over: somebody may
 * still be about to give it the successor that it had there. */
static bool prepare_next(struct ckf_segment *next, const struct place *place)
{
    uint64_t first = place->first + SPAN;
    /* relaxed, both: written by who had the segment before, who has handed it over */
    uint64_t stood_for = load_relaxed(&next->next.low);
    bool had_successor = load_relaxed(&next->next.high) != 0;
    if (CKF_STEP(is_before(first, stood_for) || (first == stood_for && had_successor)))
        return false;
    store_relaxed(&next->next.low, first); /* relaxed: goes before the next store */
    /* edge segment-reused: release; pairs with the load in read_next(). Whoever does not find the old
     * successor any more finds that the piece is another one. */
    store_release(&next->next.high, 0);
    return true;
}

/* Gives a full piece a successor, unless somebody else does or the channel is closed. */
static enum ckf_status append(struct ckf_segments *segments, const struct place *place)
{
    struct ckf_segment *next = take_spare(segments);
    if (next == NULL)
        return CKF_NO_MEMORY;
    /* edge segment-linked: release; pairs with the load in read_next(). Not seq_cst: whoever fills a cell of
     * the successor comes after somebody who has read the link there, seq_cst. */
    if (!prepare_next(next, place) ||
        !ckf_wide_cas_explicit(&place->segment->next, place->first, 0, place->first, word_of(next),
                               memory_order_release))
        keep_or_retire(segments, next);
    return CKF_OK;
}

/* --- finding --- */

/* edge segment-cell: the acquire end, seq_cst so that a waiter's second look comes after its
 * interest-shown RMW; pairs with the CASes in fill_one(), put_alone() and place_mark(). */
static uint64_t state_of(struct ckf_segment *segment, uint64_t ticket)
{
    return load_seq_cst(&cell_of(segment, ticket)->low);
}

/* Walks to the first cell of a piece that is not filled, or to its end. False: the segment stands for
 * another piece by now. */
static bool walk(struct spot *spot)
{
    for (; spot->ticket != spot->place.first + SPAN; spot->ticket += TICKET) {
        spot->state = state_of(spot->place.segment, spot->ticket);
        if (is_before(spot->state, spot->ticket) || spot->state == (spot->ticket | MARK))
            return true;
        if (spot->state != spot->ticket)
            return false;
    }
    return true;
}

static uint64_t tail_of(const struct ckf_segments *segments)
{
    /* edge segment-hint: acquire; pairs with the release in move_tail(). */
    return load_acquire(&segments->tail);
}

/* All tickets before this one are filled. */
static inline void move_tail(struct ckf_segments *segments, uint64_t ticket)
{
    /* edge segment-hint: release; pairs with the acquire in tail_of(). */
    store_release(&segments->tail, ticket);
}

/* What a sender finds, in a read section: the first free cell, or the end of the last piece. */
static enum ckf_status find_send(struct ckf_segments *segments, struct spot *spot)
{
    for (;;) {
        spot->place = read_place(&segments->tail_at);
        spot->ticket = tail_of(segments);
        if (is_before(spot->ticket, spot->place.first))
            spot->ticket = spot->place.first;
        else if (is_before(spot->place.first + SPAN, spot->ticket))
            spot->ticket = spot->place.first + SPAN;
        if (!walk(spot))
            continue;
        if (CKF_LIKELY(spot->ticket != spot->place.first + SPAN))
            return is_mark(spot->state) ? CKF_CLOSED : CKF_OK;
        struct ckf_segment *next;
        if (!read_next(&spot->place, &next))
            continue;
        if (next == NULL)
            return CKF_OK;
        if (next == &closed_mark)
            return CKF_CLOSED;
        advance(&segments->tail_at, &spot->place, next);
    }
}

/* Moves head_at off a piece whose elements have all been taken. */
static void leave_piece(struct ckf_segments *segments, const struct place *place,
                        struct ckf_segment *next)
{
    /* Senders first: see the invariants. Whoever has filled a cell of the next piece, or of a later one, found it by
     * tail_at, whose line senders write all the time. */
    uint64_t ticket = place->first + SPAN;
    if (CKF_STEP(is_before(state_of(next, ticket), ticket)))
        advance(&segments->tail_at, place, next);
    if (advance(&segments->head_at, place, next))
        keep_or_retire(segments, place->segment);
}

/* The same when all is as usual: an element names its ticket, so the segment in which it is found is the
 * right one. False: find_recv() has to tell. */
static inline bool find_recv_quickly(struct ckf_segments *segments, struct spot *spot)
{
    /* edge segment-reached: acquire, both; pair with the CAS in advance(). The second is not older than
     * the first. */
    spot->place.segment = pointer_of(load_acquire(&segments->head_at.high));
    spot->place.first = load_acquire(&segments->head_at.low);
    /* relaxed: the cell says whether its element is there. Who leaves the piece acquires in find_recv(). */
    spot->ticket = load_relaxed(&segments->head);
    return spot->ticket - spot->place.first < SPAN &&
           state_of(spot->place.segment, spot->ticket) == spot->ticket;
}

/* What a receiver finds, in a read section: the oldest ticket that has not been taken. CKF_OK: its
 * element is there. */
static enum ckf_status find_recv(struct ckf_segments *segments, struct spot *spot)
{
    for (;;) {
        spot->place = read_place(&segments->head_at);
        /* edge head-taken: acquire; pairs with move_head(). */
        spot->ticket = load_acquire(&segments->head);
        if (CKF_LIKELY(is_before(spot->ticket, spot->place.first + SPAN))) {
            spot->state = state_of(spot->place.segment, spot->ticket);
            if (CKF_LIKELY(spot->state == spot->ticket))
                return CKF_OK;
            if (spot->state == (spot->ticket | MARK))
                return CKF_CLOSED;
            if (is_before(spot->state, spot->ticket))
                return CKF_AGAIN;
            continue; /* a later state, so head has moved */
        }
        struct ckf_segment *next;
        if (spot->ticket != spot->place.first + SPAN || !read_next(&spot->place, &next))
            continue;
        if (next == NULL)
            return CKF_AGAIN;
        if (next == &closed_mark)
            return CKF_CLOSED;
        leave_piece(segments, &spot->place, next);
    }
}

/* --- moving words --- */

/* The nth cell of a segment; beyond its end, of the segment that will probably follow. */
static struct ckf_wide *cell_ahead(struct ckf_segments *segments, struct ckf_segment *segment,
                                   uint64_t n)
{
    if (CKF_LIKELY(n < CELLS))
        return &segment->cells[n];
    /* relaxed: its address only, to fetch lines from. There may be none, which does no harm. */
    struct ckf_segment *spare = load_relaxed(&segments->spare[0]);
    return spare != NULL ? &spare->cells[n % CELLS] : NULL;
}

/* As in ring.c. */
static inline void fetch_ahead(struct ckf_segments *segments, struct ckf_segment *segment,
                               uint64_t ticket, bool in_blocks)
{
    uint64_t index = ticket / TICKET % CELLS;
    if (CELLS <= (int)CKF_CELLS_AHEAD)
        return; /* where tools watch */
    ckf_prefetch_for_write(cell_ahead(segments, segment, index + CKF_CELLS_AHEAD));
    if (in_blocks && index + CKF_BLOCKS_AHEAD < CELLS)
        /* relaxed: a guess which block this thread will get, if any */
        ckf_prefetch_for_write((const void *)ckf_block_of(
            load_relaxed(&segment->cells[index + CKF_BLOCKS_AHEAD].high)));
}

/* The only one who sends: fills `count` cells from the spot on, at least one. words[] then are what
 * the cells held before. */
static enum ckf_status put_alone(struct ckf_segments *segments, bool in_blocks,
                                 const struct spot *spot, uint64_t *words, size_t count)
{
    uint64_t ticket = spot->ticket;
    for (size_t i = 0; i < count; i++, ticket += TICKET) {
        struct ckf_wide *cell = cell_of(spot->place.segment, ticket);
        /* relaxed, both: published with the state of the first; nobody else fills cells */
        uint64_t word = words[i];
        fetch_ahead(segments, spot->place.segment, ticket, in_blocks);
        words[i] = load_relaxed(&cell->high);
        store_relaxed(&cell->high, word);
        if (i > 0)
            /* relaxed: published likewise. Who comes with a piece of long ago in mind and meets this
             * cell looks again, until it finds a newer one. */
            store_relaxed(&cell->low, ticket);
    }
    uint64_t state = spot->state;
    /* edge segment-cell: release, by the seq_cst CAS; pairs with the loads in state_of(). */
    if (CKF_UNLIKELY(
            !cas_seq_cst(&cell_of(spot->place.segment, spot->ticket)->low, &state, spot->ticket)))
        return CKF_CLOSED;
    move_tail(segments, ticket);
    return CKF_OK;
}

/* The spot for the next element, in a read section. */
static enum ckf_status find_cell(struct ckf_segments *segments, struct spot *spot)
{
    for (;;) {
        enum ckf_status status = find_send(segments, spot);
        if (CKF_LIKELY(status != CKF_OK || spot->ticket != spot->place.first + SPAN))
            return status;
        status = append(segments, &spot->place);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
    }
}

/* Fills the free cell of a ticket that has that state, unless somebody else has. The word then is what the
 * cell held before. */
static inline bool fill_one(struct ckf_segments *segments, bool in_blocks,
                            struct ckf_segment *segment, uint64_t ticket, uint64_t state,
                            uint64_t *word)
{
    struct ckf_wide *cell = cell_of(segment, ticket);
    fetch_ahead(segments, segment, ticket, in_blocks);
    /* relaxed: until the state changes this does not, and the CAS checks both */
    uint64_t stale = load_relaxed(&cell->high);
    /* edge segment-cell: release, by the seq_cst CAS; pairs with the loads in state_of(). */
    if (CKF_UNLIKELY(!ckf_wide_cas(cell, state, stale, ticket, *word)))
        return false;
    *word = stale;
    return true;
}

/* Fills up to `count` free cells of the piece from the spot on, until somebody else comes. words[] then
 * are what those cells held before. Returns how many. */
static inline size_t fill(struct ckf_segments *segments, bool in_blocks, const struct spot *spot,
                          uint64_t *words, size_t count)
{
    uint64_t ticket = spot->ticket, state = spot->state, end = spot->place.first + SPAN;
    size_t filled = 0;
    struct ckf_segment *segment = spot->place.segment;
    while (fill_one(segments, in_blocks, segment, ticket, state, &words[filled])) {
        ticket += TICKET;
        if (++filled == count || ticket == end ||
            !is_before(state = state_of(segment, ticket), ticket))
            break;
    }
    if (CKF_LIKELY(filled > 0))
        move_tail(segments, ticket);
    return filled;
}

/* Puts up to `count` words, at least one, into the next cells. words[] then are what these held before,
 * or as they were. */
CKF_ALWAYS_INLINE enum ckf_status put_words(struct ckf_segments *segments, bool in_blocks,
                                            uint64_t *words, size_t count, size_t *put)
{
    for (;;) {
        struct spot spot;
        enum ckf_status status = find_cell(segments, &spot);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        if (segments->single_producer && count > 1) {
            uint64_t room = (spot.place.first + SPAN - spot.ticket) / TICKET;
            *put = count < room ? count : room;
            return put_alone(segments, in_blocks, &spot, words, *put);
        }
        *put = fill(segments, in_blocks, &spot, words, count);
        if (CKF_LIKELY(*put > 0))
            return CKF_OK;
        ckf_back_off();
    }
}

/* Takes the elements of the tickets from..to, unless somebody else has taken the first. */
static bool move_head(struct ckf_segments *segments, uint64_t from, uint64_t to)
{
    if (segments->single_consumer) {
        /* edge head-taken: release; pairs with the load in find_recv(). */
        store_release(&segments->head, to);
        return true;
    }
    /* edge head-taken: release; pairs with the load in find_recv(). */
    return cas_release(&segments->head, &from, to);
}

/* What a filled cell holds. False: it is the address of a block, and the cell has been filled anew; that block may
 * be new memory, which its sender has made known to those alone who come after the CAS of the cell. */
CKF_ALWAYS_INLINE bool look_into(struct ckf_segment *segment, uint64_t ticket, bool in_blocks,
                                 uint64_t *word)
{
    struct ckf_wide *cell = cell_of(segment, ticket);
    if (!in_blocks) {
        *word = load_relaxed(&cell->high); /* relaxed: acquired with the state; the CAS of head
                                            * says that it was still there */
        return true;
    }
    /* edge segment-cell: acquire; pairs with the CAS in fill_one(), should the word be that of a later one. */
    *word = load_acquire(&cell->high);
    /* relaxed: after the load above; if it is what it was, the other word came with it */
    return load_relaxed(&cell->low) == ticket;
}

/* Takes up to count elements, at least one, in a read section. They are copied first, since their
 * cells may be filled anew once they are taken: words_each words each, from the cells or from their
 * blocks; none are if copy is NULL. */
CKF_ALWAYS_INLINE enum ckf_status take(struct ckf_segments *segments, bool in_blocks,
                                       uint64_t *copy, size_t words_each, size_t count,
                                       size_t *taken)
{
    for (;;) {
        struct spot spot;
        if (CKF_UNLIKELY(!find_recv_quickly(segments, &spot))) {
            enum ckf_status status = find_recv(segments, &spot);
            if (status != CKF_OK)
                return status;
        }
        uint64_t ticket = spot.ticket, end = spot.place.first + SPAN;
        size_t found = 0;
        do {
            uint64_t word;
            if (CKF_UNLIKELY(!look_into(spot.place.segment, ticket, in_blocks, &word)))
                break;
            ckf_read_ahead(copy, found++, word, in_blocks, words_each);
            ticket += TICKET;
        } while (found < count && ticket != end && state_of(spot.place.segment, ticket) == ticket);
        if (CKF_LIKELY(found > 0 && move_head(segments, spot.ticket, ticket))) {
            *taken = found;
            return CKF_OK;
        }
        ckf_back_off();
    }
}

/* --- elements of up to a word --- */

/* Sends up to `count`, at least one, in a read section. */
CKF_ALWAYS_INLINE enum ckf_status send_small(struct ckf_channel *channel,
                                             const unsigned char *elems, size_t count, size_t *sent)
{
    uint64_t words[CKF_RUN];
    if (count > CKF_RUN)
        count = CKF_RUN;
    ckf_words_of(words, elems, count, channel->elem_size);
    return put_words(&channel->segments, false, words, count, sent);
}

/* Receives up to count, at least one, into elems unless that is NULL. */
CKF_ALWAYS_INLINE enum ckf_status recv_small(struct ckf_channel *channel, unsigned char *elems,
                                             size_t count, size_t *received)
{
    uint64_t words[CKF_RUN];
    ckf_read_begin();
    enum ckf_status status =
        take(&channel->segments, false, words, 1, count < CKF_RUN ? count : CKF_RUN, received);
    ckf_read_end();
    if (status == CKF_OK && elems != NULL)
        ckf_words_to(elems, words, *received, channel->elem_size);
    return status;
}

/* --- one element of a word, when all is as usual --- */

CKF_ALWAYS_INLINE enum ckf_quick send_in_section(struct ckf_segments *segments, uint64_t word)
{
    struct place place;
    if (CKF_UNLIKELY(!read_place_once(&segments->tail_at, &place)))
        return CKF_QUICK_NOT;
    uint64_t ticket = tail_of(segments);
    if (CKF_UNLIKELY(ticket - place.first >= SPAN))
        return CKF_QUICK_NOT;
    uint64_t state = state_of(place.segment, ticket);
    if (CKF_UNLIKELY(!is_before(state, ticket)))
        return CKF_QUICK_NOT;
    if (CKF_UNLIKELY(!fill_one(segments, false, place.segment, ticket, state, &word)))
        return CKF_QUICK_LOST;
    move_tail(segments, ticket + TICKET);
    return CKF_QUICK_DONE;
}

CKF_ALWAYS_INLINE enum ckf_quick send_word(struct ckf_channel *channel, uint64_t word)
{
    if (CKF_UNLIKELY(!ckf_read_begin_here()))
        return CKF_QUICK_NOT;
    enum ckf_quick end = send_in_section(&channel->segments, word);
    ckf_read_end_here();
    return end;
}

CKF_ALWAYS_INLINE enum ckf_quick recv_in_section(struct ckf_segments *segments, uint64_t *word)
{
    struct spot spot;
    if (CKF_UNLIKELY(!find_recv_quickly(segments, &spot)))
        return CKF_QUICK_NOT;
    /* relaxed: as in take() */
    *word = load_relaxed(&cell_of(spot.place.segment, spot.ticket)->high);
    return CKF_LIKELY(move_head(segments, spot.ticket, spot.ticket + TICKET)) ? CKF_QUICK_DONE
                                                                              : CKF_QUICK_LOST;
}

CKF_ALWAYS_INLINE enum ckf_quick recv_word(struct ckf_channel *channel, uint64_t *word)
{
    if (CKF_UNLIKELY(!ckf_read_begin_here()))
        return CKF_QUICK_NOT;
    enum ckf_quick end = recv_in_section(&channel->segments, word);
    ckf_read_end_here();
    return end;
}

static enum ckf_status segments_send(struct ckf_channel *channel, const void *elem,
                                     const void *site)
{
    return ckf_send_quickly(channel, elem, site, send_word);
}

static enum ckf_status segments_recv(struct ckf_channel *channel, void *elem, const void *site)
{
    return ckf_recv_quickly(channel, elem, site, false, recv_word);
}

/* --- larger ones --- */

/* In a read section. */
static enum ckf_status send_large(struct ckf_channel *channel, const void *elem)
{
    struct ckf_segments *segments = &channel->segments;
    _Atomic(uint64_t) *block = ckf_spares_take(segments->blocks);
    if (CKF_UNLIKELY(block == NULL))
        block = ckf_alloc(ckf_words_for(channel->elem_size) * sizeof *block);
    if (CKF_UNLIKELY(block == NULL))
        return CKF_NO_MEMORY;
    ckf_bytes_write(block, elem, channel->elem_size);
    uint64_t word = (uintptr_t)block;
    size_t one;
    enum ckf_status status = put_words(segments, true, &word, 1, &one);
    block = ckf_block_of(word);
    ckf_spares_give(segments->blocks, block);
    return status;
}

/* Not inlined: others need no room for the copies. */
__attribute__((noinline)) static enum ckf_status recv_large(struct ckf_channel *channel,
                                                            unsigned char *elems, size_t count,
                                                            size_t *received)
{
    struct ckf_copies copies;
    size_t words_each = ckf_words_for(channel->elem_size);
    ckf_read_begin();
    enum ckf_status status = take(&channel->segments, true, elems == NULL ? NULL : copies.words,
                                  words_each, ckf_copies_fit(words_each, count), received);
    ckf_read_end();
    if (status == CKF_OK && elems != NULL)
        ckf_copies_to(elems, &copies, *received, channel->elem_size);
    return status;
}

/* --- the core --- */

static enum ckf_status segments_try_send(struct ckf_channel *channel, const void *elem)
{
    size_t one;
    ckf_read_begin();
    enum ckf_status status = channel->elem_size > CKF_WORD_SIZE
                                 ? send_large(channel, elem)
                                 : send_small(channel, elem, 1, &one);
    ckf_read_end();
    if (CKF_LIKELY(status == CKF_OK))
        ckf_waitlist_notify(&channel->waitlist, CKF_RECV, 1);
    return status;
}

static enum ckf_status segments_try_recv(struct ckf_channel *channel, void *elem)
{
    size_t one;
    return channel->elem_size > CKF_WORD_SIZE ? recv_large(channel, elem, 1, &one)
                                              : recv_small(channel, elem, 1, &one);
}

static enum ckf_status segments_try_send_many(struct ckf_channel *channel,
                                              const unsigned char *elems, size_t count,
                                              size_t *done)
{
    bool large = channel->elem_size > CKF_WORD_SIZE;
    enum ckf_status status = CKF_OK;
    ckf_read_begin();
    for (*done = 0; *done < count;) {
        const unsigned char *next = elems + *done * channel->elem_size;
        size_t sent = 1;
        status =
            large ? send_large(channel, next) : send_small(channel, next, count - *done, &sent);
        if (status != CKF_OK)
            break;
        *done += sent;
    }
    ckf_read_end();
    if (*done > 0)
        ckf_waitlist_notify_many(&channel->waitlist, CKF_RECV, *done);
    return status;
}

static enum ckf_status segments_try_recv_many(struct ckf_channel *channel, unsigned char *elems,
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
    return status;
}

/* --- close, and looking --- */

static bool place_mark(struct ckf_segments *segments)
{
    for (;;) {
        struct spot spot;
        if (find_send(segments, &spot) == CKF_CLOSED)
            return false;
        struct ckf_segment *segment = spot.place.segment;
        uint64_t first = spot.place.first;
        if (spot.ticket == first + SPAN) {
            /* edge segment-linked: release, by the seq_cst CAS; pairs with the load in read_next(). */
            if (ckf_wide_cas(&segment->next, first, 0, first, word_of(&closed_mark)))
                return true;
            continue;
        }
        /* edge segment-cell: release, by the seq_cst CAS; pairs with the loads in state_of(). */
        if (cas_seq_cst(&cell_of(segment, spot.ticket)->low, &spot.state, spot.ticket | MARK))
            return true;
    }
}

static bool segments_close(struct ckf_channel *channel)
{
    ckf_read_begin();
    bool closed = place_mark(&channel->segments);
    ckf_read_end();
    if (closed)
        ckf_waitlist_notify_closed(&channel->waitlist);
    return closed;
}

/* Looking changes nothing but how far the places have got. */
static struct ckf_segments *segments_of(const struct ckf_channel *channel)
{
    return (struct ckf_segments *)(uintptr_t)&channel->segments;
}

static bool segments_is_closed(const struct ckf_channel *channel)
{
    struct spot spot;
    ckf_read_begin();
    enum ckf_status status = find_send(segments_of(channel), &spot);
    ckf_read_end();
    return status == CKF_CLOSED;
}

static bool segments_is_ready(struct ckf_channel *channel, enum ckf_direction direction,
                              uint64_t *moment)
{
    if (direction == CKF_SEND)
        return true;
    struct spot spot;
    ckf_read_begin();
    enum ckf_status status = find_recv(&channel->segments, &spot);
    ckf_read_end();
    *moment = spot.ticket;
    return status != CKF_AGAIN;
}

static size_t segments_len(const struct ckf_channel *channel)
{
    struct spot oldest, free;
    ckf_read_begin();
    find_recv(segments_of(channel), &oldest);
    find_send(segments_of(channel), &free);
    ckf_read_end();
    return (size_t)((free.ticket - oldest.ticket) / TICKET);
}

const struct ckf_core ckf_segments_core = {
    .send = segments_send,
    .recv = segments_recv,
    .try_send = segments_try_send,
    .try_recv = segments_try_recv,
    .try_send_many = segments_try_send_many,
    .try_recv_many = segments_try_recv_many,
    .close = segments_close,
    .is_closed = segments_is_closed,
    .is_ready = segments_is_ready,
    .len = segments_len,
    .polls = true,
    .wait = ckf_call_wait_one,
    .free = segments_free,
};
