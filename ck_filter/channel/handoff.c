/* channel/handoff.c - rendezvous channels of both variants: an element goes from stack to stack.
 *
 * Roles:      a call that finds a peer asleep claims it, copies, and fires it; a call that finds none
 *             may enrol and become the sleeping peer. Two calls that do not sleep never meet.
 * Invariants: whoever enrols has looked for a peer under the same hold of the waitlist's lock: senders
 *             and receivers are never asleep in one channel at once, except a select that does both.
 *             A claimed peer stays until it is fired, so the copy needs no lock.
 * Close:      the flag, then everybody is woken. An exchange with a peer that was claimed by somebody
 *             who had not seen the flag has its place before it: the peer slept then already, for who
 *             enrols has looked at the flag under the lock, which the closer takes or leaves a debt at.
 * Progress:   calls that do not wait are lock-free: where the lock is free they take the peer that has
 *             waited longest from the list; where it is held, maybe by a thread that has stopped, they
 *             claim one from the board. Closing is lock-free too. Enrolling and leaving take the lock.
 *             (With more sleepers than a board holds, or without memory for it, the lock is waited for.)
 *
 * Pairing as in the synchronous queues of Scherer, Lea and Scott, "Scalable Synchronous Queues", PPoPP
 * 2006: one CAS on the waiter decides.
 */
#include "channel/handoff.h"

#include "base/step.h"
#include "channel/blocking.h"
#include "channel/core.h"

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

static enum ckf_status try_meet(struct ckf_channel *channel, enum ckf_direction direction,
                                void *elem)
{
    struct ckf_waitlist *list = &channel->waitlist;
    uint64_t before, after;
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

void ckf_handoff_init(struct ckf_handoff *handoff, struct ckf_waitlist *list)
{
    for (int direction = 0; direction < 2; direction++)
        list->sides[direction].board = &handoff->boards[direction];
}

const struct ckf_core ckf_handoff_core = {
    .try_send = handoff_try_send,
    .try_recv = handoff_try_recv,
    .try_send_many = handoff_try_send_many,
    .try_recv_many = handoff_try_recv_many,
    .close = handoff_close,
    .is_closed = handoff_is_closed,
    .is_ready = handoff_is_ready,
    .len = handoff_len,
    .wait = ckf_call_wait_one,
    .free = handoff_free,
};
