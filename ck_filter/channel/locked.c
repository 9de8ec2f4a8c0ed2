/* channel/locked.c - MUTEX channels that hold elements: a circular buffer, one mutex, and a queue of
 * waiters with a condition variable each.
 *
 * Roles:      senders and receivers take the mutex, move an element, take the first waiter of the
 *             other direction from its queue, and wake it alone.
 * Invariants: everything is guarded by the mutex, the queues included. A waiter sleeps only while
 *             the channel is not ready for it, or has been taken from the queue and will look. One that
 *             was taken and finds that somebody else was faster queues up again, in front.
 * Close:      the flag, and everybody is woken.
 * Teardown:   the door drains the channel first.
 *
 * Waiters on a condition are signalled under the mutex, since the condition is on their stacks;
 * selects sleep on a parker, and are fired after it.
 */
#include "channel/locked.h"

#include "base/clock.h"
#include "base/memory.h"
#include "channel/blocking.h"
#include "channel/core.h"

enum { FIRST_SLOTS = 16 }; /* of an unbounded channel */

enum ckf_status ckf_locked_init(struct ckf_locked *locked, size_t capacity, size_t elem_size)
{
    locked->slots = capacity == CKF_UNBOUNDED ? FIRST_SLOTS : capacity;
    locked->elems = ckf_alloc_array(locked->slots, elem_size);
    return locked->elems == NULL ? CKF_NO_MEMORY : CKF_OK;
}

static void locked_free(struct ckf_channel *channel)
{
    ckf_free(channel->locked.elems);
}

static enum ckf_direction opposite(enum ckf_direction direction)
{
    return direction == CKF_SEND ? CKF_RECV : CKF_SEND;
}

static unsigned char *slot_of(const struct ckf_channel *channel, size_t nth)
{
    const struct ckf_locked *locked = &channel->locked;
    size_t slot = locked->oldest + nth;
    if (slot >= locked->slots)
        slot -= locked->slots;
    return locked->elems + slot * channel->elem_size;
}

static enum ckf_status grow(struct ckf_channel *channel)
{
    struct ckf_locked *locked = &channel->locked;
    if (locked->slots > SIZE_MAX / 2)
        return CKF_NO_MEMORY;
    unsigned char *elems = ckf_alloc_array(locked->slots * 2, channel->elem_size);
    if (elems == NULL)
        return CKF_NO_MEMORY;
    size_t upper = locked->slots - locked->oldest; /* from the oldest to the end of the buffer */
    memcpy(elems, slot_of(channel, 0), upper * channel->elem_size);
    memcpy(elems + upper * channel->elem_size, locked->elems, locked->oldest * channel->elem_size);
    ckf_free(locked->elems);
    locked->elems = elems;
    locked->slots *= 2;
    locked->oldest = 0;
    return CKF_OK;
}

/* --- under the mutex --- */

static enum ckf_status put(struct ckf_channel *channel, const void *elem)
{
    struct ckf_locked *locked = &channel->locked;
    if (locked->closed)
        return CKF_CLOSED;
    if (locked->count == channel->capacity)
        return CKF_AGAIN;
    if (locked->count == locked->slots && grow(channel) != CKF_OK)
        return CKF_NO_MEMORY;
    memcpy(slot_of(channel, locked->count), elem, channel->elem_size);
    locked->count++;
    locked->changes++;
    return CKF_OK;
}

static enum ckf_status take(struct ckf_channel *channel, void *elem)
{
    struct ckf_locked *locked = &channel->locked;
    if (locked->count == 0)
        return locked->closed ? CKF_CLOSED : CKF_AGAIN;
    if (elem != NULL)
        memcpy(elem, slot_of(channel, 0), channel->elem_size);
    locked->oldest = locked->oldest + 1 == locked->slots ? 0 : locked->oldest + 1;
    locked->count--;
    locked->changes++;
    return CKF_OK;
}

static enum ckf_status move_one(struct ckf_channel *channel, enum ckf_direction direction,
                                void *elem)
{
    return direction == CKF_SEND ? put(channel, elem) : take(channel, elem);
}

/* --- taking it and giving it back --- */

static void lock(const struct ckf_channel *channel)
{
    ckf_waitlist_lock((struct ckf_waitlist *)(uintptr_t)&channel->waitlist);
}

static void unlock(const struct ckf_channel *channel)
{
    ckf_waitlist_unlock((struct ckf_waitlist *)(uintptr_t)&channel->waitlist);
}

/* Releases the mutex and wakes as many in the other direction as can go on now. */
static void unlock_and_wake(struct ckf_channel *channel, enum ckf_direction direction, size_t moved)
{
    uint32_t count = moved < CKF_WAKE_ALL ? (uint32_t)moved : CKF_WAKE_ALL;
    struct ckf_wait_node *chain =
        ckf_waitlist_claim(&channel->waitlist, opposite(direction), count);
    unlock(channel);
    ckf_waitlist_fire(chain);
    if (moved > 0)
        ckf_waitlist_notify_pollers(&channel->waitlist, opposite(direction));
}

static enum ckf_status locked_try(struct ckf_channel *channel, enum ckf_direction direction,
                                  void *elem)
{
    lock(channel);
    enum ckf_status status = move_one(channel, direction, elem);
    unlock_and_wake(channel, direction, status == CKF_OK);
    return status;
}

static enum ckf_status locked_try_send(struct ckf_channel *channel, const void *elem)
{
    return locked_try(channel, CKF_SEND, (void *)(uintptr_t)elem); /* only read */
}

static enum ckf_status locked_try_recv(struct ckf_channel *channel, void *elem)
{
    return locked_try(channel, CKF_RECV, elem);
}

static enum ckf_status try_many(struct ckf_channel *channel, enum ckf_direction direction,
                                unsigned char *elems, size_t count, size_t *done)
{
    enum ckf_status status = CKF_OK;
    lock(channel);
    for (*done = 0; *done < count; ++*done) {
        status =
            move_one(channel, direction, elems == NULL ? NULL : elems + *done * channel->elem_size);
        if (status != CKF_OK)
            break;
    }
    unlock_and_wake(channel, direction, *done);
    return status;
}

static enum ckf_status locked_try_send_many(struct ckf_channel *channel, const unsigned char *elems,
                                            size_t count, size_t *done)
{
    return try_many(channel, CKF_SEND, (unsigned char *)(uintptr_t)elems, count, done);
}

static enum ckf_status locked_try_recv_many(struct ckf_channel *channel, unsigned char *elems,
                                            size_t count, size_t *done)
{
    return try_many(channel, CKF_RECV, elems, count, done);
}

static bool locked_close(struct ckf_channel *channel)
{
    lock(channel);
    bool was_closed = channel->locked.closed;
    channel->locked.closed = true;
    unlock(channel);
    if (!was_closed)
        ckf_waitlist_notify_closed(&channel->waitlist);
    return !was_closed;
}

static bool locked_is_closed(const struct ckf_channel *channel)
{
    lock(channel);
    bool closed = channel->locked.closed;
    unlock(channel);
    return closed;
}

static bool locked_is_ready(struct ckf_channel *channel, enum ckf_direction direction,
                            uint64_t *moment)
{
    const struct ckf_locked *locked = &channel->locked;
    lock(channel);
    *moment = locked->changes;
    bool possible = direction == CKF_SEND ? locked->count < channel->capacity : locked->count > 0;
    bool ready = possible || locked->closed;
    unlock(channel);
    return ready;
}

static size_t locked_len(const struct ckf_channel *channel)
{
    lock(channel);
    size_t count = channel->locked.count;
    unlock(channel);
    return count;
}

/* --- sleeping --- */

struct sleep {
    struct ckf_context_watcher watcher; /* first */
    struct ckf_channel *channel;
    struct ckf_wait wait;
    struct ckf_wait_node node;
    pthread_cond_t condition;
};

/* relaxed, here and below: claims of these waits change under the mutex */
static bool is_open(const struct sleep *sleep)
{
    return load_relaxed(&sleep->wait.own_claim) == CKF_CLAIM_OPEN;
}

static void cancel(struct ckf_context_watcher *watcher)
{
    struct sleep *sleep = (struct sleep *)(void *)watcher;
    lock(sleep->channel);
    store_relaxed(&sleep->wait.own_claim, CKF_CLAIM_CANCELED);
    pthread_cond_signal(&sleep->condition);
    unlock(sleep->channel);
}

static void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* False when the deadline came while nobody had claimed the wait. */
static bool sleep_until_claimed(struct sleep *sleep, int64_t deadline_ns)
{
    pthread_mutex_t *mutex = &sleep->channel->waitlist.mutex;
    struct timespec limit = {0};
    if (deadline_ns != CKF_FOREVER)
        limit = ckf_timespec(deadline_ns);
    int error = 0;
    while (is_open(sleep) && error == 0) {
        if (deadline_ns == CKF_FOREVER)
            pthread_cond_wait(&sleep->condition, mutex);
        else
            error = pthread_cond_timedwait(&sleep->condition, mutex, &limit);
    }
    return !is_open(sleep);
}

/* With the mutex held and the wait enrolled in turn. Returns the outcome, with the mutex held. */
static enum ckf_status move_when_ready(struct sleep *sleep, struct ckf_call *call,
                                       const struct ckf_wait_note *note)
{
    struct ckf_channel *channel = sleep->channel;
    const struct ckf_select_case *only = call->cases;
    int64_t deadline_ns = ckf_call_deadline_ns(call);
    enum ckf_status end = CKF_AGAIN;
    for (bool in_front = false;; in_front = true) {
        enum ckf_status status = move_one(channel, only->direction, only->elem);
        if (status != CKF_AGAIN)
            return status;
        if (load_relaxed(&sleep->wait.own_claim) == CKF_CLAIM_CANCELED)
            end = ckf_context_outcome(call->context);
        if (end != CKF_AGAIN)
            return end;
        struct ckf_waiting waiting;
        store_relaxed(&sleep->wait.own_claim, CKF_CLAIM_OPEN);
        ckf_waitlist_link(&channel->waitlist, only->direction, &sleep->node, in_front);
        ckf_waiting_begin(&waiting, note);
        if (!sleep_until_claimed(sleep, deadline_ns))
            end = CKF_TIMED_OUT;
        ckf_waiting_end(&waiting);
        ckf_waitlist_unlink(&channel->waitlist, only->direction, &sleep->node);
    }
}

static enum ckf_status locked_wait(struct ckf_call *call)
{
    struct ckf_channel *channel = call->cases[0].channel;
    const struct ckf_wait_note note = {.object = "channel",
                                       .name = channel->name,
                                       .operation = call->operation,
                                       .site = call->site};
    struct sleep sleep = {.watcher.fire = cancel, .channel = channel};
    sleep.wait.claim = &sleep.wait.own_claim;
    sleep.wait.condition = &sleep.condition;
    sleep.node.wait = &sleep.wait;
    condition_init(&sleep.condition);
    enum ckf_status status = ckf_context_attach(call->context, &sleep.watcher);
    if (status == CKF_OK) {
        int cancelability;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelability);
        lock(channel);
        status = move_when_ready(&sleep, call, &note);
        unlock_and_wake(channel, call->cases[0].direction, status == CKF_OK);
        pthread_setcancelstate(cancelability, NULL);
        ckf_context_detach(call->context, &sleep.watcher);
    }
    pthread_cond_destroy(&sleep.condition);
    return status;
}

const struct ckf_core ckf_locked_core = {
    .send = ckf_send_somehow,
    .recv = ckf_recv_somehow,
    .try_send = locked_try_send,
    .try_recv = locked_try_recv,
    .try_send_many = locked_try_send_many,
    .try_recv_many = locked_try_recv_many,
    .close = locked_close,
    .is_closed = locked_is_closed,
    .is_ready = locked_is_ready,
    .len = locked_len,
    .wait = locked_wait,
    .free = locked_free,
};
