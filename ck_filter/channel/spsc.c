/* channel/spsc.c - bounded ATOMIC channels of which both ends are promised: Lamport's ring.
 *
 * Roles:      the sender alone writes its ticket and fills slots, the receiver alone writes its own and
 *             empties them. Each keeps how far it may go by what it last saw of the other's ticket.
 *             Anybody closes, or looks.
 * Invariants: receiver's ticket <= sender's <= receiver's + capacity. The slots between hold elements. A
 *             batch is published by one store.
 * Seeing:     no end executes a locked instruction: it publishes by a release store, and then looks for
 *             who sleeps or closes. Who relies on that look makes up for the missing fence by catching
 *             up (sync/light_fence.h): whoever is about to sleep, or to answer CKF_AGAIN, and closers.
 * Close:      one word: open, closing, or the ticket at which the channel was closed. A closer says
 *             "closing", catches up with the sender and proposes the sender's ticket; the sender, which
 *             looks at the word after it has published, proposes its own. The first proposal counts. A
 *             sender whose elements lie beyond it keeps them: nobody has seen them, since a receiver
 *             trusts a sender's ticket only if it finds the channel open afterwards. Whoever meets
 *             "closing" completes it.
 * Progress:   lock-free, and each call of an end is a bounded number of steps.
 * Teardown:   the door drains the channel first.
 *
 * Lamport, "Proving the correctness of multiprocess programs", 1977; with indices that each end remembers
 * of the other as in MCRingBuffer (Lee et al., 2010).
 */
#include "channel/spsc.h"

#include "base/doubling.h"
#include "base/effort.h"
#include "base/memory.h"
#include "channel/blocking.h"
#include "channel/core.h"
#include "channel/shared_bytes.h"
#include "sync/section.h"
#include "sync/visit.h"

/* A ticket is kept times 2: so it differs from what else the word of the close can say. */
enum { TICKET = 2, OPEN = 1, CLOSING = 3 };

/* How far ahead the sender has a line fetched, which the receiver has read since; behind the last slot is
 * room that nobody uses. */
enum { BYTES_AHEAD = 128 };

#define INLINED static inline __attribute__((always_inline))
/* Not inlined, so that the usual way needs no room for what these call. */
#define APART static __attribute__((noinline))

enum ckf_status ckf_spsc_init(struct ckf_spsc *spsc, size_t capacity, size_t elem_size,
                              uint64_t start)
{
    size_t slots = ckf_doubled_to(1, capacity), bytes;
    spsc->stride = ckf_stride_for(elem_size);
    if (__builtin_mul_overflow(slots, spsc->stride, &bytes) ||
        __builtin_add_overflow(bytes, BYTES_AHEAD, &bytes))
        return CKF_NO_MEMORY;
    spsc->slots = ckf_alloc_untouched(bytes, CKF_CACHELINE); /* written before they are read */
    if (spsc->slots == NULL)
        return CKF_NO_MEMORY;
    spsc->in_slots = slots * TICKET - 1;
    spsc->capacity = capacity * TICKET;
    ckf_section_start(); /* and with it membarrier, where there is one */
    start -= start % TICKET;
    atomic_init(&spsc->close, OPEN);
    for (int direction = 0; direction < 2; direction++) {
        atomic_init(&spsc->ends[direction].ticket, start);
        atomic_init(&spsc->passes[direction].caught_up, start);
        atomic_init(&spsc->passes[direction].fence.word,
                    ckf_sections.are_light ? CKF_FENCE_DOWN : CKF_FENCE_UP);
    }
    spsc->ends[CKF_SEND].limit = start + spsc->capacity;
    spsc->ends[CKF_RECV].limit = start;
    return CKF_OK;
}

static void spsc_free(struct ckf_channel *channel)
{
    ckf_free(channel->spsc.slots);
}

/* --- seeing each other --- */

enum {
    /* A barrier costs as much as some hundred locked instructions: whoever catches up again before the
     * other end has passed so many times raises the fence. */
    FEW_PASSES = CKF_SIZE(512, 1),
    /* So many passes without anybody who caught up lower it. */
    MANY_PASSES = CKF_SIZE(4096, 2)
};

static enum ckf_direction other(enum ckf_direction direction)
{
    return direction == CKF_SEND ? CKF_RECV : CKF_SEND;
}

/* edge ticket-published: acquire; pairs with the releases in publish() and pass_slowly(). seq_cst: a second
 * look of who has shown its interest, or of a closer, against the look of an end that has published; and a
 * receiver's before its look at the close. */
static uint64_t ticket_of(const struct ckf_spsc *spsc, enum ckf_direction direction)
{
    return load_seq_cst(&spsc->ends[direction].ticket);
}

static void publish(struct ckf_spsc *spsc, enum ckf_direction direction, uint64_t ticket)
{
    /* edge ticket-published: release; pairs with the loads in ticket_of(). That what the end looks at next
     * is not loaded before is up to who catches up. */
    store_release(&spsc->ends[direction].ticket, ticket);
    ckf_compiler_barrier();
}

/* The end has published, and found the fence standing. */
static void pass_slowly(struct ckf_spsc *spsc, enum ckf_direction direction)
{
    struct ckf_spsc_end *end = &spsc->ends[direction];
    struct ckf_spsc_pass *pass = &spsc->passes[direction];
    /* edge fence-passed: seq_cst, for a store->load race: this against what the end looks at next. Who found
     * the fence up has written that before it looks here.
     * edge ticket-published: release; pairs with the loads in ticket_of(). relaxed: our own */
    exchange_seq_cst(&end->ticket, load_relaxed(&end->ticket));
    if (++end->passes % MANY_PASSES != 0 || !ckf_sections.are_light)
        return;
    /* relaxed, both: a guess at what pays */
    if (!load_relaxed(&pass->is_awaited))
        ckf_light_fence_lower(&pass->fence);
    store_relaxed(&pass->is_awaited, false);
}

/* What the end in that direction has published before is seen afterwards, and what it publishes later it
 * does before it looks at what the caller has written, seq_cst, before. */
static void catch_up_with(struct ckf_spsc *spsc, enum ckf_direction direction)
{
    struct ckf_spsc_pass *pass = &spsc->passes[direction];
    if (ckf_light_fence_is_up(&pass->fence)) {
        if (!load_relaxed(&pass->is_awaited)) /* relaxed, both: as in pass_slowly() */
            store_relaxed(&pass->is_awaited, true);
        return;
    }
    /* relaxed, all: likewise */
    uint64_t ticket = load_relaxed(&spsc->ends[direction].ticket);
    uint64_t since = ticket - load_relaxed(&pass->caught_up);
    store_relaxed(&pass->caught_up, ticket);
    if (since < (uint64_t)FEW_PASSES * TICKET)
        ckf_light_fence_raise(&pass->fence);
    else
        ckf_membarrier();
}

static void spsc_catch_up(struct ckf_channel *channel, enum ckf_direction direction)
{
    catch_up_with(&channel->spsc, other(direction));
}

/* --- the close --- */

/* edge spsc-closed: acquire; pairs with the CASes in closed_at() and was_accepted(). seq_cst: a look at the
 * close after the publication of a ticket, or after the load of one, against a closer's look at the ticket
 * after its CAS in spsc_close(). */
static uint64_t close_of(const struct ckf_spsc *spsc)
{
    return load_seq_cst(&spsc->close);
}

/* Where the channel was closed, or OPEN. Completes a close that has begun. */
static uint64_t closed_at(struct ckf_spsc *spsc)
{
    uint64_t close = close_of(spsc);
    if (CKF_LIKELY(close != CLOSING))
        return close;
    catch_up_with(spsc, CKF_SEND);
    uint64_t ticket = ticket_of(spsc, CKF_SEND);
    /* edge spsc-closed: release, and acquire if others were quicker, by the seq_cst CAS; pairs with the
     * loads in close_of(). seq_cst: of two who close a channel each and ask for the other, one finds it
     * closed. */
    return cas_seq_cst(&spsc->close, &close, ticket) ? ticket : close;
}

/* Of elements that the sender has published up to that ticket before it found the channel not open. */
static bool was_accepted(struct ckf_spsc *spsc, uint64_t ticket)
{
    uint64_t close = CLOSING;
    /* edge spsc-closed: release; pairs with the loads in close_of(). relaxed: a failure finds what such a
     * load has found or what it led to */
    return cas_release(&spsc->close, &close, ticket) || close == ticket;
}

/* --- an end --- */

/* How many elements more the end may move by what it has seen. */
INLINED uint64_t within_limit(const struct ckf_spsc_end *end, uint64_t ticket)
{
    return (end->limit - ticket) / TICKET;
}

INLINED unsigned char *slot_of(const struct ckf_spsc *spsc, uint64_t ticket, bool are_words)
{
    uint64_t slot = (ticket & spsc->in_slots) / TICKET;
    return spsc->slots + slot * (are_words ? CKF_WORD_SIZE : spsc->stride);
}

INLINED void copy(void *to, const void *from, size_t elem_size, bool are_words)
{
    memcpy(to, from, are_words ? CKF_WORD_SIZE : elem_size);
}

/* After a publication: whether somebody wants to be noticed. */
INLINED bool is_called(const struct ckf_channel *channel, enum ckf_direction direction)
{
    const struct ckf_spsc *spsc = &channel->spsc;
    /* relaxed: while the fence is down, who shows interest has a barrier after it; otherwise attend() looks
     * again. */
    uint32_t interest = (uint32_t)load_relaxed(&channel->waitlist.sides[other(direction)].interest);
    bool is_closing = direction == CKF_SEND && close_of(spsc) != OPEN;
    return CKF_UNLIKELY(ckf_light_fence_stands_alone(&spsc->passes[direction].fence) | is_closing |
                        (interest != 0));
}

/* `count` elements up to that ticket have been published. */
__attribute__((noinline)) static enum ckf_status attend(struct ckf_channel *channel,
                                                        enum ckf_direction direction,
                                                        uint64_t ticket, size_t count)
{
    struct ckf_spsc *spsc = &channel->spsc;
    if (CKF_STEP(ckf_light_fence_stands_alone(&spsc->passes[direction].fence)))
        pass_slowly(spsc, direction);
    if (direction == CKF_SEND && CKF_STEP(close_of(spsc) != OPEN) && !was_accepted(spsc, ticket))
        return CKF_CLOSED;
    ckf_waitlist_notify_many(&channel->waitlist, other(direction), count);
    return CKF_OK;
}

/* --- sending --- */

INLINED void fill_slot(const struct ckf_channel *channel, bool are_words, const void *elem,
                       uint64_t ticket)
{
    unsigned char *slot = slot_of(&channel->spsc, ticket, are_words);
    ckf_prefetch_for_write(slot + BYTES_AHEAD);
    copy(slot, elem, channel->elem_size, are_words);
}

/* `count` elements, at least one, for which there is room. */
INLINED enum ckf_status send_within(struct ckf_channel *channel, bool are_words,
                                    const unsigned char *elems, uint64_t ticket, size_t count)
{
    for (size_t i = 0; i < count; i++, ticket += TICKET)
        fill_slot(channel, are_words, elems + i * channel->elem_size, ticket);
    publish(&channel->spsc, CKF_SEND, ticket);
    return is_called(channel, CKF_SEND) ? attend(channel, CKF_SEND, ticket, count) : CKF_OK;
}

/* Up to *count, at least one, and in *count how many, after a look at the receiver. */
static enum ckf_status send_after_look(struct ckf_channel *channel, bool are_words,
                                       const unsigned char *elems, uint64_t ticket, size_t *count)
{
    struct ckf_spsc *spsc = &channel->spsc;
    struct ckf_spsc_end *end = &spsc->ends[CKF_SEND];
    end->limit = ticket_of(spsc, CKF_RECV) + spsc->capacity;
    if (end->limit == ticket)
        return closed_at(spsc) == OPEN ? CKF_AGAIN : CKF_CLOSED;
    if (within_limit(end, ticket) < *count)
        *count = within_limit(end, ticket);
    return send_within(channel, are_words, elems, ticket, *count);
}

APART enum ckf_status send_one_after_look(struct ckf_channel *channel, bool are_words,
                                          const void *elem, uint64_t ticket)
{
    size_t one = 1;
    return send_after_look(channel, are_words, elem, ticket, &one);
}

INLINED enum ckf_status send_one(struct ckf_channel *channel, bool are_words, const void *elem)
{
    const struct ckf_spsc_end *end = &channel->spsc.ends[CKF_SEND];
    uint64_t ticket = load_relaxed(&end->ticket); /* relaxed: our own */
    if (CKF_UNLIKELY(within_limit(end, ticket) == 0))
        return send_one_after_look(channel, are_words, elem, ticket);
    return send_within(channel, are_words, elem, ticket, 1);
}

INLINED enum ckf_status send_many(struct ckf_channel *channel, bool are_words,
                                  const unsigned char *elems, size_t count, size_t *done)
{
    const struct ckf_spsc_end *end = &channel->spsc.ends[CKF_SEND];
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count && status == CKF_OK;) {
        const unsigned char *next = elems + *done * channel->elem_size;
        size_t run = count - *done < CKF_RUN ? count - *done : CKF_RUN;
        uint64_t ticket = load_relaxed(&end->ticket); /* relaxed: our own */
        status = within_limit(end, ticket) < run
                     ? send_after_look(channel, are_words, next, ticket, &run)
                     : send_within(channel, are_words, next, ticket, run);
        if (status == CKF_OK)
            *done += run;
    }
    return status;
}

/* --- receiving --- */

/* How far elements have been accepted, and in *close where the channel was closed. */
static uint64_t accepted(struct ckf_spsc *spsc, uint64_t *close)
{
    uint64_t ticket = ticket_of(spsc, CKF_SEND);
    *close = closed_at(spsc);
    return *close == OPEN ? ticket : *close;
}

/* `count` elements, at least one, which are there, into elems unless that is NULL. */
INLINED enum ckf_status recv_within(struct ckf_channel *channel, bool are_words,
                                    unsigned char *elems, uint64_t ticket, size_t count)
{
    for (size_t i = 0; i < count && elems != NULL; i++)
        copy(elems + i * channel->elem_size,
             slot_of(&channel->spsc, ticket + i * TICKET, are_words), channel->elem_size,
             are_words);
    ticket += count * TICKET;
    publish(&channel->spsc, CKF_RECV, ticket);
    return is_called(channel, CKF_RECV) ? attend(channel, CKF_RECV, ticket, count) : CKF_OK;
}

/* Up to *count, at least one, and in *count how many, after a look at the sender. */
static enum ckf_status recv_after_look(struct ckf_channel *channel, bool are_words,
                                       unsigned char *elems, uint64_t ticket, size_t *count)
{
    struct ckf_spsc *spsc = &channel->spsc;
    struct ckf_spsc_end *end = &spsc->ends[CKF_RECV];
    uint64_t close;
    end->limit = accepted(spsc, &close);
    if (end->limit == ticket)
        return close == OPEN ? CKF_AGAIN : CKF_CLOSED;
    if (within_limit(end, ticket) < *count)
        *count = within_limit(end, ticket);
    return recv_within(channel, are_words, elems, ticket, *count);
}

APART enum ckf_status recv_one_after_look(struct ckf_channel *channel, bool are_words, void *elem,
                                          uint64_t ticket)
{
    size_t one = 1;
    return recv_after_look(channel, are_words, elem, ticket, &one);
}

INLINED enum ckf_status recv_one(struct ckf_channel *channel, bool are_words, void *elem)
{
    const struct ckf_spsc_end *end = &channel->spsc.ends[CKF_RECV];
    uint64_t ticket = load_relaxed(&end->ticket); /* relaxed: our own */
    if (CKF_UNLIKELY(within_limit(end, ticket) == 0))
        return recv_one_after_look(channel, are_words, elem, ticket);
    return recv_within(channel, are_words, elem, ticket, 1);
}

INLINED enum ckf_status recv_many(struct ckf_channel *channel, bool are_words, unsigned char *elems,
                                  size_t count, size_t *done)
{
    const struct ckf_spsc_end *end = &channel->spsc.ends[CKF_RECV];
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count && status == CKF_OK;) {
        unsigned char *next = elems == NULL ? NULL : elems + *done * channel->elem_size;
        size_t run = count - *done < CKF_RUN ? count - *done : CKF_RUN;
        uint64_t ticket = load_relaxed(&end->ticket); /* relaxed: our own */
        status = within_limit(end, ticket) < run
                     ? recv_after_look(channel, are_words, next, ticket, &run)
                     : recv_within(channel, are_words, next, ticket, run);
        if (status == CKF_OK)
            *done += run;
    }
    return status;
}

/* --- whole calls, when all is as usual (quick.h) --- */

/* attend(), and the end of the visit. */
APART enum ckf_status attend_and_leave(struct ckf_channel *channel, enum ckf_direction direction,
                                       uint64_t ticket, struct ckf_visit *visit)
{
    enum ckf_status status = attend(channel, direction, ticket, 1);
    ckf_visit_end_here(visit);
    return status;
}

/* An element has been published, or read. */
INLINED enum ckf_status pass_and_leave(struct ckf_channel *channel, enum ckf_direction direction,
                                       uint64_t ticket, struct ckf_visit *visit)
{
    publish(&channel->spsc, direction, ticket);
    if (is_called(channel, direction))
        return attend_and_leave(channel, direction, ticket, visit);
    ckf_visit_end_here(visit);
    return CKF_OK;
}

INLINED enum ckf_status send_whole(struct ckf_channel *channel, bool are_words, const void *elem,
                                   const void *site)
{
    const struct ckf_spsc_end *end = &channel->spsc.ends[CKF_SEND];
    struct ckf_visit *visit = ckf_visit_begin_here(channel);
    uint64_t ticket = load_relaxed(&end->ticket); /* relaxed: our own */
    if (CKF_UNLIKELY(visit == NULL || within_limit(end, ticket) == 0))
        return ckf_send_somehow(channel, elem, site);
    fill_slot(channel, are_words, elem, ticket);
    return pass_and_leave(channel, CKF_SEND, ticket + TICKET, visit);
}

INLINED enum ckf_status recv_whole(struct ckf_channel *channel, bool are_words, void *elem,
                                   const void *site)
{
    const struct ckf_spsc_end *end = &channel->spsc.ends[CKF_RECV];
    struct ckf_visit *visit = ckf_visit_begin_here(channel);
    uint64_t ticket = load_relaxed(&end->ticket); /* relaxed: our own */
    if (CKF_UNLIKELY(visit == NULL || within_limit(end, ticket) == 0))
        return ckf_recv_somehow(channel, elem, site);
    if (elem != NULL)
        copy(elem, slot_of(&channel->spsc, ticket, are_words), channel->elem_size, are_words);
    return pass_and_leave(channel, CKF_RECV, ticket + TICKET, visit);
}

/* --- closing and looking --- */

static bool spsc_close(struct ckf_channel *channel)
{
    uint64_t open = OPEN;
    /* edge spsc-closed: release; pairs with the loads in close_of(), of which the seq_cst one that follows
     * here comes before the look at the sender's ticket. */
    bool is_ours = cas_release(&channel->spsc.close, &open, CLOSING);
    closed_at(&channel->spsc);
    if (is_ours)
        ckf_waitlist_notify_closed(&channel->waitlist);
    return is_ours;
}

static bool spsc_is_closed(const struct ckf_channel *channel)
{
    uint64_t close = close_of(&channel->spsc);
    return close != OPEN && close != CLOSING;
}

static bool spsc_is_ready(struct ckf_channel *channel, enum ckf_direction direction,
                          uint64_t *moment)
{
    struct ckf_spsc *spsc = &channel->spsc;
    /* The end's own ticket first: if it may not go on by the other's later one, it could not then. */
    *moment = ticket_of(spsc, direction);
    uint64_t theirs = ticket_of(spsc, other(direction));
    uint64_t limit = direction == CKF_SEND ? theirs + spsc->capacity : theirs;
    return *moment != limit || close_of(spsc) != OPEN;
}

static size_t spsc_len(const struct ckf_channel *channel)
{
    /* not const: it may have to complete a close */
    struct ckf_spsc *spsc = (struct ckf_spsc *)(uintptr_t)&channel->spsc;
    uint64_t close, first, end;
    do {
        first = ticket_of(spsc, CKF_RECV);
        end = accepted(spsc, &close);
    } while (ticket_of(spsc, CKF_RECV) != first);
    return (end - first) / TICKET;
}

/* --- two cores: the size of a word is the usual one, and known when it is compiled --- */

#define CORE(core, are_words)                                                                      \
    static enum ckf_status core##_send(struct ckf_channel *channel, const void *elem,              \
                                       const void *site)                                           \
    {                                                                                              \
        return send_whole(channel, are_words, elem, site);                                         \
    }                                                                                              \
    static enum ckf_status core##_recv(struct ckf_channel *channel, void *elem, const void *site)  \
    {                                                                                              \
        return recv_whole(channel, are_words, elem, site);                                         \
    }                                                                                              \
    static enum ckf_status core##_try_send(struct ckf_channel *channel, const void *elem)          \
    {                                                                                              \
        return send_one(channel, are_words, elem);                                                 \
    }                                                                                              \
    static enum ckf_status core##_try_recv(struct ckf_channel *channel, void *elem)                \
    {                                                                                              \
        return recv_one(channel, are_words, elem);                                                 \
    }                                                                                              \
    static enum ckf_status core##_try_send_many(                                                   \
        struct ckf_channel *channel, const unsigned char *elems, size_t count, size_t *done)       \
    {                                                                                              \
        return send_many(channel, are_words, elems, count, done);                                  \
    }                                                                                              \
    static enum ckf_status core##_try_recv_many(struct ckf_channel *channel, unsigned char *elems, \
                                                size_t count, size_t *done)                        \
    {                                                                                              \
        return recv_many(channel, are_words, elems, count, done);                                  \
    }                                                                                              \
    const struct ckf_core ckf_##core##_core = {                                                    \
        .send = core##_send,                                                                       \
        .recv = core##_recv,                                                                       \
        .try_send = core##_try_send,                                                               \
        .try_recv = core##_try_recv,                                                               \
        .try_send_many = core##_try_send_many,                                                     \
        .try_recv_many = core##_try_recv_many,                                                     \
        .close = spsc_close,                                                                       \
        .is_closed = spsc_is_closed,                                                               \
        .is_ready = spsc_is_ready,                                                                 \
        .catch_up = spsc_catch_up,                                                                 \
        .len = spsc_len,                                                                           \
        .polls = true,                                                                             \
        .wait = ckf_call_wait_one,                                                                 \
        .free = spsc_free,                                                                         \
    }

CORE(spsc, false);
CORE(spsc_words, true);
