/* channel/handoff.c - rendezvous channels of both variants: an element goes from stack to stack.
 *
 * Roles:      a call that finds a peer asleep claims it, copies, and fires it; a call that finds none
 *             may enrol and become the sleeping peer. Two calls that do not wait never meet.
 * Invariants: whoever enrols has looked for a peer under the same hold of the waitlist's lock: senders
 *             and receivers are never asleep in one channel at once, except a select that does both.
 *             A claimed peer stays until it is fired, so the copy needs no lock.
 * Close:      the flag, then everybody is woken. An exchange with a peer that was claimed by somebody
 *             who had not seen the flag has its place before it: the peer slept then already, for who
 *             enrols has looked at the flag under the lock, which the closer takes or leaves a debt at.
 * Awake:      before it enrols, a call on an ATOMIC channel of small elements offers itself in the exchanger
 *             for a while (exchanger.h), where others find it first. An exchange there has its place at the
 *             taker's look for a close, which comes between finding the offer and taking it. An offer
 *             that nobody takes has had no effect, so it may end before the call enrols.
 * Progress:   calls that do not wait are lock-free: where the lock is free they take the peer that has
 *             waited longest from the list; where it is held, maybe by a thread that has stopped, they
 *             claim one from the board. Closing is lock-free too. Enrolling and leaving take the lock.
 *             (With more sleepers than a board holds, or without memory for it, the lock is waited for.)
 *
 * Pairing as in the synchronous queues of Scherer, Lea and Scott, "Scalable Synchronous Queues", PPoPP
 * 2006: one CAS on the waiter decides.
 */
#include "channel/handoff.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/step.h"
#include "channel/blocking.h"
#include "channel/core.h"
#include "sync/patience.h"

static bool handoff_is_closed(const struct ckf_channel *channel)
{
    /* edge handoff-closed: acquire; pairs with the exchange in handoff_close(). seq_cst: a poller looks
     * here after it has armed its event fd; the closer looks for that after the exchange. */
    return load_seq_cst(&channel->handoff.closed);
}

static enum ckf_direction opposite(enum ckf_direction direction)
{
    return direction == CKF_SEND ? CKF_RECV : CKF_SEND;
}

static void hand_over(struct ckf_wait_node *peer, enum ckf_direction direction, void *elem,
                      size_t elem_size)
{
    void *to = direction == CKF_SEND ? peer->elem : elem;
    const void *from = direction == CKF_SEND ? elem : peer->elem;
    if (to != NULL)
        memcpy(to, from, elem_size);
    peer->wait->handed = true;
    ckf_unpark(&peer->wait->parker);
}

/* Claims the peer that has waited longest. The lock is held, and released. */
static struct ckf_wait_node *claim_in_turn(struct ckf_waitlist *list, enum ckf_direction direction)
{
    struct ckf_wait_node *peer = ckf_waitlist_claim(list, direction, 1);
    ckf_waitlist_unlock(list);
    return peer;
}

static struct ckf_wait_node *claim_peer(struct ckf_channel *channel, enum ckf_direction direction)
{
    struct ckf_waitlist *list = &channel->waitlist;
    struct ckf_board *board = &channel->handoff.boards[direction];
    if (ckf_waitlist_try_lock(list))
        return claim_in_turn(list, direction);
    struct ckf_wait_node *peer = ckf_board_claim(board);
    if (peer == NULL && CKF_UNLIKELY(ckf_board_is_partial(board))) {
        ckf_waitlist_lock(list);
        return claim_in_turn(list, direction);
    }
    return peer;
}

static uint64_t word_to_send(const struct ckf_channel *channel, enum ckf_direction direction,
                             const void *elem)
{
    return direction == CKF_SEND ? ckf_word_of(elem, channel->elem_size) : 0;
}

static void keep_received(const struct ckf_channel *channel, enum ckf_direction direction,
                          void *elem, uint64_t word)
{
    if (direction == CKF_RECV && elem != NULL)
        ckf_word_to(elem, word, channel->elem_size);
}

/* Takes the offer of a peer that is awake. CKF_AGAIN: there is none. */
static enum ckf_status try_exchange(struct ckf_channel *channel, enum ckf_direction direction,
                                    void *elem)
{
    struct ckf_exchanger *exchanger = &channel->handoff.exchanger;
    uint64_t offer = ckf_exchanger_find(exchanger, direction);
    if (offer == 0)
        return CKF_AGAIN;
    if (CKF_STEP(handoff_is_closed(channel)))
        return CKF_CLOSED;
    uint64_t word = word_to_send(channel, direction, elem);
    if (!ckf_exchanger_take(exchanger, offer, &word))
        return CKF_AGAIN;
    keep_received(channel, direction, elem, word);
    return CKF_OK;
}

static enum ckf_status try_meet(struct ckf_channel *channel, enum ckf_direction direction,
                                void *elem)
{
    struct ckf_waitlist *list = &channel->waitlist;
    uint64_t before, after;
    enum ckf_status status = try_exchange(channel, direction, elem);
    if (status != CKF_AGAIN)
        return status;
    while (ckf_waitlist_sleepers(list, opposite(direction), &before) != 0) {
        if (CKF_STEP(handoff_is_closed(channel)))
            return CKF_CLOSED;
        struct ckf_wait_node *peer = claim_peer(channel, opposite(direction));
        if (peer != NULL) {
            hand_over(peer, direction, elem, channel->elem_size);
            return CKF_OK;
        }
        /* If nobody has come meanwhile, those there were had all been claimed. */
        ckf_waitlist_sleepers(list, opposite(direction), &after);
        if (!CKF_STEP(after != before))
            break;
    }
    /* Not closed after nobody slept: so not closed when nobody slept. */
    return CKF_STEP(handoff_is_closed(channel)) ? CKF_CLOSED : CKF_AGAIN;
}

/* --- waiting --- */

/* How long a call stays awake. The clock is not read before it has looked around a few times. */
struct vigil {
    const struct ckf_call *call;
    int64_t patience_ns, end_ns; /* end_ns: CKF_NOW until the clock has been read */
};

static bool goes_on(struct vigil *vigil)
{
    if (vigil->patience_ns == 0)
        return false;
    int64_t now_ns = ckf_now_ns();
    if (vigil->end_ns == CKF_NOW)
        vigil->end_ns = ckf_call_awake_until_ns(vigil->call, now_ns, vigil->patience_ns);
    return now_ns < vigil->end_ns;
}

/* Whether there is something else to do than to wait for the offer to be taken. */
static bool is_called_away(struct ckf_channel *channel, enum ckf_direction direction)
{
    uint64_t enrolled;
    return ckf_waitlist_sleepers(&channel->waitlist, opposite(direction), &enrolled) != 0 ||
           handoff_is_closed(channel);
}

static void await_taker(struct ckf_channel *channel, enum ckf_direction direction, uint64_t offer,
                        struct vigil *vigil)
{
    enum { LOOKS_PER_CLOCK = 16 };
    do {
        for (int i = vigil->patience_ns > 0 ? LOOKS_PER_CLOCK : 0; i > 0; i--) {
            if (!ckf_exchanger_is_open(&channel->handoff.exchanger, offer) ||
                is_called_away(channel, direction))
                return;
            ckf_cpu_relax();
        }
    } while (goes_on(vigil));
}

/* Offers itself to a peer that is awake. CKF_AGAIN: nobody came, and the offer is withdrawn. */
static enum ckf_status offer_exchange(const struct ckf_select_case *only, struct vigil *vigil)
{
    struct ckf_channel *channel = only->channel;
    struct ckf_exchanger *exchanger = &channel->handoff.exchanger;
    uint64_t word = word_to_send(channel, only->direction, only->elem);
    uint64_t name = ckf_wait_spend_name();
    uint64_t offer = name == 0 ? 0 : ckf_exchanger_offer(exchanger, only->direction, name, word);
    if (offer == 0)
        return CKF_AGAIN;
    await_taker(channel, only->direction, offer, vigil);
    if (ckf_exchanger_withdraw(exchanger, offer, &word))
        return CKF_AGAIN;
    keep_received(channel, only->direction, only->elem, word);
    return CKF_OK;
}

/* Stays awake for a while, offering itself and looking for others. */
static enum ckf_status meet_awake(struct ckf_call *call)
{
    const struct ckf_select_case *only = &call->cases[0];
    struct vigil vigil = {.call = call, .patience_ns = ckf_patience_ns(), .end_ns = CKF_NOW};
    enum ckf_status status;
    call->was_awake = true;
    do {
        status = offer_exchange(only, &vigil);
        if (status == CKF_AGAIN)
            status = try_meet(only->channel, only->direction, only->elem);
        if (status != CKF_AGAIN) {
            ckf_patience_paid();
            return status;
        }
        ckf_cpu_relax();
    } while (goes_on(&vigil));
    ckf_patience_was_vain();
    return CKF_AGAIN;
}

static enum ckf_status handoff_wait(struct ckf_call *call)
{
    const struct ckf_channel *channel = call->cases[0].channel;
    enum ckf_status status = channel->handoff.meets_awake ? meet_awake(call) : CKF_AGAIN;
    return status != CKF_AGAIN ? status : ckf_call_wait_one(call);
}

/* --- the core --- */

static enum ckf_status handoff_try_send(struct ckf_channel *channel, const void *elem)
{
    return try_meet(channel, CKF_SEND, (void *)(uintptr_t)elem); /* only read */
}

static enum ckf_status handoff_try_recv(struct ckf_channel *channel, void *elem)
{
    return try_meet(channel, CKF_RECV, elem);
}

static enum ckf_status handoff_try_send_many(struct ckf_channel *channel,
                                             const unsigned char *elems, size_t count, size_t *done)
{
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count; ++*done) {
        status = handoff_try_send(channel, elems + *done * channel->elem_size);
        if (status != CKF_OK)
            break;
    }
    return status;
}

static enum ckf_status handoff_try_recv_many(struct ckf_channel *channel, unsigned char *elems,
                                             size_t count, size_t *done)
{
    enum ckf_status status = CKF_OK;
    for (*done = 0; *done < count; ++*done) {
        status =
            handoff_try_recv(channel, elems == NULL ? NULL : elems + *done * channel->elem_size);
        if (status != CKF_OK)
            break;
    }
    return status;
}

static bool handoff_close(struct ckf_channel *channel)
{
    /* edge handoff-closed: release, by the seq_cst exchange; pairs with the load in
     * handoff_is_closed(), which see for why seq_cst. */
    bool was_closed = exchange_seq_cst(&channel->handoff.closed, true);
    if (!was_closed)
        ckf_waitlist_notify_closed(&channel->waitlist);
    return !was_closed;
}

static bool somebody_sleeps(struct ckf_channel *channel, enum ckf_direction direction,
                            uint64_t *enrolled)
{
    struct ckf_board *board = &channel->handoff.boards[direction];
    uint32_t linked = ckf_waitlist_sleepers(&channel->waitlist, direction, enrolled);
    return linked != 0 && (ckf_board_has_open(board) || ckf_board_is_partial(board));
}

static bool handoff_is_ready(struct ckf_channel *channel, enum ckf_direction direction,
                             uint64_t *moment)
{
    /* How many ever enrolled tells moments apart: nobody slept, and nobody has come since. */
    return somebody_sleeps(channel, opposite(direction), moment) || handoff_is_closed(channel);
}

static size_t handoff_len(const struct ckf_channel *channel)
{
    (void)channel;
    return 0;
}

static void handoff_free(struct ckf_channel *channel)
{
    ckf_board_free(&channel->handoff.boards[CKF_SEND]);
    ckf_board_free(&channel->handoff.boards[CKF_RECV]);
}

void ckf_handoff_init(struct ckf_handoff *handoff, struct ckf_waitlist *list, bool meets_awake)
{
    handoff->meets_awake = meets_awake;
    for (int direction = 0; direction < 2; direction++)
        list->sides[direction].board = &handoff->boards[direction];
}

const struct ckf_core ckf_handoff_core = {
    .send = ckf_send_somehow,
    .recv = ckf_recv_somehow,
    .try_send = handoff_try_send,
    .try_recv = handoff_try_recv,
    .try_send_many = handoff_try_send_many,
    .try_recv_many = handoff_try_recv_many,
    .close = handoff_close,
    .is_closed = handoff_is_closed,
    .is_ready = handoff_is_ready,
    .len = handoff_len,
    .wait = handoff_wait,
    .free = handoff_free,
};
