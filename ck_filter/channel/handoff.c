/* channel/handoff.c - rendezvous channels of both variants: an element goes from stack to stack.
 *
 * Roles:      a call that finds a peer asleep claims it, copies, and fires it; a call that finds none
 *             may enrol and become the sleeping peer. Two calls that do not sleep never meet.
 * Invariants: claiming a peer, enrolling, and closing happen under the waitlist's lock, and whoever
 *             enrols has looked for a peer under the same hold of it: senders and receivers are never
 *             asleep in one channel at once, except a select that does both.
 *             A claimed peer stays until it is fired, so the copy needs no lock.
 * Close:      the flag, under the lock, then everybody is woken. A claimed peer's exchange had its
 *             place before.
 * Progress:   without a sleeping peer, calls that do not wait are wait-free. With one, they take the
 *             short lock: the pairing of two stacks is not lock-free.
 */
#include "channel/handoff.h"

#include "channel/blocking.h"
#include "channel/core.h"

static bool handoff_is_closed(const struct ckf_channel *channel)
{
    /* edge handoff-closed: acquire; pairs with the store in handoff_close(). seq_cst: a poller looks
     * here after it has armed its event fd, and the closer looks for it after the store. */
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
    ckf_waitlist_fire(peer);
}

static enum ckf_status meet_peer(struct ckf_channel *channel, enum ckf_direction direction,
                                 void *elem)
{
    struct ckf_waitlist *list = &channel->waitlist;
    ckf_waitlist_lock(list);
    /* relaxed: written under the lock alone */
    if (load_relaxed(&channel->handoff.closed)) {
        ckf_waitlist_unlock(list);
        return CKF_CLOSED;
    }
    struct ckf_wait_node *peer = ckf_waitlist_claim(list, opposite(direction), 1);
    ckf_waitlist_unlock(list);
    if (peer == NULL)
        return CKF_AGAIN;
    hand_over(peer, direction, elem, channel->elem_size);
    return CKF_OK;
}

static enum ckf_status try_meet(struct ckf_channel *channel, enum ckf_direction direction,
                                void *elem)
{
    uint64_t moment;
    if (ckf_waitlist_sleepers(&channel->waitlist, opposite(direction), &moment) != 0)
        return meet_peer(channel, direction, elem);
    /* Not closed after nobody slept: so not closed when nobody slept. */
    return handoff_is_closed(channel) ? CKF_CLOSED : CKF_AGAIN;
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
    ckf_waitlist_lock(&channel->waitlist);
    bool was_closed = load_relaxed(&channel->handoff.closed); /* relaxed: under the lock */
    /* edge handoff-closed: release, by the seq_cst store; pairs with the load in
     * handoff_is_closed(), which see for why seq_cst. */
    store_seq_cst(&channel->handoff.closed, true);
    ckf_waitlist_unlock(&channel->waitlist);
    if (!was_closed)
        ckf_waitlist_notify_closed(&channel->waitlist);
    return !was_closed;
}

static bool handoff_is_ready(struct ckf_channel *channel, enum ckf_direction direction,
                             uint64_t *moment)
{
    /* How many ever enrolled tells moments apart: nobody slept, and nobody has come since. */
    return ckf_waitlist_sleepers(&channel->waitlist, opposite(direction), moment) != 0 ||
           handoff_is_closed(channel);
}

static size_t handoff_len(const struct ckf_channel *channel)
{
    (void)channel;
    return 0;
}

static void handoff_free(struct ckf_channel *channel)
{
    (void)channel;
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
