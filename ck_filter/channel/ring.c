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
 * Promises. A single producer needs no wide CAS: it writes the element and then changes the state,
 * still by a CAS, since anybody may close. Of several elements it prepares all cells but the first,
 * which nobody reaches before the first is filled, and then fills that one. A single consumer stores
 * head instead of competing for it. A promise that is broken loses elements or repeats them; indices
 * stay inside the ring.
 *
 * The wrap: a ticket is lap | index with index < R <= 2^b, and laps count in units of 2^b, so no
 * index is ever divided, and tickets compare by their signed difference.
 *
 * Elements larger than a word lie in a slab and the cell holds the slot's number. Sends pop a slot
 * first: none free means that elements and other calls hold all C. Who has a slot finds room.
 *
 * After Vyukov's bounded queue (2010), whose cells carry sequence numbers; the one-step send is that
 * of Morrison and Afek, "Fast Concurrent Queues for x86 Processors", PPoPP 2013.
 */
#include "channel/ring.h"

#include "base/backoff.h"
#include "base/memory.h"
#include "channel/blocking.h"
#include "channel/core.h"

/* A ticket is kept times 2, so that it and the mark fit into one word. */
enum { MARK = 1, TICKET = 2 };

/* Elements that a receiver takes at once. */
enum { RUN = 32 };

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
 * interest-shown RMW; pairs with the CASes in put_word(), put_alone() and ring_close().
 * edge cell-prepared: acquire; pairs with the stores in put_alone(). */
static uint64_t state_of(const struct ckf_wide *cell)
{
    return load_seq_cst(&cell->low);
}

enum ckf_status ckf_ring_init(struct ckf_ring *ring, size_t capacity, size_t elem_size,
                              unsigned promises, uint64_t start)
{
    uint64_t cells = (uint64_t)capacity + 1, lap = TICKET;
    while (lap / TICKET < cells)
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
        atomic_init(&ring->cells[i].low, first - lap + i * TICKET);
    ring->lap = lap;
    ring->last = capacity;
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
    ckf_slab_free(&channel->ring.slab);
}

static uint64_t tail_of(const struct ckf_ring *ring)
{
    /* edge hint-moved: acquire; pairs with the releases in put_word() and put_alone(). */
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

/* Whether a ticket may be filled: the one that lies C before it has been taken. */
static bool has_room(struct ckf_ring *ring, uint64_t ticket)
{
    uint64_t needed = next_ticket(ring, ticket) - ring->lap;
    /* edge head-seen: acquire; pairs with the release below. */
    if (CKF_LIKELY((int64_t)(load_acquire(&ring->head_seen) - needed) > 0))
        return true;
    /* edge head-moved: acquire; pairs with move_head(). seq_cst: as in state_of(). */
    uint64_t head = load_seq_cst(&ring->head);
    if ((int64_t)(head - needed) <= 0)
        return false;
    /* edge head-seen: release; pairs with the acquire above. What a sender may overwrite, all
     * senders may. */
    store_release(&ring->head_seen, head);
    return true;
}

static enum ckf_status find_send(struct ckf_ring *ring, uint64_t *found)
{
    enum ckf_status status = find_free(ring, found);
    return status == CKF_OK && CKF_UNLIKELY(!has_room(ring, *found)) ? CKF_AGAIN : status;
}

/* What a receiver finds: the oldest ticket that has not been taken. CKF_OK: its element is there. */
static enum ckf_status find_recv(const struct ckf_ring *ring, uint64_t *found)
{
    for (;;) {
        /* edge head-moved: acquire; pairs with move_head(). */
        uint64_t ticket = load_acquire(&ring->head);
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

/* The only one who sends. Fills `count` cells, at least one, for which there is room. */
static enum ckf_status put_alone(struct ckf_ring *ring, uint64_t first, const uint64_t *words,
                                 size_t count)
{
    uint64_t ticket = first;
    for (size_t i = 0; i < count; i++, ticket = next_ticket(ring, ticket)) {
        struct ckf_wide *cell = cell_of(ring, ticket);
        store_relaxed(&cell->high, words[i]); /* relaxed: published with the state of `first` */
        if (i > 0)
            /* edge cell-prepared: release, after the store of tail; pairs with the load in
             * state_of() by who comes with an old tail. */
            store_release(&cell->low, ticket);
    }
    uint64_t state = first - ring->lap;
    /* edge cell-changed: release, by the seq_cst CAS; pairs with the loads in state_of(). */
    if (CKF_UNLIKELY(!cas_seq_cst(&cell_of(ring, first)->low, &state, first)))
        return CKF_CLOSED;
    /* edge hint-moved: release; pairs with the acquire in tail_of(). */
    store_release(&ring->tail, ticket);
    return CKF_OK;
}

static enum ckf_status put_word(struct ckf_ring *ring, uint64_t word)
{
    for (;;) {
        uint64_t ticket;
        enum ckf_status status = find_send(ring, &ticket);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        if (ring->single_producer)
            return put_alone(ring, ticket, &word, 1);
        struct ckf_wide *cell = cell_of(ring, ticket);
        /* relaxed: until the state changes this does not, and the CAS checks both */
        uint64_t stale = load_relaxed(&cell->high);
        /* edge cell-changed: release, by the seq_cst CAS; pairs with the loads in state_of(). */
        if (CKF_LIKELY(ckf_wide_cas(cell, ticket - ring->lap, stale, ticket, word))) {
            /* edge hint-moved: release; pairs with the acquire in tail_of(). Who starts from the
             * hint must not find older cells than the hint speaks of. */
            store_release(&ring->tail, next_ticket(ring, ticket));
            return CKF_OK;
        }
        ckf_back_off();
    }
}

/* Takes the elements of the tickets from..to, unless somebody else has taken the first. */
static bool move_head(struct ckf_ring *ring, uint64_t from, uint64_t to)
{
    if (ring->single_consumer) {
        /* edge head-moved: release, by the seq_cst exchange; pairs with the loads in has_room() and
         * find_recv(). */
        exchange_seq_cst(&ring->head, to);
        return true;
    }
    /* edge head-moved: release, by the seq_cst CAS; pairs with the loads in has_room() and
     * find_recv(). */
    return cas_seq_cst(&ring->head, &from, to);
}

/* Takes up to count words, at least one. */
static enum ckf_status take_words(struct ckf_ring *ring, uint64_t *words, size_t count,
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
            words[found++] = load_relaxed(&cell_of(ring, ticket)->high);
            ticket = next_ticket(ring, ticket);
        } while (found < count && state_of(cell_of(ring, ticket)) == ticket);
        if (CKF_LIKELY(move_head(ring, first, ticket))) {
            *taken = found;
            return CKF_OK;
        }
        ckf_back_off();
    }
}

/* No slot is free: the channel is full, unless it is closed. */
static enum ckf_status refuse_slot(const struct ckf_ring *ring)
{
    uint64_t ticket;
    return find_free(ring, &ticket) == CKF_CLOSED ? CKF_CLOSED : CKF_AGAIN;
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

static enum ckf_status put(struct ckf_channel *channel, const void *elem)
{
    if (channel->elem_size > CKF_WORD_SIZE)
        return put_large(&channel->ring, elem);
    return put_word(&channel->ring, ckf_word_of(elem, channel->elem_size));
}

/* Elements of words that were taken go to elems, unless that is NULL. */
static void deliver(struct ckf_channel *channel, const uint64_t *words, size_t count,
                    unsigned char *elems)
{
    struct ckf_slab *slab = &channel->ring.slab;
    size_t size = channel->elem_size;
    for (size_t i = 0; i < count; i++) {
        if (size <= CKF_WORD_SIZE) {
            if (elems != NULL)
                ckf_word_to(elems + i * size, words[i], size);
            continue;
        }
        uint32_t slot = (uint32_t)words[i];
        if (elems != NULL)
            memcpy(elems + i * size, ckf_slab_slot(slab, slot), size);
        ckf_slab_push(slab, slot);
    }
}

static enum ckf_status ring_try_send(struct ckf_channel *channel, const void *elem)
{
    enum ckf_status status = put(channel, elem);
    if (CKF_LIKELY(status == CKF_OK))
        ckf_waitlist_notify(&channel->waitlist, CKF_RECV, 1);
    return status;
}

static enum ckf_status ring_try_recv(struct ckf_channel *channel, void *elem)
{
    uint64_t word;
    size_t one;
    enum ckf_status status = take_words(&channel->ring, &word, 1, &one);
    if (CKF_UNLIKELY(status != CKF_OK))
        return status;
    deliver(channel, &word, 1, elem);
    ckf_waitlist_notify(&channel->waitlist, CKF_SEND, 1);
    return CKF_OK;
}

/* A single producer's words: as many as there is room for are filled by one CAS. */
static enum ckf_status put_run(struct ckf_channel *channel, const unsigned char *elems,
                               size_t count, size_t *put)
{
    struct ckf_ring *ring = &channel->ring;
    uint64_t words[RUN], first;
    enum ckf_status status = find_send(ring, &first);
    if (status != CKF_OK)
        return status;
    size_t run = 0;
    uint64_t ticket = first;
    do {
        words[run] = ckf_word_of(elems + run * channel->elem_size, channel->elem_size);
        ticket = next_ticket(ring, ticket);
    } while (++run < count && run < RUN && has_room(ring, ticket));
    status = put_alone(ring, first, words, run);
    if (status == CKF_OK)
        *put += run;
    return status;
}

static enum ckf_status ring_try_send_many(struct ckf_channel *channel, const unsigned char *elems,
                                          size_t count, size_t *done)
{
    bool by_runs = channel->ring.single_producer && channel->elem_size <= CKF_WORD_SIZE;
    enum ckf_status status = CKF_OK;
    *done = 0;
    while (*done < count && status == CKF_OK) {
        const unsigned char *next = elems + *done * channel->elem_size;
        if (by_runs)
            status = put_run(channel, next, count - *done, done);
        else if ((status = put(channel, next)) == CKF_OK)
            ++*done;
    }
    if (*done > 0)
        ckf_waitlist_notify_many(&channel->waitlist, CKF_RECV, *done);
    return status;
}

static enum ckf_status ring_try_recv_many(struct ckf_channel *channel, unsigned char *elems,
                                          size_t count, size_t *done)
{
    /* Large elements one by one: a thread that stops takes one slot with it, not a run of them. */
    size_t run = channel->elem_size <= CKF_WORD_SIZE ? RUN : 1;
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count;) {
        uint64_t words[RUN];
        size_t left = count - *done, taken;
        status = take_words(&channel->ring, words, left < run ? left : run, &taken);
        if (status != CKF_OK)
            break;
        deliver(channel, words, taken, elems == NULL ? NULL : elems + *done * channel->elem_size);
        *done += taken;
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
    if (ring->slab.bytes == NULL)
        return find_send(ring, moment) != CKF_AGAIN;
    /* The slab first: if it was empty and the channel is not closed later, it was not closed then. */
    return ckf_slab_has_free(&ring->slab, moment) || ring_is_closed(channel);
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
