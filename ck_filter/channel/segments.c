/* channel/segments.c - unbounded ATOMIC channels: a chain of segments whose cells are used once.
 *
 * Roles:      a sender fills the first empty cell in one 16-byte CAS, state and element together; a
 *             receiver takes the first full one by a CAS of its state. Nobody waits for anybody.
 * Invariants: a cell goes EMPTY -> FULL -> TAKEN, or EMPTY -> MARK. Cells are filled in the order in
 *             which they stand and taken in it. A segment's filled and taken are hints that may lag.
 *             Only a full segment gets a successor; next is set once. head never passes tail: it
 *             moves off a segment after tail has.
 * Reclaiming: whoever moves head off a segment retires it; everybody looks at segments within a read
 *             section, so one that a section has seen stays, and no pointer to it can come again.
 * Close:      a mark in the first empty cell, or in the place of the successor of a full segment: it
 *             needs no memory. Every send has its place before the mark or meets it.
 * Progress:   lock-free, as far as the allocator is.
 * Teardown:   the door drains the channel first; what is left of the chain is freed at once.
 *
 * The chain is that of Michael and Scott, "Simple, Fast, and Practical Non-Blocking and Blocking
 * Concurrent Queue Algorithms", PODC 1996, with a segment for a node. Elements larger than a word get
 * a block of their own each.
 */
#include "channel/segments.h"

#include "base/backoff.h"
#include "base/memory.h"
#include "base/wide_cas.h"
#include "channel/blocking.h"
#include "channel/core.h"
#include "sync/reclaim.h"

enum { EMPTY = 0, FULL = 1, TAKEN = 2, MARK = 3 };

enum { CELLS = 128 };

struct ckf_segment {
    struct ckf_retired retired;
    uint64_t first; /* constant: the number of elements before its first cell */
    _Atomic(struct ckf_segment *) next;
    CKF_CACHELINE_ALIGNED _Atomic(uint32_t) filled;     /* senders: cells before it are not empty */
    CKF_CACHELINE_ALIGNED _Atomic(uint32_t) taken;      /* receivers: cells before it are taken */
    CKF_CACHELINE_ALIGNED struct ckf_wide cells[CELLS]; /* low: state; high: element or its block */
};

/* The successor of the last segment of a closed channel: nothing but its address counts. */
static struct ckf_segment closed_mark;

static struct ckf_segment *segment_create(uint64_t first)
{
    struct ckf_segment *segment = ckf_alloc_aligned(sizeof *segment, alignof(struct ckf_segment));
    if (segment != NULL)
        segment->first = first;
    return segment;
}

static void segment_reclaim(struct ckf_retired *retired)
{
    ckf_free(retired); /* its first member */
}

enum ckf_status ckf_segments_init(struct ckf_segments *segments)
{
    struct ckf_segment *segment = segment_create(0);
    if (segment == NULL)
        return CKF_NO_MEMORY;
    atomic_init(&segments->tail, segment);
    atomic_init(&segments->head, segment);
    return CKF_OK;
}

static void segments_free(struct ckf_channel *channel)
{
    struct ckf_segment *segment = load_relaxed(&channel->segments.head); /* relaxed: alone */
    while (segment != NULL && segment != &closed_mark) {
        struct ckf_segment *next = load_relaxed(&segment->next);
        ckf_free(segment);
        segment = next;
    }
}

/* edge segment-cell: the acquire end, seq_cst so that a waiter's second look comes after its
 * interest-shown RMW; pairs with the CASes in put_word(), take_word() and segments_close(). */
static uint64_t state_of(const struct ckf_segment *segment, uint32_t cell)
{
    return load_seq_cst(&segment->cells[cell].low);
}

static struct ckf_segment *next_of(const struct ckf_segment *segment)
{
    /* edge segment-linked: acquire; pairs with the CAS in append() and segments_close(). seq_cst:
     * as in state_of(). */
    return load_seq_cst(&segment->next);
}

/* Moves one of the channel's two pointers from a segment to its successor, unless others have. */
static bool advance(_Atomic(struct ckf_segment *) *pointer, struct ckf_segment *from,
                    struct ckf_segment *to)
{
    /* edge segment-reached: release; pairs with the acquires in find_send() and find_recv(). */
    return cas_acq_rel(pointer, &from, to);
}

/* What a sender finds, in a read section: the first empty cell, or CELLS when its segment is full
 * and has no successor yet. */
static enum ckf_status find_send(struct ckf_segments *segments, struct ckf_segment **found,
                                 uint32_t *cell)
{
    for (;;) {
        /* edge segment-reached: acquire; pairs with the CAS in advance(). */
        struct ckf_segment *segment = load_acquire(&segments->tail);
        *found = segment;
        /* edge segment-hint: acquire; pairs with the release in put_word(). */
        for (*cell = load_acquire(&segment->filled); *cell < CELLS; ++*cell) {
            uint64_t state = state_of(segment, *cell);
            if (state == EMPTY)
                return CKF_OK;
            if (state == MARK)
                return CKF_CLOSED;
        }
        struct ckf_segment *next = next_of(segment);
        if (next == NULL)
            return CKF_OK;
        if (next == &closed_mark)
            return CKF_CLOSED;
        advance(&segments->tail, segment, next);
    }
}

/* What a receiver finds, in a read section: the oldest cell that has not been taken. */
static enum ckf_status find_recv(struct ckf_segments *segments, struct ckf_segment **found,
                                 uint32_t *cell)
{
    for (;;) {
        /* edge segment-reached: acquire; pairs with the CAS in advance(). */
        struct ckf_segment *segment = load_acquire(&segments->head);
        *found = segment;
        /* edge segment-hint: acquire; pairs with the release in take_word(). */
        for (*cell = load_acquire(&segment->taken); *cell < CELLS; ++*cell) {
            uint64_t state = state_of(segment, *cell);
            if (state == FULL)
                return CKF_OK;
            if (state == EMPTY)
                return CKF_AGAIN;
            if (state == MARK)
                return CKF_CLOSED;
        }
        struct ckf_segment *next = next_of(segment);
        if (next == NULL)
            return CKF_AGAIN;
        if (next == &closed_mark)
            return CKF_CLOSED;
        advance(&segments->tail, segment, next); /* senders first: see the invariants */
        if (advance(&segments->head, segment, next))
            ckf_retire(&segment->retired, segment_reclaim);
    }
}

/* Gives a full segment a successor, unless somebody else does or the channel is closed. */
static enum ckf_status append(struct ckf_segment *segment)
{
    struct ckf_segment *next = NULL, *fresh = segment_create(segment->first + CELLS);
    if (fresh == NULL)
        return CKF_NO_MEMORY;
    /* edge segment-linked: release; pairs with the acquire in next_of(). */
    if (!cas_acq_rel(&segment->next, &next, fresh))
        ckf_free(fresh);
    return CKF_OK;
}

static enum ckf_status put_word(struct ckf_segments *segments, uint64_t word)
{
    for (;;) {
        struct ckf_segment *segment;
        uint32_t cell;
        enum ckf_status status = find_send(segments, &segment, &cell);
        if (status == CKF_OK && CKF_UNLIKELY(cell == CELLS)) {
            status = append(segment);
            if (status == CKF_OK)
                continue;
        }
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        /* edge segment-cell: release, by the seq_cst CAS; pairs with the loads in state_of(). */
        if (CKF_LIKELY(ckf_wide_cas(&segment->cells[cell], EMPTY, 0, FULL, word))) {
            /* edge segment-hint: release; pairs with the acquire in find_send(). */
            store_release(&segment->filled, cell + 1);
            return CKF_OK;
        }
        ckf_back_off();
    }
}

static enum ckf_status take_word(struct ckf_segments *segments, uint64_t *word)
{
    for (;;) {
        struct ckf_segment *segment;
        uint32_t cell;
        enum ckf_status status = find_recv(segments, &segment, &cell);
        if (CKF_UNLIKELY(status != CKF_OK))
            return status;
        uint64_t state = FULL;
        /* relaxed: acquired with the state, and never changes again */
        *word = load_relaxed(&segment->cells[cell].high);
        /* edge segment-cell: release, by the seq_cst CAS; pairs with the loads in state_of(). */
        if (CKF_LIKELY(cas_seq_cst(&segment->cells[cell].low, &state, TAKEN))) {
            /* edge segment-hint: release; pairs with the acquire in find_recv(). */
            store_release(&segment->taken, cell + 1);
            return CKF_OK;
        }
        ckf_back_off();
    }
}

static enum ckf_status put_block(struct ckf_channel *channel, const void *elem)
{
    void *block = ckf_alloc(channel->elem_size);
    if (block == NULL)
        return CKF_NO_MEMORY;
    memcpy(block, elem, channel->elem_size);
    enum ckf_status status = put_word(&channel->segments, (uintptr_t)block);
    if (status != CKF_OK)
        ckf_free(block);
    return status;
}

static enum ckf_status put(struct ckf_channel *channel, const void *elem)
{
    if (channel->elem_size > CKF_WORD_SIZE)
        return put_block(channel, elem);
    return put_word(&channel->segments, ckf_word_of(elem, channel->elem_size));
}

static enum ckf_status take(struct ckf_channel *channel, void *elem)
{
    uint64_t word;
    enum ckf_status status = take_word(&channel->segments, &word);
    if (status != CKF_OK)
        return status;
    if (channel->elem_size > CKF_WORD_SIZE) {
        void *block = (void *)(uintptr_t)word;
        if (elem != NULL)
            memcpy(elem, block, channel->elem_size);
        ckf_free(block);
    } else if (elem != NULL) {
        ckf_word_to(elem, word, channel->elem_size);
    }
    return CKF_OK;
}

static enum ckf_status segments_try_send(struct ckf_channel *channel, const void *elem)
{
    ckf_read_begin();
    enum ckf_status status = put(channel, elem);
    ckf_read_end();
    if (status == CKF_OK)
        ckf_waitlist_notify(&channel->waitlist, CKF_RECV, 1);
    return status;
}

static enum ckf_status segments_try_recv(struct ckf_channel *channel, void *elem)
{
    ckf_read_begin();
    enum ckf_status status = take(channel, elem);
    ckf_read_end();
    return status;
}

static enum ckf_status segments_try_send_many(struct ckf_channel *channel,
                                              const unsigned char *elems, size_t count,
                                              size_t *done)
{
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count; ++*done) {
        ckf_read_begin();
        status = put(channel, elems + *done * channel->elem_size);
        ckf_read_end();
        if (status != CKF_OK)
            break;
    }
    if (*done > 0)
        ckf_waitlist_notify_many(&channel->waitlist, CKF_RECV, *done);
    return status;
}

static enum ckf_status segments_try_recv_many(struct ckf_channel *channel, unsigned char *elems,
                                              size_t count, size_t *done)
{
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count; ++*done) {
        status =
            segments_try_recv(channel, elems == NULL ? NULL : elems + *done * channel->elem_size);
        if (status != CKF_OK)
            break;
    }
    return status;
}

static bool place_mark(struct ckf_segments *segments)
{
    for (;;) {
        struct ckf_segment *segment;
        uint32_t cell;
        if (find_send(segments, &segment, &cell) == CKF_CLOSED)
            return false;
        if (cell == CELLS) {
            struct ckf_segment *next = NULL;
            /* edge segment-linked: release, by the seq_cst CAS; pairs with the load in next_of(). */
            if (cas_seq_cst(&segment->next, &next, &closed_mark))
                return true;
            continue;
        }
        uint64_t state = EMPTY;
        /* edge segment-cell: release, by the seq_cst CAS; pairs with the loads in state_of(). */
        if (cas_seq_cst(&segment->cells[cell].low, &state, MARK))
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

/* Looking changes nothing but how far the two pointers have got. */
static struct ckf_segments *segments_of(const struct ckf_channel *channel)
{
    return (struct ckf_segments *)(uintptr_t)&channel->segments;
}

static bool segments_is_closed(const struct ckf_channel *channel)
{
    struct ckf_segment *segment;
    uint32_t cell;
    ckf_read_begin();
    enum ckf_status status = find_send(segments_of(channel), &segment, &cell);
    ckf_read_end();
    return status == CKF_CLOSED;
}

static bool segments_is_ready(struct ckf_channel *channel, enum ckf_direction direction,
                              uint64_t *moment)
{
    if (direction == CKF_SEND)
        return true;
    struct ckf_segment *segment;
    uint32_t cell;
    ckf_read_begin();
    enum ckf_status status = find_recv(&channel->segments, &segment, &cell);
    *moment = segment->first + cell;
    ckf_read_end();
    return status != CKF_AGAIN;
}

static size_t segments_len(const struct ckf_channel *channel)
{
    struct ckf_segments *segments = segments_of(channel);
    struct ckf_segment *segment;
    uint32_t cell;
    ckf_read_begin();
    find_recv(segments, &segment, &cell);
    uint64_t received = segment->first + cell;
    find_send(segments, &segment, &cell);
    uint64_t sent = segment->first + cell;
    ckf_read_end();
    return (size_t)(sent - received);
}

const struct ckf_core ckf_segments_core = {
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
