/* ck_filter/channel.h - a many-to-many channel with safe close.
 *
 * A channel carries elements of one size from any number of senders to any number of receivers, in
 * one first-in-first-out order for all of them. It holds nothing (a rendezvous: a send ends when a
 * receiver has the element), up to N elements, or as many as there is memory for. Elements are
 * copied in and out.
 *
 *     struct ckf_channel *jobs;
 *     struct ckf_channel_options options = {.name = "jobs", .capacity = 64,
 *                                           .elem_size = sizeof(struct job), .producers = 4};
 *     if (ckf_channel_create(&jobs, &options) != CKF_OK) ...
 *
 *     each producer:                              each consumer:
 *     while (make(&job) &&                        while (ckf_channel_recv(jobs, &job) == CKF_OK)
 *            ckf_channel_send(jobs, &job) == CKF_OK)     work(&job);
 *         ;
 *     ckf_channel_producer_done(jobs);
 *
 * Ownership. A send that returned CKF_OK is received exactly once, or handed once to `undelivered`
 * when the channel is destroyed. After any other status the element is still the caller's and nobody
 * has seen it. A receive that is not CKF_OK leaves the buffer alone.
 *
 * Close. Anybody may close, any number of times, at any moment but destroy. Every send has its effect
 * before the close or returns CKF_CLOSED. Blocked senders wake with CKF_CLOSED; receivers get what
 * was accepted, then CKF_CLOSED. After a close, receives never wait.
 *
 * Waiting. Calls that wait spin for a short bounded time where that can help, then sleep in the
 * kernel; no signal ends them. Sleepers are served first come, first served, up to barging: a call
 * that comes by at the right moment may be faster than the one that has just been woken, which then
 * keeps its place in front. A context that is done when a call begins wins over everything. A call
 * that gives up leaves nothing behind and takes no wake-up with it.
 *
 * Progress. try_send and try_recv of the ATOMIC variant are lock-free: a thread that stops at any
 * instruction of any call keeps nobody else's from completing, and takes at most one slot with it
 * (none if elements have up to 8 bytes). Unbounded channels allocate, so they are lock-free as far as
 * the allocator is. The MUTEX variant takes its mutex.
 *
 * Memory. A send happens before the receive that gets its element returns; the k-th receive happens
 * before the (k + capacity)-th send returns; a close happens before every CKF_CLOSED it causes.
 *
 * All functions may be called by any thread, but for what destroy says. None is a cancellation point,
 * changes errno, or may be called by a signal handler. A NULL channel aborts, and so does a NULL
 * element to be sent. A forked child may go on with the channels that it inherited in which no other
 * thread was, asleep or not.
 */
#ifndef CKF_CHANNEL_H
#define CKF_CHANNEL_H

#include <ck_filter/clock.h>
#include <ck_filter/context.h>
#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_channel;

#define CKF_UNBOUNDED SIZE_MAX

enum ckf_direction { CKF_SEND = 0, CKF_RECV = 1 };

/* Promises of the caller: at any time at most one thread sends, or receives, and each of its calls happens
 * before the next one. Both make a bounded ATOMIC channel several times as fast. */
enum { CKF_CHANNEL_SINGLE_PRODUCER = 1, CKF_CHANNEL_SINGLE_CONSUMER = 2 };

/* Zeros are defaults: an ATOMIC rendezvous of pointers. */
struct ckf_channel_options {
    const char *name; /* copied; shown where sleeping calls are listed; may be NULL */
    enum ckf_variant variant;
    size_t capacity;    /* 0: rendezvous; N: exactly N, below 2^31; CKF_UNBOUNDED */
    size_t elem_size;   /* bytes; 0 means sizeof(void *); at most 4096 */
    unsigned producers; /* how many will call producer_done; 0: producers are not counted */
    unsigned consumers; /* likewise */
    unsigned flags;     /* CKF_CHANNEL_SINGLE_PRODUCER, CKF_CHANNEL_SINGLE_CONSUMER */
    /* Gets what was accepted and not received, in destroy, on its thread, oldest first. elem is
     * aligned like malloc's memory and valid during the call. It must not use the channel. */
    void (*undelivered)(void *elem, void *arg);
    void *undelivered_arg;
    uint64_t reserved[4]; /* zero */
};

/* Makes a channel; options may be NULL. On failure *channel is left alone.
 * CKF_INVALID: an option is outside what is said above, an unknown flag, or reserved is not zero.
 * CKF_NO_MEMORY. */
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_create(struct ckf_channel **channel,
                                                        const struct ckf_channel_options *options);

/* Hands leftovers to `undelivered` and frees the channel. No call may start any more. Calls that
 * have had their effect and are on their way out (the send of the element that this thread has just
 * received, say) are waited for; a call that sleeps in the channel is misuse and aborts. */
CKF_API void ckf_channel_destroy(struct ckf_channel *channel);

/* One element. CKF_OK: accepted, or received. CKF_CLOSED: for receives, closed and drained.
 * CKF_NO_MEMORY: an unbounded send found none, and nothing was changed. Waits as long as it takes. */
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_send(struct ckf_channel *channel,
                                                      const void *elem);
/* elem NULL: the element is discarded. */
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_recv(struct ckf_channel *channel, void *elem);

/* The same without waiting. CKF_AGAIN: at some moment of the call there was no room (accepted
 * elements and those that unfinished calls of others hold were as many as the capacity), no accepted
 * element, or, in a rendezvous, no peer asleep in the opposite call. Two try_ calls never meet. */
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_try_send(struct ckf_channel *channel,
                                                          const void *elem);
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_try_recv(struct ckf_channel *channel, void *elem);

/* The same, waiting until deadline_ns (see <ck_filter/clock.h>: CKF_NOW makes one attempt and answers
 * CKF_AGAIN) or until the context, which may be NULL, is done. CKF_TIMED_OUT: one of the two came
 * first, after at least one attempt, or the context was timed out already. CKF_CANCELED. */
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_send_until(struct ckf_channel *channel,
                                                            const void *elem, int64_t deadline_ns,
                                                            struct ckf_context *context);
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_recv_until(struct ckf_channel *channel, void *elem,
                                                            int64_t deadline_ns,
                                                            struct ckf_context *context);

/* Move up to count elements, in order; they wait, like _until, only for the first. *done is how many
 * were moved: CKF_OK exactly when that is more than 0, or count is 0, which looks at nothing else.
 * Elements of one call need not end up as neighbours. elems NULL discards in recv_many. */
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_send_many(struct ckf_channel *channel,
                                                           const void *elems, size_t count,
                                                           size_t *done, int64_t deadline_ns,
                                                           struct ckf_context *context);
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_recv_many(struct ckf_channel *channel, void *elems,
                                                           size_t count, size_t *done,
                                                           int64_t deadline_ns,
                                                           struct ckf_context *context);

/* CKF_OK to the one call that closed the channel, else CKF_ALREADY. Never fails, never waits for
 * others to act. */
CKF_API enum ckf_status ckf_channel_close(struct ckf_channel *channel);
CKF_API bool ckf_channel_is_closed(const struct ckf_channel *channel);

/* Counted ends, so that nobody has to know who is the last: each says once that it is done, also
 * after a close, and the last one closes. When the last consumer has gone, senders do not wait for
 * nobody. add_ counts one more: CKF_OK, CKF_CLOSED once closed (then no done is owed), CKF_INVALID if
 * that end is not counted. _done returns true if this call closed the channel; once too often, or
 * where that end is not counted, it aborts. */
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_add_producer(struct ckf_channel *channel);
CKF_API bool ckf_channel_producer_done(struct ckf_channel *channel);
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_add_consumer(struct ckf_channel *channel);
CKF_API bool ckf_channel_consumer_done(struct ckf_channel *channel);

/* Accepted elements that have not been received; exact when nothing moves. 0 for a rendezvous. */
CKF_API size_t ckf_channel_len(const struct ckf_channel *channel);
/* As it was created. */
CKF_API size_t ckf_channel_capacity(const struct ckf_channel *channel);

/* A file descriptor to be polled for reading, and nothing else, by those who wait in poll or epoll
 * instead of here: it turns readable when a send, or a receive, may be able to go on. Made at the
 * first call, owned by the channel, one a direction. The rule: after a call that does not wait
 * returned CKF_AGAIN, or is_ready false, poll it. The next such call clears it. It may be readable
 * for no reason, and stays readable after a close. A polling peer is no sleeping peer of a
 * rendezvous. CKF_NO_MEMORY: descriptors or memory have run out. */
CKF_API CKF_MUST_USE enum ckf_status ckf_channel_event_fd(struct ckf_channel *channel,
                                                          enum ckf_direction direction, int *fd);

/* Whether a call in that direction would have ended at some moment of this one, closed included.
 * False also arms the event fd, if there is one. */
CKF_API bool ckf_channel_is_ready(struct ckf_channel *channel, enum ckf_direction direction);

CKF_END_DECLS

#endif
