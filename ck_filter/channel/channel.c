/* channel/channel.c - the door: what every channel does the same, whatever its core.
 *
 * Roles:      any thread may call anything; one thread destroys.
 * Invariants: a call is a visit to its channel from before its first access until after its last, so
 *             destroy can wait for calls whose effect it has seen. Selects, which are in several
 *             channels at once, are in their crowds while they sleep.
 *             The last counted producer or consumer closes within the lock that counts: an end that
 *             is refused finds the channel closed.
 * Close:      the core's; idempotent.
 * Teardown:   calls on their way out are waited for, sleeping ones are misuse; then what was not
 *             received is handed over, oldest first, and everything is freed.
 */
#include <stdalign.h>

#include "base/backoff.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/probes.h"
#include "base/step.h"
#include "channel/blocking.h"
#include "channel/core.h"
#include "channel/quick.h"
#include "sync/parking.h"
#include "sync/trace.h"
#include "sync/visit.h"

/* More elements than any machine has cells for. */
#define MAX_CAPACITY (SIZE_C(1) << 31)
#define SIZE_C(n)    ((size_t)n)

#define REQUIRE_CHANNEL(channel) CKF_REQUIRE((channel) != NULL, "the channel must not be NULL")
#define REQUIRE_DIRECTION(direction)                                                               \
    CKF_REQUIRE((direction) == CKF_SEND || (direction) == CKF_RECV,                                \
                "the direction must be CKF_SEND or CKF_RECV")
#define REQUIRE_ELEM(elem) CKF_REQUIRE((elem) != NULL, "the element must not be NULL")

/* --- create and destroy --- */

static bool options_are_valid(const struct ckf_channel_options *options)
{
    const unsigned known_flags = CKF_CHANNEL_SINGLE_PRODUCER | CKF_CHANNEL_SINGLE_CONSUMER;
    for (size_t i = 0; i < sizeof options->reserved / sizeof *options->reserved; i++)
        if (options->reserved[i] != 0)
            return false;
    return (options->variant == CKF_VARIANT_ATOMIC || options->variant == CKF_VARIANT_MUTEX) &&
           options->elem_size <= CKF_MAX_ELEM_SIZE &&
           (options->capacity < MAX_CAPACITY || options->capacity == CKF_UNBOUNDED) &&
           (options->flags & ~known_flags) == 0;
}

static enum ckf_status init_core(struct ckf_channel *channel,
                                 const struct ckf_channel_options *options, uint64_t start)
{
    if (channel->capacity == 0) {
        channel->core = &ckf_handoff_core;
        return CKF_OK;
    }
    if (options->variant == CKF_VARIANT_MUTEX) {
        channel->core = &ckf_locked_core;
        return ckf_locked_init(&channel->locked, channel->capacity, channel->elem_size);
    }
    if (channel->capacity == CKF_UNBOUNDED) {
        channel->core = &ckf_segments_core;
        return ckf_segments_init(&channel->segments, channel->elem_size, options->flags);
    }
    const unsigned both_ends = CKF_CHANNEL_SINGLE_PRODUCER | CKF_CHANNEL_SINGLE_CONSUMER;
    if ((options->flags & both_ends) == both_ends) {
        channel->core = channel->elem_size == CKF_WORD_SIZE ? &ckf_spsc_words_core : &ckf_spsc_core;
        return ckf_spsc_init(&channel->spsc, channel->capacity, channel->elem_size, start);
    }
    channel->core = &ckf_ring_core;
    return ckf_ring_init(&channel->ring, channel->capacity, channel->elem_size, options->flags,
                         start);
}

static void init_ends(struct ckf_ends *ends, unsigned live)
{
    ends->counted = live > 0;
    ends->live = live;
}

enum ckf_status ckf_channel_create_at(struct ckf_channel **created,
                                      const struct ckf_channel_options *options, uint64_t start)
{
    static const struct ckf_channel_options defaults = {0};
    if (options == NULL)
        options = &defaults;
    if (!options_are_valid(options))
        return CKF_INVALID;
    struct ckf_channel *channel = ckf_alloc_aligned(sizeof *channel, alignof(struct ckf_channel));
    if (channel == NULL)
        return CKF_NO_MEMORY;
    channel->capacity = options->capacity;
    channel->elem_size = options->elem_size != 0 ? options->elem_size : sizeof(void *);
    channel->undelivered = options->undelivered;
    channel->undelivered_arg = options->undelivered_arg;
    init_ends(&channel->ends[CKF_SEND], options->producers);
    init_ends(&channel->ends[CKF_RECV], options->consumers);
    if (!ckf_copy_string(options->name, &channel->name) ||
        init_core(channel, options, start) != CKF_OK) {
        ckf_free(channel->name);
        ckf_free(channel);
        return CKF_NO_MEMORY;
    }
    ckf_waitlist_init(&channel->waitlist, channel->core == &ckf_locked_core);
    if (channel->core == &ckf_handoff_core)
        ckf_handoff_init(&channel->handoff, &channel->waitlist,
                         options->variant == CKF_VARIANT_ATOMIC &&
                             channel->elem_size <= CKF_WORD_SIZE);
    *created = channel;
    return CKF_OK;
}

enum ckf_status ckf_channel_create(struct ckf_channel **channel,
                                   const struct ckf_channel_options *options)
{
    CKF_REQUIRE(channel != NULL, "the place for the channel must not be NULL");
    return ckf_channel_create_at(channel, options, 0);
}

static void pause_shortly(void)
{
    enum { PAUSE_NS = 50000 };
    struct ckf_parker nobody;
    ckf_parker_init(&nobody);
    ckf_park_at_once(&nobody, ckf_deadline_after_ns(PAUSE_NS), NULL);
}

static void hand_over_leftovers(struct ckf_channel *channel)
{
    alignas(max_align_t) unsigned char elem[CKF_MAX_ELEM_SIZE];
    while (channel->core->try_recv(channel, elem) == CKF_OK)
        if (channel->undelivered != NULL)
            channel->undelivered(elem, channel->undelivered_arg);
}

void ckf_channel_destroy(struct ckf_channel *channel)
{
    REQUIRE_CHANNEL(channel);
    while (ckf_is_visited(channel, &channel->crowd)) {
        CKF_REQUIRE(!ckf_waitlist_has_sleepers(&channel->waitlist),
                    "no call may sleep in a channel that is destroyed");
        pause_shortly();
    }
    hand_over_leftovers(channel);
    channel->core->free(channel);
    ckf_waitlist_free(&channel->waitlist);
    ckf_free(channel->name);
    ckf_free(channel);
}

/* --- send and receive --- */

/* A second look after one that found the channel not ready, which now counts. An event fd is cleared and
 * armed before it, and readable if the channel turns out to be ready. */
static bool look_again(struct ckf_channel *channel, enum ckf_direction direction)
{
    uint64_t moment;
    bool has_event_fd = ckf_waitlist_has_event_fd(&channel->waitlist, direction);
    if (CKF_LIKELY(!has_event_fd && channel->core->catch_up == NULL))
        return false;
    if (has_event_fd)
        ckf_waitlist_arm(&channel->waitlist, direction);
    ckf_core_catch_up(channel, direction);
    if (!CKF_STEP(channel->core->is_ready(channel, direction, &moment)))
        return false;
    if (has_event_fd && CKF_STEP(true))
        ckf_waitlist_fire_event(&channel->waitlist, direction);
    return true;
}

/* One attempt by a call that does not wait: if it fails, the event fd tells when another may not. */
static enum ckf_status try_once(struct ckf_channel *channel, enum ckf_direction direction,
                                void *elem)
{
    enum ckf_status status = ckf_core_try(channel, direction, elem);
    while (CKF_UNLIKELY(status == CKF_AGAIN) && look_again(channel, direction))
        status = ckf_core_try(channel, direction, elem);
    return status;
}

static void *only_read(const void *elem)
{
    return (void *)(uintptr_t)elem;
}

/* How a call waits: a struct ckf_call without its case. */
#define HOW(deadline, context_, operation_) HOW_AT(deadline, context_, operation_, CKF_CALL_SITE)
#define HOW_AT(deadline, context_, operation_, site_)                                              \
    &(const struct ckf_call)                                                                       \
    {                                                                                              \
        .count = 1, .deadline_ns = (deadline), .context = (context_), .operation = (operation_),   \
        .site = (site_)                                                                            \
    }

/* Not inlined: the common case needs no room for it. */
__attribute__((noinline)) static enum ckf_status wait_for(struct ckf_channel *channel,
                                                          enum ckf_direction direction, void *elem,
                                                          const struct ckf_call *how)
{
    struct ckf_select_case only = {.channel = channel, .direction = direction, .elem = elem};
    struct ckf_case_room room;
    room.order = 0;
    struct ckf_call call = *how;
    call.cases = &only;
    call.rooms = &room;
    return channel->core->wait(&call);
}

/* What is left to do after an attempt that would have had to wait. */
static enum ckf_status try_or_wait(struct ckf_channel *channel, enum ckf_direction direction,
                                   void *elem, const struct ckf_call *how)
{
    if (how->deadline_ns == CKF_NOW)
        return try_once(channel, direction, elem);
    enum ckf_status status = ckf_core_try(channel, direction, elem);
    if (CKF_LIKELY(status != CKF_AGAIN))
        return status;
    if (ckf_deadline_passed(how->deadline_ns))
        return CKF_TIMED_OUT;
    return wait_for(channel, direction, elem, how);
}

static enum ckf_status transfer(struct ckf_channel *channel, enum ckf_direction direction,
                                void *elem, const struct ckf_call *how)
{
    enum ckf_status status = ckf_context_outcome(how->context);
    if (status != CKF_OK)
        return status;
    struct ckf_visit *visit = ckf_channel_enter(channel);
    status = try_or_wait(channel, direction, elem, how);
    ckf_channel_leave(channel, visit);
    return status;
}

enum ckf_status ckf_channel_try_send(struct ckf_channel *channel, const void *elem)
{
    REQUIRE_CHANNEL(channel);
    REQUIRE_ELEM(elem);
    struct ckf_visit *visit = ckf_channel_enter(channel);
    enum ckf_status status = try_once(channel, CKF_SEND, only_read(elem));
    ckf_channel_leave(channel, visit);
    return status;
}

enum ckf_status ckf_channel_try_recv(struct ckf_channel *channel, void *elem)
{
    REQUIRE_CHANNEL(channel);
    struct ckf_visit *visit = ckf_channel_enter(channel);
    enum ckf_status status = try_once(channel, CKF_RECV, elem);
    ckf_channel_leave(channel, visit);
    return status;
}

enum ckf_status ckf_send_somehow(struct ckf_channel *channel, const void *elem, const void *site)
{
    struct ckf_visit *visit = ckf_channel_enter(channel);
    enum ckf_status status = channel->core->try_send(channel, elem);
    if (CKF_UNLIKELY(status == CKF_AGAIN))
        status =
            wait_for(channel, CKF_SEND, only_read(elem), HOW_AT(CKF_FOREVER, NULL, "send", site));
    ckf_channel_leave(channel, visit);
    return status;
}

enum ckf_status ckf_recv_somehow(struct ckf_channel *channel, void *elem, const void *site)
{
    struct ckf_visit *visit = ckf_channel_enter(channel);
    enum ckf_status status = channel->core->try_recv(channel, elem);
    if (CKF_UNLIKELY(status == CKF_AGAIN))
        status = wait_for(channel, CKF_RECV, elem, HOW_AT(CKF_FOREVER, NULL, "recv", site));
    ckf_channel_leave(channel, visit);
    return status;
}

enum ckf_status ckf_send_after_loss(struct ckf_channel *channel, const void *elem, const void *site)
{
    ckf_back_off();
    return ckf_send_somehow(channel, elem, site);
}

enum ckf_status ckf_recv_after_loss(struct ckf_channel *channel, void *elem, const void *site)
{
    ckf_back_off();
    return ckf_recv_somehow(channel, elem, site);
}

enum ckf_status ckf_leave_and_wake(struct ckf_channel *channel, struct ckf_visit *visit,
                                   enum ckf_direction direction)
{
    ckf_waitlist_wake(&channel->waitlist, direction, 1);
    ckf_visit_end_here(visit);
    return CKF_OK;
}

enum ckf_status ckf_channel_send(struct ckf_channel *channel, const void *elem)
{
    REQUIRE_CHANNEL(channel);
    REQUIRE_ELEM(elem);
    return channel->core->send(channel, elem, CKF_CALL_SITE);
}

enum ckf_status ckf_channel_recv(struct ckf_channel *channel, void *elem)
{
    REQUIRE_CHANNEL(channel);
    return channel->core->recv(channel, elem, CKF_CALL_SITE);
}

enum ckf_status ckf_channel_send_until(struct ckf_channel *channel, const void *elem,
                                       int64_t deadline_ns, struct ckf_context *context)
{
    REQUIRE_CHANNEL(channel);
    REQUIRE_ELEM(elem);
    return transfer(channel, CKF_SEND, only_read(elem), HOW(deadline_ns, context, "send_until"));
}

enum ckf_status ckf_channel_recv_until(struct ckf_channel *channel, void *elem, int64_t deadline_ns,
                                       struct ckf_context *context)
{
    REQUIRE_CHANNEL(channel);
    return transfer(channel, CKF_RECV, elem, HOW(deadline_ns, context, "recv_until"));
}

/* --- many --- */

static enum ckf_status try_many(struct ckf_channel *channel, enum ckf_direction direction,
                                unsigned char *elems, size_t count, size_t *done)
{
    return direction == CKF_SEND ? channel->core->try_send_many(channel, elems, count, done)
                                 : channel->core->try_recv_many(channel, elems, count, done);
}

/* The first by waiting, the others as far as they go. */
static enum ckf_status transfer_many(struct ckf_channel *channel, enum ckf_direction direction,
                                     unsigned char *elems, size_t count, size_t *done,
                                     const struct ckf_call *how)
{
    enum ckf_status status = ckf_context_outcome(how->context);
    if (status != CKF_OK)
        return status;
    struct ckf_visit *visit = ckf_channel_enter(channel);
    status = try_many(channel, direction, elems, count, done);
    if (*done == 0 && status == CKF_AGAIN) {
        struct ckf_call gathering = *how;
        gathering.gathers = count > 1;
        status = try_or_wait(channel, direction, elems, &gathering);
        if (status == CKF_OK) {
            if (count > 1)
                try_many(channel, direction, elems == NULL ? NULL : elems + channel->elem_size,
                         count - 1, done);
            ++*done;
        }
    }
    ckf_channel_leave(channel, visit);
    return *done > 0 ? CKF_OK : status;
}

#define REQUIRE_DONE(done) CKF_REQUIRE((done) != NULL, "the place for the count must not be NULL")

enum ckf_status ckf_channel_send_many(struct ckf_channel *channel, const void *elems, size_t count,
                                      size_t *done, int64_t deadline_ns,
                                      struct ckf_context *context)
{
    REQUIRE_CHANNEL(channel);
    REQUIRE_DONE(done);
    *done = 0;
    if (count == 0)
        return CKF_OK;
    REQUIRE_ELEM(elems);
    return transfer_many(channel, CKF_SEND, only_read(elems), count, done,
                         HOW(deadline_ns, context, "send_many"));
}

enum ckf_status ckf_channel_recv_many(struct ckf_channel *channel, void *elems, size_t count,
                                      size_t *done, int64_t deadline_ns,
                                      struct ckf_context *context)
{
    REQUIRE_CHANNEL(channel);
    REQUIRE_DONE(done);
    *done = 0;
    if (count == 0)
        return CKF_OK;
    return transfer_many(channel, CKF_RECV, elems, count, done,
                         HOW(deadline_ns, context, "recv_many"));
}

/* --- close, and who is left at either end --- */

/* True if this call closed it. */
static bool close_core(struct ckf_channel *channel)
{
    bool closed = channel->core->close(channel);
    if (closed) {
        CKF_PROBE2(close, channel, channel->name);
        if (ckf_trace_is_on())
            ckf_trace_note_mark("channel", "close", channel->name, 0);
    }
    return closed;
}

enum ckf_status ckf_channel_close(struct ckf_channel *channel)
{
    REQUIRE_CHANNEL(channel);
    struct ckf_visit *visit = ckf_channel_enter(channel);
    bool closed = close_core(channel);
    ckf_channel_leave(channel, visit);
    return closed ? CKF_OK : CKF_ALREADY;
}

bool ckf_channel_is_closed(const struct ckf_channel *channel)
{
    REQUIRE_CHANNEL(channel);
    return channel->core->is_closed(channel);
}

static enum ckf_status add_end(struct ckf_channel *channel, enum ckf_direction direction)
{
    struct ckf_ends *ends = &channel->ends[direction];
    if (!ends->counted)
        return CKF_INVALID;
    struct ckf_visit *visit = ckf_channel_enter(channel);
    ckf_lock_acquire(&channel->ends_lock);
    bool closed = channel->core->is_closed(channel);
    if (!closed)
        ends->live++;
    ckf_lock_release(&channel->ends_lock);
    ckf_channel_leave(channel, visit);
    return closed ? CKF_CLOSED : CKF_OK;
}

static bool end_done(struct ckf_channel *channel, enum ckf_direction direction,
                     const char *function)
{
    struct ckf_ends *ends = &channel->ends[direction];
    struct ckf_visit *visit = ckf_channel_enter(channel);
    bool closed = false;
    ckf_lock_acquire(&channel->ends_lock);
    if (ends->live == 0)
        ckf_misuse(function, ends->counted ? "called more often than there were ends to be done"
                                           : "the ends of this channel are not counted");
    if (--ends->live == 0)
        closed = close_core(channel);
    ckf_lock_release(&channel->ends_lock);
    ckf_channel_leave(channel, visit);
    return closed;
}

enum ckf_status ckf_channel_add_producer(struct ckf_channel *channel)
{
    REQUIRE_CHANNEL(channel);
    return add_end(channel, CKF_SEND);
}

bool ckf_channel_producer_done(struct ckf_channel *channel)
{
    REQUIRE_CHANNEL(channel);
    return end_done(channel, CKF_SEND, __func__);
}

enum ckf_status ckf_channel_add_consumer(struct ckf_channel *channel)
{
    REQUIRE_CHANNEL(channel);
    return add_end(channel, CKF_RECV);
}

bool ckf_channel_consumer_done(struct ckf_channel *channel)
{
    REQUIRE_CHANNEL(channel);
    return end_done(channel, CKF_RECV, __func__);
}

/* --- looking --- */

size_t ckf_channel_len(const struct ckf_channel *channel)
{
    REQUIRE_CHANNEL(channel);
    return channel->core->len(channel);
}

size_t ckf_channel_capacity(const struct ckf_channel *channel)
{
    REQUIRE_CHANNEL(channel);
    return channel->capacity;
}

enum ckf_status ckf_channel_event_fd(struct ckf_channel *channel, enum ckf_direction direction,
                                     int *fd)
{
    REQUIRE_CHANNEL(channel);
    REQUIRE_DIRECTION(direction);
    CKF_REQUIRE(fd != NULL, "the place for the descriptor must not be NULL");
    return ckf_waitlist_event_fd(&channel->waitlist, direction, fd);
}

bool ckf_channel_is_ready(struct ckf_channel *channel, enum ckf_direction direction)
{
    REQUIRE_CHANNEL(channel);
    REQUIRE_DIRECTION(direction);
    uint64_t moment;
    struct ckf_visit *visit = ckf_channel_enter(channel);
    bool ready =
        channel->core->is_ready(channel, direction, &moment) || look_again(channel, direction);
    ckf_channel_leave(channel, visit);
    return ready;
}
