/* channel/ring.c - bounded ATOMIC channels: the cells are the truth, the indices are hints.
 *
 * A send has ticket t, the number of sends before it. Cell t mod R holds a state and an element, and
 * a state names the ticket that it speaks of:
 *
 *     FREE(t)   waits for the element of ticket t      FULL(t)   holds it
 *     MARK(t)   the channel was closed before ticket t was sent
 *
 * Roles:      a sender turns FREE(t) into FULL(t) and puts the element there in one 16-byte CAS, so
 *             that claiming and publishing are one step. A receiver reads the element and turns
 *             FULL(t) into FREE(t + R) by a CAS of the state alone: while it says FULL(t) the element
 *             cannot change, and states never repeat. Nobody ever waits for anybody.
 * Invariants: cells are filled in the order of tickets and emptied in it. With one cell more than
 *             the capacity C (R = C + 1), ticket t may be filled once t - C has been taken, which is
 *             what the next cell says; so both "full" and "empty" are read off one cell, at one
 *             moment. tail and head are stored after success; they may lag, never lead.
 * Close:      the mark goes into the first free cell, in line with the sends: every send has its
 *             place before it or meets it. There always is a free cell: the spare one.
 * Progress:   lock-free. Who finds a lagging hint jumps: a later state says how far others have got.
 * Teardown:   the door drains the channel first.
 *
 * The wrap: a ticket is lap | index with index < R <= 2^b, and laps count in units of 2^b, so no
 * index is ever divided, and tickets compare by their signed difference.
 *
 * Elements larger than a word lie in a slab and the cell holds the slot's number. Sends pop a slot
 * first: none free means that elements and other calls hold all C. Who has a slot finds a free cell.
 *
 * After Vyukov's bounded queue (2010), whose cells carry sequence numbers; the one-step send is that
 * of Morrison and Afek, "Fast Concurrent Queues for x86 Processors", PPoPP 2013.
 */
#include "channel/ring.h"

#include "base/memory.h"
#include "channel/blocking.h"
#include "channel/core.h"

/* A ticket is kept times 4, so that it and a state fit into one word. */
enum { FREE = 0, FULL = 1, MARK = 2, STATES = 4, STATE_MASK = STATES - 1 };

static uint64_t ticket_of(uint64_t state)
{
    return state & ~(uint64_t)STATE_MASK;
}

static unsigned kind_of(uint64_t state)
{
    return (unsigned)(state & STATE_MASK);
}

static struct ckf_wide *cell_of(const struct ckf_ring *ring, uint64_t ticket)
{
    return &ring->cells[(ticket & (ring->lap - 1)) / STATES];
}

static uint64_t next_ticket(const struct ckf_ring *ring, uint64_t ticket)
{
    uint64_t index = ticket & (ring->lap - 1);
    return index == ring->last * STATES ? ticket - index + ring->lap : ticket + STATES;
}

/* edge cell-changed: the acquire end, seq_cst so that a waiter's second look comes after its
 * interest-shown RMW; pairs with the CASes in put_word(), take_word() and ring_close(). */
static uint64_t state_of(const struct ckf_wide *cell)
{
    return load_seq_cst(&cell->low);
}

enum ckf_status ckf_ring_init(struct ckf_ring *ring, size_t capacity, size_t elem_size,
                              uint64_t start)
{
    uint64_t cells = (uint64_t)capacity + 1, lap = STATES;
    while (lap / STATES < cells)
        lap *= 2;
    ring->cells = ckf_alloc_aligned(cells * sizeof *ring->cells, CKF_CACHELINE);
    if (ring->cells == NULL)
        return CKF_NO_MEMORY;
    if (elem_size > CKF_WORD_SIZE && !ckf_slab_init(&ring->slab, (uint32_t)capacity, elem_size)) {
        ckf_free(ring->cells);
        return CKF_NO_MEMORY;
    }
    uint64_t first = start & ~(lap - 1);
    for (uint64_t i = 0; i < cells; i++)
        atomic_init(&ring->cells[i].low, (first + i * STATES) | FREE);
    ring->lap = lap;
    ring->last = capacity;
    atomic_init(&ring->tail, first);
    atomic_init(&ring->head, first);
    return CKF_OK;
}

static void ring_free(struct ckf_channel *channel)
{
    ckf_free(channel->ring.cells);
    ckf_slab_free(&channel->ring.slab);
}

/* The ticket after the one whose cell shows a later state than expected: every ticket before it has
 * been sent. */
static uint64_t jump_for_send(const struct ckf_ring *ring, uint64_t state)
{
    uint64_t ticket = ticket_of(state);
    return next_ticket(ring, kind_of(state) == FULL ? ticket : ticket - ring->lap);
}

/* Likewise: every ticket before it has been received. */
static uint64_t jump_for_recv(const struct ckf_ring *ring, uint64_t state)
{
    return next_ticket(ring, ticket_of(state) - ring->lap);
}

/* What a sender finds: the first free ticket, and whether there is room for it. */
static enum ckf_status find_send(const struct ckf_ring *ring, uint64_t *found)
{
    /* edge hint-moved: acquire; pairs with the release in put_word(). */
    uint64_t ticket = load_acquire(&ring->tail);
    for (;;) {
        uint64_t state = state_of(cell_of(ring, ticket));
        *found = ticket;
        if (kind_of(state) == MARK)
            return CKF_CLOSED;
        if (state != (ticket | FREE)) {
            ticket = jump_for_send(ring, state);
            continue;
        }
        uint64_t next = next_ticket(ring, ticket);
        if (state_of(cell_of(ring, next)) == ((next - ring->lap) | FULL))
            return CKF_AGAIN;
        return CKF_OK;
    }
}

/* What a receiver finds: the oldest ticket that has not been received. CKF_OK: its element is
 * there. */
static enum ckf_status find_recv(const struct ckf_ring *ring, uint64_t *found)
{
    /* edge hint-moved: acquire; pairs with the release in take_word(). */
    uint64_t ticket = load_acquire(&ring->head);
    for (;;) {
        uint64_t state = state_of(cell_of(ring, ticket));
        *found = ticket;
        if (state == (ticket | FULL))
            return CKF_OK;
        if (state == (ticket | FREE))
            return CKF_AGAIN;
        if (state == (ticket | MARK))
            return CKF_CLOSED;
        ticket = jump_for_recv(ring, state);
    }
}

static enum ckf_status put_word(struct ckf_ring *ring, uint64_t word)
{
    for (;;) {
        uint64_t ticket;
        enum ckf_status status = find_send(ring, &ticket);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        struct ckf_wide *cell = cell_of(ring, ticket);
        /* relaxed: while the state is FREE(t) this does not change, and the CAS checks both */
        uint64_t stale = load_relaxed(&cell->high);
        /* edge cell-changed: release, by the seq_cst CAS; pairs with the loads in state_of(). */
        if (CKF_LIKELY(ckf_wide_cas(cell, ticket | FREE, stale, ticket | FULL, word))) {
            /* edge hint-moved: release; pairs with the acquire in find_send(). Who starts from the
             * hint must not find older cells than the hint speaks of. */
            store_release(&ring->tail, next_ticket(ring, ticket));
            return CKF_OK;
        }
    }
}

static enum ckf_status take_word(struct ckf_ring *ring, uint64_t *word)
{
    for (;;) {
        uint64_t ticket;
        enum ckf_status status = find_recv(ring, &ticket);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        struct ckf_wide *cell = cell_of(ring, ticket);
        uint64_t state = ticket | FULL;
        *word =
            load_relaxed(&cell->high); /* relaxed: acquired with the state, checked by the CAS */
        /* edge cell-changed: release, by the seq_cst CAS; pairs with the loads in state_of(). */
        if (CKF_LIKELY(cas_seq_cst(&cell->low, &state, (ticket + ring->lap) | FREE))) {
            /* edge hint-moved: release; pairs with the acquire in find_recv(). */
            store_release(&ring->head, next_ticket(ring, ticket));
            return CKF_OK;
        }
    }
}

/* No slot is free: the channel is full, unless it is closed. */
static enum ckf_status refuse_slot(const struct ckf_ring *ring)
{
    uint64_t ticket;
    return find_send(ring, &ticket) == CKF_CLOSED ? CKF_CLOSED : CKF_AGAIN;
}

static enum ckf_status put_large(struct ckf_ring *ring, const void *elem)
{
    uint32_t slot = ckf_slab_pop(&ring->slab);
    if (slot == CKF_NO_SLOT)
        return refuse_slot(ring);
    memcpy(ckf_slab_slot(&ring->slab, slot), elem, ring->slab.slot_size);
    enum ckf_status status = put_word(ring, slot);
    if (status != CKF_OK)
        ckf_slab_push(&ring->slab, slot);
    return status;
}

static enum ckf_status take_large(struct ckf_ring *ring, void *elem)
{
    uint64_t slot;
    enum ckf_status status = take_word(ring, &slot);
    if (status != CKF_OK)
        return status;
    if (elem != NULL)
        memcpy(elem, ckf_slab_slot(&ring->slab, (uint32_t)slot), ring->slab.slot_size);
    ckf_slab_push(&ring->slab, (uint32_t)slot);
    return CKF_OK;
}

static enum ckf_status put(struct ckf_channel *channel, const void *elem)
{
    if (channel->elem_size > CKF_WORD_SIZE)
        return put_large(&channel->ring, elem);
    return put_word(&channel->ring, ckf_word_of(elem, channel->elem_size));
}

static enum ckf_status take(struct ckf_channel *channel, void *elem)
{
    if (channel->elem_size > CKF_WORD_SIZE)
        return take_large(&channel->ring, elem);
    uint64_t word;
    enum ckf_status status = take_word(&channel->ring, &word);
    if (status == CKF_OK && elem != NULL)
        ckf_word_to(elem, word, channel->elem_size);
    return status;
}

static enum ckf_status ring_try_send(struct ckf_channel *channel, const void *elem)
{
    enum ckf_status status = put(channel, elem);
    if (status == CKF_OK)
        ckf_waitlist_notify(&channel->waitlist, CKF_RECV, 1);
    return status;
}

static enum ckf_status ring_try_recv(struct ckf_channel *channel, void *elem)
{
    enum ckf_status status = take(channel, elem);
    if (status == CKF_OK)
        ckf_waitlist_notify(&channel->waitlist, CKF_SEND, 1);
    return status;
}

static enum ckf_status ring_try_send_many(struct ckf_channel *channel, const unsigned char *elems,
                                          size_t count, size_t *done)
{
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count; ++*done) {
        status = put(channel, elems + *done * channel->elem_size);
        if (status != CKF_OK)
            break;
    }
    if (*done > 0)
        ckf_waitlist_notify_many(&channel->waitlist, CKF_RECV, *done);
    return status;
}

static enum ckf_status ring_try_recv_many(struct ckf_channel *channel, unsigned char *elems,
                                          size_t count, size_t *done)
{
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count; ++*done) {
        status = take(channel, elems == NULL ? NULL : elems + *done * channel->elem_size);
        if (status != CKF_OK)
            break;
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
        if (find_send(ring, &ticket) == CKF_CLOSED)
            return false;
        /* full or not: the free cell that find_send() found is there for the mark */
        uint64_t state = ticket | FREE;
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
    return find_send(&channel->ring, &ticket) == CKF_CLOSED;
}

static bool ring_is_ready(struct ckf_channel *channel, enum ckf_direction direction,
                          uint64_t *moment)
{
    const struct ckf_ring *ring = &channel->ring;
    /* A ticket is the first free one, or the oldest element's, only once: it tells moments apart. */
    if (direction == CKF_RECV)
        return find_recv(ring, moment) != CKF_AGAIN;
    if (ring->slab.bytes == NULL)
        return find_send(ring, moment) != CKF_AGAIN;
    /* The slab first: if it was empty and the channel is not closed later, it was not closed then. */
    return ckf_slab_has_free(&ring->slab, moment) || ring_is_closed(channel);
}

/* How many tickets lie between two. */
static uint64_t distance(const struct ckf_ring *ring, uint64_t from, uint64_t to)
{
    uint64_t laps = (to & ~(ring->lap - 1)) - (from & ~(ring->lap - 1));
    uint64_t index_from = (from & (ring->lap - 1)) / STATES;
    uint64_t index_to = (to & (ring->lap - 1)) / STATES;
    return laps / ring->lap * (ring->last + 1) + index_to - index_from;
}

static size_t ring_len(const struct ckf_channel *channel)
{
    uint64_t head, tail;
    find_recv(&channel->ring, &head);
    find_send(&channel->ring, &tail);
    uint64_t len = distance(&channel->ring, head, tail);
    return len < channel->capacity ? (size_t)len : channel->capacity;
}

const struct ckf_core ckf_ring_core = {
    .try_send = ring_try_send,
    .try_recv = ring_try_recv,
    .try_send_many = ring_try_send_many,
    .try_recv_many = ring_try_recv_many,
    .close = ring_close,
    .is_closed = ring_is_closed,
    .is_ready = ring_is_ready,
    .len = ring_len,
    .wait = ckf_call_wait_one,
    .free = ring_free,
};
