/* channel/waitlist.h - who sleeps for a channel, and how they are woken.
 *
 * A blocked call is a ckf_wait on its thread's stack with one node for each channel and direction it
 * waits for. Nodes stand in first-in-first-out lists under a small lock. One claim word decides who
 * ends the wait: a notifier, a rendezvous peer, a cancelled context, or the call itself.
 *
 * No wake-up is lost: whoever enrols makes its interest known and then looks at the channel again,
 * whoever changed the channel looks for interest afterwards, and these four accesses are
 * sequentially consistent.
 *
 * The claim word of a wait is its name, and how it ended. Names never come again, and the words lie in a
 * place for each thread number, so that one can ask after a wait that may be over (see board.h). A
 * thread beyond the numbers keeps the word in the wait itself, which then has no name.
 *
 * Notifiers never wait for the lock: if somebody holds it, they write down what they owe, and the
 * holder pays when it releases. So a thread that stops inside the lock stops no try_ call.
 *
 * In MUTEX channels that hold elements the lock is a pthread mutex instead, which guards the elements
 * too, and those who need it wait for it.
 */
#ifndef CKF_CHANNEL_WAITLIST_H
#define CKF_CHANNEL_WAITLIST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ck_filter/channel.h>

#include "base/atomics.h"
#include "base/cacheline.h"
#include "base/check.h"
#include "base/step.h"
#include "sync/lock.h"
#include "sync/parking.h"

/* How a wait ended: open until the one CAS that ends it. */
enum ckf_claim {
    CKF_CLAIM_OPEN = 0,
    CKF_CLAIM_ABANDONED = 1, /* by the waiter itself: its deadline came */
    CKF_CLAIM_CANCELED = 2,  /* by its context */
    CKF_CLAIM_TAKEN = 3,     /* a case can go on */
    CKF_CLAIMS = 4
};

struct ckf_wait {
    _Atomic(uint64_t) *claim;    /* the name, plus an enum ckf_claim */
    uint64_t name;               /* a multiple of CKF_CLAIMS; 0: none */
    _Atomic(uint64_t) own_claim; /* of a wait without a name */
    struct ckf_parker parker;    /* fired once, by whoever claimed; not after ABANDONED */
    pthread_cond_t *condition;   /* signalled instead, under the mutex; NULL: the parker */
    /* By a claimer with TAKEN, before it fires: */
    uint32_t taken_case;
    bool unlinked; /* the case's node is in no list any more */
    bool handed;   /* the element has changed hands already */
};

/* Everything but `condition`, which is kept. A thread waits once at a time. */
void ckf_wait_init(struct ckf_wait *wait);

static inline bool ckf_wait_claim(struct ckf_wait *wait, enum ckf_claim claim)
{
    uint64_t found = wait->name;
    /* edge peer-gone: release; pairs with the load in ckf_wait_is_open(). It acquires nothing: the order of
     * the changes of this word decides who wins, and a claimer knows the wait as it was enrolled from where
     * it found it: the list, an offer, its context. */
    return cas_release(wait->claim, &found, wait->name + claim);
}

/* Of one's own wait that has been fired, or claimed by oneself. */
static inline enum ckf_claim ckf_wait_outcome(const struct ckf_wait *wait)
{
    /* relaxed: whoever else claimed it has fired it since, and the parker carries that */
    return (enum ckf_claim)(load_relaxed(wait->claim) - wait->name);
}

/* A name for something else that never comes again: as if a wait had begun and ended. 0: the thread
 * has none. Not while it waits. */
uint64_t ckf_wait_spend_name(void);

/* Of a wait that may be over: by its name. */
bool ckf_wait_is_open(uint64_t name);
bool ckf_wait_claim_by_name(uint64_t name); /* with TAKEN */

struct ckf_wait_node {
    struct ckf_wait_node *previous, *next; /* guarded by the list's lock; next chains the claimed */
    struct ckf_wait *wait;
    void *elem;              /* what a rendezvous peer reads or fills */
    struct ckf_offer *offer; /* on the side's board, if it has one; guarded by the list's lock */
    uint32_t case_number;
    bool linked; /* guarded by the list's lock */
};

struct ckf_wait_side {
    /* Bit 0: an event fd is armed. Bits 1 to 31: nodes linked. Above: nodes ever linked. */
    _Atomic(uint64_t) interest;
    _Atomic(uint32_t) owed;             /* wake-ups left to the holder of the lock */
    _Atomic(int) event_fd;              /* the descriptor + 1; 0: none */
    struct ckf_wait_node *first, *last; /* guarded by the lock */
    struct ckf_board *board;            /* constant; NULL: none */
};

struct ckf_waitlist {
    CKF_CACHELINE_ALIGNED struct ckf_lock lock;
    bool by_mutex; /* constant: the mutex takes the place of the lock */
    pthread_mutex_t mutex;
    struct ckf_wait_side sides[2]; /* by enum ckf_direction: who waits to send, who to receive */
};

#define CKF_INTEREST_ARMED    UINT64_C(1)
#define CKF_INTEREST_NODE     UINT64_C(2)
#define CKF_INTEREST_NODES    UINT64_C(0xfffffffe)
#define CKF_INTEREST_ENROLLED (UINT64_C(1) << 32)

/* Wakes of everybody; also the most that is ever owed at once. */
#define CKF_WAKE_ALL (UINT32_C(1) << 24)

void ckf_waitlist_init(struct ckf_waitlist *list, bool by_mutex); /* on zeroed memory */
void ckf_waitlist_free(struct ckf_waitlist *list);                /* closes the event fds */

void ckf_waitlist_lock(struct ckf_waitlist *list);
/* Lock-free; for lists that have no mutex. */
static inline bool ckf_waitlist_try_lock(struct ckf_waitlist *list)
{
    return ckf_lock_try(&list->lock);
}
/* Pays what notifiers left to the holder. */
void ckf_waitlist_unlock(struct ckf_waitlist *list);

/* The lock is held. Afterwards the caller looks at the channel again before it sleeps. */
void ckf_waitlist_link(struct ckf_waitlist *list, enum ckf_direction direction,
                       struct ckf_wait_node *node, bool in_front);
/* The lock is held. Does nothing if a claimer has unlinked the node. */
void ckf_waitlist_unlink(struct ckf_waitlist *list, enum ckf_direction direction,
                         struct ckf_wait_node *node);

/* The lock is held. Unlinks and claims those who have waited longest, up to count of them, and
 * signals those who sleep on a condition. Returns the others, chained by next, longest first: they
 * stay until they are fired, which needs no lock. */
struct ckf_wait_node *ckf_waitlist_claim(struct ckf_waitlist *list, enum ckf_direction direction,
                                         uint32_t count);
void ckf_waitlist_fire(struct ckf_wait_node *chain);

/* True if a call sleeps here that nothing is about to wake. */
bool ckf_waitlist_has_sleepers(struct ckf_waitlist *list);

void ckf_waitlist_wake(struct ckf_waitlist *list, enum ckf_direction direction, uint32_t count);

/* Whether anybody is to be told that calls in that direction may be able to go on: to be called after
 * the change, which must have been a sequentially consistent operation. */
static inline bool ckf_waitlist_is_interested(const struct ckf_waitlist *list,
                                              enum ckf_direction direction)
{
    /* edge interest-shown: seq_cst load after the change of the channel; pairs with the RMWs in
     * ckf_waitlist_link() and ckf_waitlist_arm(), whose threads then look at the channel. */
    uint64_t interest = load_seq_cst(&list->sides[direction].interest);
    return CKF_STEP((uint32_t)interest != 0);
}

/* Says that `count` calls in that direction may be able to go on, likewise. Never waits. */
static inline void ckf_waitlist_notify(struct ckf_waitlist *list, enum ckf_direction direction,
                                       uint32_t count)
{
    if (CKF_UNLIKELY(ckf_waitlist_is_interested(list, direction)))
        ckf_waitlist_wake(list, direction, count);
}

static inline void ckf_waitlist_notify_many(struct ckf_waitlist *list, enum ckf_direction direction,
                                            size_t count)
{
    ckf_waitlist_notify(list, direction, count < CKF_WAKE_ALL ? (uint32_t)count : CKF_WAKE_ALL);
}

/* The same for the pollers of the event fd alone. */
void ckf_waitlist_notify_pollers(struct ckf_waitlist *list, enum ckf_direction direction);

/* The channel was closed: everybody wakes, both ways. Never waits. */
void ckf_waitlist_notify_closed(struct ckf_waitlist *list);

/* How many nodes are linked, and in *enrolled how many ever were (modulo 2^32). */
uint32_t ckf_waitlist_sleepers(const struct ckf_waitlist *list, enum ckf_direction direction,
                               uint64_t *enrolled);

/* CKF_NO_MEMORY when descriptors or the kernel's memory have run out. */
enum ckf_status ckf_waitlist_event_fd(struct ckf_waitlist *list, enum ckf_direction direction,
                                      int *fd);

static inline bool ckf_waitlist_has_event_fd(const struct ckf_waitlist *list,
                                             enum ckf_direction direction)
{
    /* relaxed: the descriptor is a number, behind which nothing of ours lies */
    return load_relaxed(&list->sides[direction].event_fd) != 0;
}

/* Clears the event fd and arms it. The caller then looks at the channel, and fires if it is ready:
 * it may just have cleared what was meant for another thread. */
void ckf_waitlist_arm(struct ckf_waitlist *list, enum ckf_direction direction);
void ckf_waitlist_fire_event(struct ckf_waitlist *list, enum ckf_direction direction);

#endif
