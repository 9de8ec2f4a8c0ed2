/* channel/core.h - what a channel is inside: a core that moves elements without ever waiting, a list
 * of those who wait, and the door that puts the two together.
 *
 * A core is chosen at creation by variant and capacity:
 *
 *     ring      ATOMIC, bounded                       locked    MUTEX, bounded and unbounded
 *     spsc      ATOMIC, bounded, both ends promised   handoff   both, rendezvous
 *     segments  ATOMIC, unbounded
 */
#ifndef CKF_CHANNEL_CORE_H
#define CKF_CHANNEL_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <ck_filter/channel.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "base/step.h"
#include "channel/handoff.h"
#include "channel/locked.h"
#include "channel/ring.h"
#include "channel/segments.h"
#include "channel/spsc.h"
#include "channel/waitlist.h"
#include "sync/lock.h"
#include "sync/visit.h"

enum { CKF_MAX_ELEM_SIZE = 4096, CKF_WORD_SIZE = sizeof(uint64_t) };

/* Elements that a receiver takes at once, and a sender gives at once. */
enum { CKF_RUN = 32 };

/* How many cells ahead of the next one senders have the line fetched (four lines), and how many ahead
 * the block that a cell holds, whose line is there by then. Nearer they come too late, and further (six
 * lines) hands back most of what was won. */
enum { CKF_CELLS_AHEAD = 16, CKF_BLOCKS_AHEAD = 4 };

struct ckf_call; /* a blocked call: blocking.h */

struct ckf_core {
    /* A whole send or receive: visits the channel, and waits if it has to. site: of the caller. */
    enum ckf_status (*send)(struct ckf_channel *channel, const void *elem, const void *site);
    enum ckf_status (*recv)(struct ckf_channel *channel, void *elem, const void *site);
    /* CKF_OK, CKF_AGAIN, CKF_CLOSED or CKF_NO_MEMORY, by the channel's contract. They wake whom
     * they let go on. */
    enum ckf_status (*try_send)(struct ckf_channel *channel, const void *elem);
    enum ckf_status (*try_recv)(struct ckf_channel *channel, void *elem);
    /* count > 0. *done is how many were moved; the status that of the first that was not, or CKF_OK.
     * They wake once, at the end. */
    enum ckf_status (*try_send_many)(struct ckf_channel *channel, const unsigned char *elems,
                                     size_t count, size_t *done);
    enum ckf_status (*try_recv_many)(struct ckf_channel *channel, unsigned char *elems,
                                     size_t count, size_t *done);
    /* True to the one call that closed. Wakes everybody. */
    bool (*close)(struct ckf_channel *channel);
    bool (*is_closed)(const struct ckf_channel *channel);
    /* Whether a call in that direction would return something else than CKF_AGAIN. After false,
     * *moment is such that two false answers with one moment mean: false all the time between. */
    bool (*is_ready)(struct ckf_channel *channel, enum ckf_direction direction, uint64_t *moment);
    /* NULL: calls see at once what others have done. Otherwise the core may be some instructions late to
     * show a call in that direction what the other end has done, and shows all of it afterwards. To come
     * before the second look of who has shown its interest, and before a CKF_AGAIN that counts. */
    void (*catch_up)(struct ckf_channel *channel, enum ckf_direction direction);
    size_t (*len)(const struct ckf_channel *channel);
    /* Whether is_ready takes no lock, so that a call may poll it for a while before it sleeps. */
    bool polls;
    /* As ckf_call_wait() for a call with one case, whose outcome is returned. */
    enum ckf_status (*wait)(struct ckf_call *call);
    /* Nobody is inside and no element is left. */
    void (*free)(struct ckf_channel *channel);
};

extern const struct ckf_core ckf_ring_core, ckf_spsc_core, ckf_spsc_words_core, ckf_segments_core,
    ckf_locked_core, ckf_handoff_core;

/* Counted producers or consumers; guarded by the lock. */
struct ckf_ends {
    bool counted; /* constant */
    uint64_t live;
};

struct ckf_channel {
    /* constant after creation, but for what the core says */
    const struct ckf_core *core;
    size_t elem_size, capacity;
    union {
        struct ckf_ring ring;
        struct ckf_spsc spsc;
        struct ckf_segments segments;
        struct ckf_locked locked;
        struct ckf_handoff handoff;
    };

    struct ckf_waitlist waitlist;

    /* constant, and seldom looked at */
    CKF_CACHELINE_ALIGNED char *name;
    void (*undelivered)(void *elem, void *arg);
    void *undelivered_arg;

    struct ckf_lock ends_lock;
    struct ckf_ends ends[2]; /* by enum ckf_direction: producers, consumers */
    ckf_crowd crowd;         /* selects that sleep here, and calls of threads without a place */
};

static inline struct ckf_visit *ckf_channel_enter(struct ckf_channel *channel)
{
    return ckf_visit_begin(channel, &channel->crowd);
}

static inline void ckf_channel_leave(struct ckf_channel *channel, struct ckf_visit *visit)
{
    ckf_visit_end(visit, &channel->crowd);
}

/* A whole send or receive by the attempts of any core. */
enum ckf_status ckf_send_somehow(struct ckf_channel *channel, const void *elem, const void *site);
enum ckf_status ckf_recv_somehow(struct ckf_channel *channel, void *elem, const void *site);

/* Creates a channel whose indices begin near start: for tests of the wrap. */
enum ckf_status ckf_channel_create_at(struct ckf_channel **channel,
                                      const struct ckf_channel_options *options, uint64_t start);

static inline enum ckf_status ckf_core_try(struct ckf_channel *channel,
                                           enum ckf_direction direction, void *elem)
{
    return direction == CKF_SEND ? channel->core->try_send(channel, elem)
                                 : channel->core->try_recv(channel, elem);
}

static inline void ckf_core_catch_up(struct ckf_channel *channel, enum ckf_direction direction)
{
    if (channel->core->catch_up != NULL && CKF_STEP(true))
        channel->core->catch_up(channel, direction);
}

/* Elements of up to 8 bytes travel as one word. */
static inline uint64_t ckf_word_of(const void *elem, size_t elem_size)
{
    uint64_t word = 0;
    if (CKF_LIKELY(elem_size == CKF_WORD_SIZE))
        memcpy(&word, elem, CKF_WORD_SIZE);
    else
        memcpy(&word, elem, elem_size);
    return word;
}

static inline void ckf_word_to(void *elem, uint64_t word, size_t elem_size)
{
    if (CKF_LIKELY(elem_size == CKF_WORD_SIZE))
        memcpy(elem, &word, CKF_WORD_SIZE);
    else
        memcpy(elem, &word, elem_size);
}

static inline void ckf_words_of(uint64_t *words, const unsigned char *elems, size_t count,
                                size_t elem_size)
{
    for (size_t i = 0; i < count; i++)
        words[i] = ckf_word_of(elems + i * elem_size, elem_size);
}

static inline void ckf_words_to(unsigned char *elems, const uint64_t *words, size_t count,
                                size_t elem_size)
{
    for (size_t i = 0; i < count; i++)
        ckf_word_to(elems + i * elem_size, words[i], elem_size);
}

#endif
