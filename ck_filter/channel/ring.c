/* channel/ring.c - bounded ATOMIC channels: cells say what was sent, one index what was received.
 *
 * A send has ticket t, the number of sends before it. Cell t mod R holds a state and an element; a
 * state names the last ticket that filled the cell, or the ticket before which the channel was closed.
 *
 * Roles:      a sender turns the state of cell t, whose last ticket was an earlier one, into "filled by t" and
 *             puts the element there in one 16-byte CAS, so that claiming and publishing are one step. A
 *             receiver reads the element of ticket `head` and takes it by a CAS of head, or several by one.
 *             Nobody ever waits for anybody.
 * Runs:       several elements sent at once lie in lines of the sender's own (batches.h), whose address it puts
 *             into the cell of their first ticket, as "leads a run of n from t": one CAS. The n - 1 cells that
 *             follow stay as they are, and nobody looks at them: who comes to t goes on at t + n. While a run
 *             is being taken, head says how many of it have gone, so its first cell is found.
 *             The address is read between two looks at the state: otherwise it might be a later element.
 * Invariants: cells are filled in the order of tickets. Ticket t is filled only after t - C has been
 *             taken (head has passed it), C being the capacity. So "empty" is read off one cell, "full"
 *             off head, each at one moment. An element stays until head has passed it: a CAS of head
 *             that succeeds proves that what was read before it was whole. States never repeat.
 *             A ticket that was ever the first free one begins an element or a run, and its cell names it or a
 *             later one from then on. Hints and states lead to such tickets alone. So a cell that names an earlier
 *             one is free for it, whatever runs have passed over the cell since.
 *             R is C and the length of the longest run: when the cell of a run's first ticket is filled anew, all
 *             of the run has been taken. Runs do not go over the end of the cells.
 *             tail and limit are hints, stored after success; they may lag, never lead.
 * Close:      a mark in the first cell that is not filled, in line with the sends: every send has its
 *             place before it or meets it. As R > C, that cell holds nothing that is still needed.
 * Progress:   lock-free; the first batch of a thread asks the allocator for its lines, and does without if there
 *             is no memory. Who finds a lagging hint jumps: a later state says how far others have got.
 * Teardown:   the door drains the channel first.
 *
 * Promises, of one end (of both: spsc.c). A single consumer stores head instead of competing for it. What a
 * single producer could do better, runs do for all. A promise that is broken loses elements or repeats them;
 * indices stay inside the ring.
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
#include "base/doubling.h"
#include "base/effort.h"
#include "base/memory.h"
#include "channel/batches.h"
#include "channel/blocking.h"
#include "channel/core.h"
#include "channel/quick.h"
#include "channel/shared_bytes.h"

/* A ticket is kept times 64. What a cell says beside it is how it was filled: by one element, or as the first
 * of a run of so many. */
enum { BY_ONE = 0, MARK = 1, LEAST_RUN = 2, TICKET = 64 };
_Static_assert((int)CKF_RUN < (int)TICKET, "a ticket has room for a run");

/* Shorter batches are sent one by one, which costs less. */
enum { WORTH_A_RUN = CKF_SIZE(4, LEAST_RUN) };

static bool is_mark(uint64_t state)
{
    return state % TICKET == MARK;
}

/* How many elements came with a state that is no mark. */
static uint64_t length_of(uint64_t state)
{
    return state % TICKET == BY_ONE ? 1 : state % TICKET;
}

static uint64_t ticket_of(uint64_t state)
{
    return state - state % TICKET;
}

static bool is_before(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

static uint64_t index_of(const struct ckf_ring *ring, uint64_t ticket)
{
    return (ticket & (ring->lap - 1)) / TICKET;
}

static struct ckf_wide *cell_of(const struct ckf_ring *ring, uint64_t ticket)
{
    return &ring->cells[index_of(ring, ticket)];
}

/* The ticket so many further, less than a lap. */
static uint64_t further(const struct ckf_ring *ring, uint64_t ticket, uint64_t tickets)
{
    uint64_t end_of_lap = ring->count - index_of(ring, ticket);
    uint64_t next = ticket + tickets * TICKET;
    return tickets < end_of_lap ? next : next - ring->count * TICKET + ring->lap;
}

static uint64_t next_ticket(const struct ckf_ring *ring, uint64_t ticket)
{
    return further(ring, ticket, 1);
}

/* edge cell-changed: the acquire end, seq_cst so that a waiter's second look comes after its
 * interest-shown RMW; pairs with the CASes in fill_one() and ring_close(). */
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
    bool in_blocks = elem_size > CKF_WORD_SIZE;
    uint64_t longest = in_blocks || capacity < LEAST_RUN ? 1
                       : capacity < CKF_RUN              ? capacity
                                                         : CKF_RUN;
    uint64_t cells = (uint64_t)capacity + longest;
    uint64_t lap = ckf_doubled_to(TICKET, cells * TICKET);
    uint64_t first = start & ~(lap - 1);
    ring->cells = ckf_alloc_aligned(cells * sizeof *ring->cells, CKF_CACHELINE);
    if (ring->cells == NULL)
        return CKF_NO_MEMORY;
    if (in_blocks && !blocks_init(&ring->blocks, capacity, elem_size)) {
        ckf_free(ring->cells);
        return CKF_NO_MEMORY;
    }
    if (longest > 1 && (ring->batches = ckf_batches_create(capacity, first)) == NULL) {
        ckf_free(ring->cells);
        return CKF_NO_MEMORY;
    }
    for (uint64_t i = 0; i < cells; i++) {
        atomic_init(&ring->cells[i].low, first - lap + i * TICKET);
        if (in_blocks)
            atomic_init(&ring->cells[i].high, (uintptr_t)block_at(&ring->blocks, i));
    }
    ring->lap = lap;
    ring->count = cells;
    ring->longest = longest;
    ring->ahead = cells_ahead(capacity, in_blocks);
    ring->single_consumer = (promises & CKF_CHANNEL_SINGLE_CONSUMER) != 0;
    atomic_init(&ring->tail, first);
    atomic_init(&ring->limit, further(ring, first, capacity));
    atomic_init(&ring->head, first);
    return CKF_OK;
}

static void ring_free(struct ckf_channel *channel)
{
    ckf_free(channel->ring.cells);
    blocks_free(&channel->ring.blocks);
    ckf_batches_destroy(channel->ring.batches);
}

static uint64_t tail_of(const struct ckf_ring *ring)
{
    /* edge hint-moved: acquire; pairs with the release in move_tail(). */
    return load_acquire(&ring->tail);
}

/* What a sender finds: the first ticket that is not filled, and what its cell says, or the ticket at which the
 * channel was closed. CKF_OK or CKF_CLOSED. */
static enum ckf_status find_free(const struct ckf_ring *ring, uint64_t *found, uint64_t *state)
{
    uint64_t ticket = tail_of(ring);
    for (;;) {
        *state = state_of(cell_of(ring, ticket));
        *found = ticket;
        if (is_before(*state, ticket))
            return CKF_OK;
        *found = ticket_of(*state); /* the hint may have lagged by a lap */
        if (is_mark(*state))
            return CKF_CLOSED;
        ticket = further(ring, *found, length_of(*state)); /* all up to it have been filled */
    }
}

static uint64_t limit_of(const struct ckf_ring *ring)
{
    /* edge head-seen: acquire; pairs with the release in look_for_room(). */
    return load_acquire(&ring->limit);
}

/* Whether a ticket may be filled: the one that lies C before it has been taken, as somebody has seen. */
static inline bool had_room(const struct ckf_ring *ring, uint64_t ticket)
{
    return is_before(ticket, limit_of(ring));
}

/* The same, after a look at head, and in *limit the ticket for which there is no room yet. */
static bool look_for_room(struct ckf_ring *ring, uint64_t ticket, uint64_t *limit)
{
    /* edge head-moved: acquire; pairs with move_head(). seq_cst: as in state_of(). */
    uint64_t head = ticket_of(load_seq_cst(&ring->head));
    *limit = further(ring, head, ring->count - ring->longest);
    if (!is_before(ticket, *limit))
        return false;
    /* edge head-seen: release; pairs with the acquire in limit_of(). What a sender may overwrite, all
     * senders may. */
    store_release(&ring->limit, *limit);
    return true;
}

static bool has_room(struct ckf_ring *ring, uint64_t ticket)
{
    uint64_t limit;
    return CKF_LIKELY(had_room(ring, ticket)) || look_for_room(ring, ticket, &limit);
}

static enum ckf_status find_send(struct ckf_ring *ring, uint64_t *found, uint64_t *state)
{
    enum ckf_status status = find_free(ring, found, state);
    return status == CKF_OK && CKF_UNLIKELY(!has_room(ring, *found)) ? CKF_AGAIN : status;
}

static uint64_t head_of(const struct ckf_ring *ring)
{
    /* edge head-moved: acquire; pairs with move_head(). */
    return load_acquire(&ring->head);
}

/* Where a receiver is: at a ticket that was filled alone or leads a run, or behind the first ones of a run. */
struct spot {
    uint64_t at;    /* as in ring->head */
    uint64_t first; /* the ticket whose cell tells */
    uint64_t state; /* of that cell */
};

static struct spot spot_at(const struct ckf_ring *ring, uint64_t at)
{
    uint64_t passed = at % TICKET; /* of a run, which does not go over the end of the cells */
    struct spot spot = {.at = at, .first = at - passed - passed * TICKET};
    spot.state = state_of(cell_of(ring, spot.first));
    return spot;
}

/* The same for a spot that has moved on to where it is not within a run. */
static inline struct spot *look_on(const struct ckf_ring *ring, struct spot *spot)
{
    spot->first = spot->at;
    spot->state = state_of(cell_of(ring, spot->at));
    return spot;
}

/* Whether the element of the spot is there. */
static inline bool is_there(const struct spot *spot)
{
    return CKF_LIKELY(spot->state == spot->first) ||
           (ticket_of(spot->state) == spot->first && !is_mark(spot->state));
}

/* What a receiver finds: the oldest ticket that has not been taken. CKF_OK: its element is there. */
static enum ckf_status find_recv(const struct ckf_ring *ring, struct spot *spot)
{
    for (;;) {
        *spot = spot_at(ring, head_of(ring));
        if (is_there(spot))
            return CKF_OK;
        if (is_before(spot->state, spot->first))
            return CKF_AGAIN;
        if (spot->state == (spot->first | MARK))
            return CKF_CLOSED;
        /* A later state, so head has moved. */
    }
}

static struct ckf_wide *cell_ahead(const struct ckf_ring *ring, uint64_t ticket, uint64_t cells)
{
    uint64_t index = index_of(ring, ticket) + cells;
    return &ring->cells[index < ring->count ? index : index - ring->count];
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

/* Fills the cell of a ticket, for which there is room, with a state of that ticket and a word, unless somebody
 * else has filled it; it said `expected`. The word then is what the cell held before. */
static inline bool fill_one(struct ckf_ring *ring, bool in_blocks, uint64_t expected,
                            uint64_t state, uint64_t *word)
{
    struct ckf_wide *cell = cell_of(ring, state);
    fetch_ahead(ring, state, in_blocks);
    /* relaxed: until the state changes this does not, and the CAS checks both */
    uint64_t stale = load_relaxed(&cell->high);
    /* edge cell-changed: release, by the seq_cst CAS; pairs with the loads in state_of(). */
    if (CKF_UNLIKELY(!ckf_wide_cas(cell, expected, stale, state, *word)))
        return false;
    *word = stale;
    return true;
}

/* All tickets before this one are filled. */
static inline void move_tail(struct ckf_ring *ring, uint64_t ticket)
{
    /* edge hint-moved: release; pairs with the acquire in tail_of(). Who starts from the hint
     * must not find older cells than the hint speaks of. */
    store_release(&ring->tail, ticket);
}

/* Puts a word into the next cell. It then is what that one held before, or as it was. */
CKF_ALWAYS_INLINE enum ckf_status put_word(struct ckf_ring *ring, bool in_blocks, uint64_t *word)
{
    for (;;) {
        uint64_t ticket, state;
        enum ckf_status status = find_send(ring, &ticket, &state);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        if (CKF_LIKELY(fill_one(ring, in_blocks, state, ticket, word))) {
            move_tail(ring, next_ticket(ring, ticket));
            return CKF_OK;
        }
        ckf_back_off();
    }
}

/* How many tickets lie between two. */
static uint64_t distance(const struct ckf_ring *ring, uint64_t from, uint64_t to)
{
    uint64_t laps = (to & ~(ring->lap - 1)) - (from & ~(ring->lap - 1));
    return laps / ring->lap * ring->count + index_of(ring, to) - index_of(ring, from);
}

/* How long a run may be that begins with a free ticket for which there is room. */
static uint64_t fitting(struct ckf_ring *ring, uint64_t ticket, uint64_t wanted)
{
    uint64_t limit = limit_of(ring);
    if (!is_before(ticket, limit) || distance(ring, ticket, limit) < wanted)
        look_for_room(ring, ticket, &limit);
    uint64_t room = distance(ring, ticket, limit);
    uint64_t most = ring->count - index_of(ring, ticket); /* cells to the end */
    if (room < most)
        most = room;
    return wanted < most ? wanted : most;
}

/* What is put into a cell. */
struct filling {
    uint64_t state, word;
    uint64_t length;
};

/* Up to `count` elements for a free ticket, for which there is room: as a run, if that is worth while and there
 * are lines for it. */
static struct filling prepare(struct ckf_channel *channel, uint64_t ticket,
                              const unsigned char *elems, size_t count)
{
    struct ckf_ring *ring = &channel->ring;
    struct filling filling = {.state = ticket, .length = 1};
    uint64_t length = count < WORTH_A_RUN ? 1 : fitting(ring, ticket, count);
    _Atomic(uint64_t) *words = NULL;
    if (length >= WORTH_A_RUN)
        words = ckf_batches_reserve(ring->batches, length, &ring->head);
    if (words == NULL) {
        filling.word = ckf_word_of(elems, channel->elem_size);
        return filling;
    }
    for (size_t i = 0; i < length; i++, elems += channel->elem_size)
        /* relaxed: published with the cell */
        store_relaxed(&words[i], ckf_word_of(elems, channel->elem_size));
    filling.state += length;
    filling.word = (uintptr_t)words;
    filling.length = length;
    return filling;
}

/* Puts up to `count` elements, at least one, into the next cell, and in *put how many. */
static enum ckf_status put_some(struct ckf_channel *channel, const unsigned char *elems,
                                size_t count, size_t *put)
{
    struct ckf_ring *ring = &channel->ring;
    for (;;) {
        uint64_t ticket, found;
        enum ckf_status status = find_send(ring, &ticket, &found);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        struct filling filling = prepare(channel, ticket, elems, count);
        if (CKF_LIKELY(fill_one(ring, false, found, filling.state, &filling.word))) {
            uint64_t end = further(ring, ticket, filling.length);
            ckf_prefetch_for_write(cell_of(ring, end)); /* as in fetch_ahead() */
            move_tail(ring, end);
            if (filling.length > 1)
                ckf_batches_commit(ring->batches, end);
            *put = filling.length;
            return CKF_OK;
        }
        ckf_back_off();
    }
}

/* Moves head, unless somebody else has. */
static bool move_head(struct ckf_ring *ring, uint64_t from, uint64_t to)
{
    if (ring->single_consumer) {
        /* edge head-moved: release, by the seq_cst exchange; pairs with the loads in look_for_room(),
         * head_of() and ckf_batches_reserve(). */
        exchange_seq_cst(&ring->head, to);
        return true;
    }
    /* edge head-moved: release, by the seq_cst CAS; pairs with the loads in look_for_room(), head_of()
     * and ckf_batches_reserve(). */
    return cas_seq_cst(&ring->head, &from, to);
}

/* Copies up to `count` elements of a run from a spot in it on, and moves the spot behind them. Returns how many;
 * 0: the cell has been filled anew. */
static size_t read_run(const struct ckf_ring *ring, struct spot *spot, uint64_t *copy, size_t count)
{
    struct ckf_wide *cell = cell_of(ring, spot->first);
    /* edge cell-changed: acquire; pairs with the CAS in fill_one(), should the word be that of a later one. */
    const _Atomic(uint64_t) *elems = ckf_block_of(load_acquire(&cell->high));
    /* relaxed: after the load above; if it is what it was, the other word came with it */
    if (CKF_STEP(load_relaxed(&cell->low) != spot->state))
        return 0;
    uint64_t passed = spot->at % TICKET, left = length_of(spot->state) - passed;
    size_t read = count < left ? count : left;
    for (size_t i = 0; i < read && copy != NULL; i++)
        copy[i] = load_relaxed(&elems[passed + i]); /* relaxed: as in take() */
    spot->at = read == left ? further(ring, spot->first, length_of(spot->state))
                            : spot->at + read * TICKET + read;
    return read;
}

/* Takes up to count elements, at least one. They are copied first, since their cells may be filled
 * anew once they are taken: words_each words each, from the cells or from their blocks; none are if
 * copy is NULL. */
CKF_ALWAYS_INLINE enum ckf_status take(struct ckf_ring *ring, bool in_blocks, uint64_t *copy,
                                       size_t words_each, size_t count, size_t *taken)
{
    for (;;) {
        struct spot spot;
        enum ckf_status status = find_recv(ring, &spot);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        uint64_t from = spot.at;
        size_t found = 0;
        do {
            if (CKF_LIKELY(in_blocks || spot.state == spot.at)) {
                /* relaxed: acquired with the state; the CAS says that it was still there */
                uint64_t word = load_relaxed(&cell_of(ring, spot.at)->high);
                ckf_read_ahead(copy, found++, word, in_blocks, words_each);
                spot.at = next_ticket(ring, spot.at);
            } else {
                size_t read =
                    read_run(ring, &spot, copy == NULL ? NULL : copy + found, count - found);
                if (read == 0)
                    break;
                found += read;
            }
        } while (found < count && is_there(look_on(ring, &spot)));
        if (CKF_LIKELY(found > 0 && move_head(ring, from, spot.at))) {
            *taken = found;
            return CKF_OK;
        }
        ckf_back_off();
    }
}

/* --- elements of up to a word --- */

static inline enum ckf_status send_small(struct ckf_channel *channel, const unsigned char *elem)
{
    uint64_t word = ckf_word_of(elem, channel->elem_size);
    return put_word(&channel->ring, false, &word);
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
    uint64_t ticket = tail_of(ring), state = state_of(cell_of(ring, ticket));
    if (CKF_UNLIKELY(!is_before(state, ticket) || !had_room(ring, ticket)))
        return CKF_QUICK_NOT;
    if (CKF_UNLIKELY(!fill_one(ring, false, state, ticket, &word)))
        return CKF_QUICK_LOST;
    move_tail(ring, next_ticket(ring, ticket));
    return CKF_QUICK_DONE;
}

CKF_ALWAYS_INLINE enum ckf_quick recv_word(struct ckf_channel *channel, uint64_t *word)
{
    struct ckf_ring *ring = &channel->ring;
    uint64_t ticket = head_of(ring);
    struct ckf_wide *cell = cell_of(ring, ticket);
    if (CKF_UNLIKELY(ticket % TICKET != 0 || state_of(cell) != ticket))
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
    uint64_t ticket, state;
    return find_free(ring, &ticket, &state) == CKF_CLOSED ? CKF_CLOSED : CKF_AGAIN;
}

static enum ckf_status send_large(struct ckf_channel *channel, const void *elem)
{
    struct ckf_ring *ring = &channel->ring;
    _Atomic(uint64_t) *block = take_block(&ring->blocks);
    if (CKF_UNLIKELY(block == NULL))
        return refuse_block(ring);
    ckf_bytes_write(block, elem, channel->elem_size);
    uint64_t word = (uintptr_t)block;
    enum ckf_status status = put_word(ring, true, &word);
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
    enum ckf_status status =
        channel->elem_size > CKF_WORD_SIZE ? send_large(channel, elem) : send_small(channel, elem);
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
    size_t most = channel->ring.longest;
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count;) {
        const unsigned char *next = elems + *done * channel->elem_size;
        size_t left = count - *done, sent = 1;
        status = large ? send_large(channel, next)
                       : put_some(channel, next, left < most ? left : most, &sent);
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
        uint64_t ticket, state;
        if (find_free(ring, &ticket, &state) == CKF_CLOSED)
            return false;
        /* full or not: the cell that find_free() found is there for the mark */
        /* edge cell-changed: release, by the seq_cst CAS; pairs with the loads in state_of(). */
        if (cas_seq_cst(&cell_of(ring, ticket)->low, &state, ticket | MARK))
            break;
    }
    ckf_waitlist_notify_closed(&channel->waitlist);
    return true;
}

static bool ring_is_closed(const struct ckf_channel *channel)
{
    uint64_t ticket, state;
    return find_free(&channel->ring, &ticket, &state) == CKF_CLOSED;
}

static bool ring_is_ready(struct ckf_channel *channel, enum ckf_direction direction,
                          uint64_t *moment)
{
    struct ckf_ring *ring = &channel->ring;
    /* A ticket is the first free one, or the oldest element's, only once: it tells moments apart. */
    if (direction == CKF_RECV) {
        struct spot spot;
        enum ckf_status status = find_recv(ring, &spot);
        *moment = spot.at;
        return status != CKF_AGAIN;
    }
    uint64_t state;
    /* The blocks first: if none was free and the channel is not closed later, it was not closed then. */
    if (ring->blocks.bytes != NULL && !has_block(channel, moment))
        return ring_is_closed(channel);
    return find_send(ring, moment, &state) != CKF_AGAIN;
}

static size_t ring_len(const struct ckf_channel *channel)
{
    struct spot oldest;
    uint64_t tail, state;
    find_recv(&channel->ring, &oldest);
    find_free(&channel->ring, &tail, &state);
    uint64_t len = distance(&channel->ring, oldest.at, tail);
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
