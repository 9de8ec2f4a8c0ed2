/* channel/waitlist.c - lists of sleepers, the notes of what is owed to them, and event fds.
 *
 * Roles:     blocked calls enrol and leave; notifiers take and fire; close fires everybody.
 * Invariants: a linked node's call has not ended, since it needs the lock to unlink.
 *            A claimed node's call has not ended, since it waits for its parker.
 *            Whoever releases the lock looks at `owed` afterwards, and whoever fails to get the lock
 *            has written into `owed` before: one of the two sees the other.
 *            An event fd is readable, or armed, or the thread between clearing and arming is about
 *            to look at the channel itself.
 * Close:     everybody is owed a wake-up; the woken find the mark by trying again.
 * Teardown:  no node is linked any more; the event fds are closed.
 */
#include "channel/waitlist.h"

#include "base/event_fd.h"
#include "channel/board.h"
#include "sync/per_thread.h"

/* --- waits and their names --- */

/* A name is count << NUMBER_SHIFT | thread number << CLAIM_SHIFT; counts begin with 1. */
enum { CLAIM_SHIFT = 2, NUMBER_SHIFT = 14 };
_Static_assert(CKF_CLAIMS == 1 << CLAIM_SHIFT &&
                   CKF_OWN_NUMBERS == 1 << (NUMBER_SHIFT - CLAIM_SHIFT),
               "a name holds a thread number");

static struct {
    alignas(64) _Atomic(uint64_t) claim; /* of the thread's last wait */
} claims[CKF_OWN_NUMBERS];

static _Atomic(uint64_t) *claim_of(uint64_t name)
{
    return &claims[name >> CLAIM_SHIFT & (CKF_OWN_NUMBERS - 1)].claim;
}

/* The next name of the calling thread, or 0. */
static uint64_t next_name(void)
{
    unsigned number = ckf_thread_number();
    if (number >= CKF_OWN_NUMBERS)
        return 0;
    /* relaxed: only this thread begins waits here, and those before it with this number ended */
    uint64_t last = load_relaxed(&claims[number].claim);
    return ((last >> NUMBER_SHIFT) + 1) << NUMBER_SHIFT | (uint64_t)number << CLAIM_SHIFT;
}

/* Others learn the name by an edge of its own, but who asks after the wait before learns here that it is
 * over. */
static void write_claim(_Atomic(uint64_t) *word, uint64_t name, enum ckf_claim claim)
{
    /* edge peer-gone: release, as in ckf_wait_claim() */
    store_release(word, name + claim);
}

uint64_t ckf_wait_spend_name(void)
{
    uint64_t name = next_name();
    if (name != 0)
        write_claim(claim_of(name), name, CKF_CLAIM_ABANDONED);
    return name;
}

CKF_COLD void ckf_wait_init(struct ckf_wait *wait)
{
    wait->name = next_name();
    wait->claim = wait->name != 0 ? claim_of(wait->name) : &wait->own_claim;
    wait->taken_case = 0;
    wait->unlinked = wait->handed = false;
    ckf_parker_init(&wait->parker);
    write_claim(wait->claim, wait->name, CKF_CLAIM_OPEN);
}

bool ckf_wait_is_open(uint64_t name)
{
    /* edge peer-gone: acquire; pairs with the CASes in ckf_wait_claim() and ckf_wait_claim_by_name(). If it
     * is not true any more, a claim fails. */
    return load_acquire(claim_of(name)) == name + CKF_CLAIM_OPEN;
}

bool ckf_wait_claim_by_name(uint64_t name)
{
    /* edge peer-gone: release, as in ckf_wait_claim() */
    return cas_release(claim_of(name), &(uint64_t){name}, name + CKF_CLAIM_TAKEN);
}

/* --- lists --- */

void ckf_waitlist_init(struct ckf_waitlist *list, bool by_mutex)
{
    list->by_mutex = by_mutex;
    if (by_mutex)
        pthread_mutex_init(&list->mutex, NULL);
}

void ckf_waitlist_free(struct ckf_waitlist *list)
{
    for (int direction = 0; direction < 2; direction++) {
        int fd_plus_one = load_relaxed(&list->sides[direction].event_fd); /* relaxed: alone */
        if (fd_plus_one != 0)
            ckf_event_fd_close(fd_plus_one - 1);
    }
    if (list->by_mutex)
        pthread_mutex_destroy(&list->mutex);
}

void ckf_waitlist_link(struct ckf_waitlist *list, enum ckf_direction direction,
                       struct ckf_wait_node *node, bool in_front)
{
    struct ckf_wait_side *side = &list->sides[direction];
    node->previous = in_front ? NULL : side->last;
    node->next = in_front ? side->first : NULL;
    *(node->previous != NULL ? &node->previous->next : &side->first) = node;
    *(node->next != NULL ? &node->next->previous : &side->last) = node;
    node->linked = true;
    if (side->board != NULL)
        ckf_board_post(side->board, node, in_front);
    /* edge interest-shown: seq_cst RMW before the second look at the channel; pairs with the load
     * in ckf_waitlist_notify() after the change. */
    fetch_add_seq_cst(&side->interest, CKF_INTEREST_ENROLLED + CKF_INTEREST_NODE);
}

void ckf_waitlist_unlink(struct ckf_waitlist *list, enum ckf_direction direction,
                         struct ckf_wait_node *node)
{
    struct ckf_wait_side *side = &list->sides[direction];
    if (!node->linked)
        return;
    *(node->previous != NULL ? &node->previous->next : &side->first) = node->next;
    *(node->next != NULL ? &node->next->previous : &side->last) = node->previous;
    node->linked = false;
    if (side->board != NULL)
        ckf_board_withdraw(side->board, node);
    /* relaxed: too high a count costs a look at the list, no more */
    fetch_sub_relaxed(&side->interest, CKF_INTEREST_NODE);
}

/* The longest waiter that nobody else has claimed, unlinked; NULL without one. */
static struct ckf_wait_node *claim_first(struct ckf_waitlist *list, enum ckf_direction direction)
{
    struct ckf_wait_side *side = &list->sides[direction];
    struct ckf_wait_node *node;
    while ((node = side->first) != NULL) {
        ckf_waitlist_unlink(list, direction, node);
        if (ckf_wait_claim(node->wait, CKF_CLAIM_TAKEN)) {
            node->wait->taken_case = node->case_number;
            node->wait->unlinked = true;
            return node;
        }
    }
    return NULL;
}

/* Claims up to count waiters and appends those to be fired at *end. Returns the new end. */
static struct ckf_wait_node **claim_into(struct ckf_waitlist *list, enum ckf_direction direction,
                                         uint32_t count, struct ckf_wait_node **end)
{
    for (; count > 0; count--) {
        struct ckf_wait_node *node = claim_first(list, direction);
        if (node == NULL)
            break;
        if (node->wait->condition != NULL) {
            pthread_cond_signal(node->wait->condition);
            continue;
        }
        *end = node;
        end = &node->next;
    }
    *end = NULL;
    return end;
}

struct ckf_wait_node *ckf_waitlist_claim(struct ckf_waitlist *list, enum ckf_direction direction,
                                         uint32_t count)
{
    struct ckf_wait_node *chain;
    claim_into(list, direction, count, &chain);
    return chain;
}

void ckf_waitlist_fire(struct ckf_wait_node *chain)
{
    while (chain != NULL) {
        struct ckf_wait_node *node = chain;
        chain = node->next;
        ckf_unpark(&node->wait->parker);
    }
}

/* Claims those who are owed a wake-up. The lock is held. */
static struct ckf_wait_node *claim_owed(struct ckf_waitlist *list)
{
    struct ckf_wait_node *chain, **end = &chain;
    for (int direction = 0; direction < 2; direction++) {
        /* edge wake-owed: acquire; pairs with the seq_cst addition in owe(). */
        uint32_t count = exchange_acquire(&list->sides[direction].owed, 0);
        end = claim_into(list, direction, count, end);
    }
    return chain;
}

static bool owes(struct ckf_waitlist *list)
{
    /* edge wake-owed: seq_cst loads after the release of the lock; pair with the addition in owe()
     * that comes before a failing ckf_lock_try(). */
    return load_seq_cst(&list->sides[CKF_SEND].owed) != 0 ||
           load_seq_cst(&list->sides[CKF_RECV].owed) != 0;
}

/* Pays what is owed, unless somebody holds the lock, who then will. */
static void settle(struct ckf_waitlist *list)
{
    while (CKF_STEP(owes(list)) && ckf_lock_try(&list->lock)) {
        struct ckf_wait_node *chain = claim_owed(list);
        ckf_lock_release(&list->lock);
        ckf_waitlist_fire(chain);
    }
}

static void owe(struct ckf_wait_side *side, uint32_t count)
{
    /* relaxed: at the limit the note says "everybody". That it has not been paid yet is known to who
     * has seen the interest of the waiter that it is about, which was shown under the lock. */
    if (load_relaxed(&side->owed) < CKF_WAKE_ALL)
        /* edge wake-owed: seq_cst before ckf_lock_try(); pairs with the loads in owes(). */
        fetch_add_seq_cst(&side->owed, count);
}

void ckf_waitlist_lock(struct ckf_waitlist *list)
{
    if (list->by_mutex)
        pthread_mutex_lock(&list->mutex);
    else
        ckf_lock_acquire(&list->lock);
}

void ckf_waitlist_unlock(struct ckf_waitlist *list)
{
    if (list->by_mutex) {
        pthread_mutex_unlock(&list->mutex);
        return;
    }
    ckf_lock_release(&list->lock);
    if (CKF_STEP(true))
        settle(list);
}

/* Claims and fires up to count waiters, here or on the thread that holds the lock. */
static void wake_sleepers(struct ckf_waitlist *list, enum ckf_direction direction, uint32_t count)
{
    if (list->by_mutex) {
        pthread_mutex_lock(&list->mutex);
        struct ckf_wait_node *chain = ckf_waitlist_claim(list, direction, count);
        pthread_mutex_unlock(&list->mutex);
        ckf_waitlist_fire(chain);
        return;
    }
    owe(&list->sides[direction], count);
    settle(list);
}

static void fire_if_armed(struct ckf_wait_side *side, uint64_t interest)
{
    /* relaxed: one of several notifiers disarms, and then writes. The kernel's lock of the descriptor
     * orders that write, and all before it, with the clearing that the next arming follows. */
    if (CKF_STEP((interest & CKF_INTEREST_ARMED) != 0) &&
        (fetch_and_relaxed(&side->interest, ~CKF_INTEREST_ARMED) & CKF_INTEREST_ARMED))
        ckf_event_fd_set(load_relaxed(&side->event_fd) - 1); /* relaxed: made before it is armed */
}

void ckf_waitlist_wake(struct ckf_waitlist *list, enum ckf_direction direction, uint32_t count)
{
    struct ckf_wait_side *side = &list->sides[direction];
    /* relaxed: what this thread must see it saw in ckf_waitlist_notify(); whoever comes later looks
     * at the channel itself. */
    uint64_t interest = load_relaxed(&side->interest);
    fire_if_armed(side, interest);
    uint32_t nodes = (uint32_t)((interest & CKF_INTEREST_NODES) / CKF_INTEREST_NODE);
    if (nodes > 0)
        wake_sleepers(list, direction, count < nodes ? count : nodes);
}

void ckf_waitlist_notify_pollers(struct ckf_waitlist *list, enum ckf_direction direction)
{
    struct ckf_wait_side *side = &list->sides[direction];
    /* edge interest-shown: seq_cst load after the change, as in ckf_waitlist_notify(). */
    fire_if_armed(side, load_seq_cst(&side->interest));
}

void ckf_waitlist_notify_closed(struct ckf_waitlist *list)
{
    for (int direction = 0; direction < 2; direction++) {
        ckf_waitlist_notify_pollers(list, direction);
        if (CKF_STEP(true))
            wake_sleepers(list, direction, CKF_WAKE_ALL);
    }
}

bool ckf_waitlist_has_sleepers(struct ckf_waitlist *list)
{
    bool found = false;
    ckf_waitlist_lock(list);
    struct ckf_wait_node *chain = claim_owed(list);
    for (int direction = 0; direction < 2; direction++)
        for (struct ckf_wait_node *node = list->sides[direction].first; node; node = node->next)
            /* relaxed: a call whose claim this does not see is asleep as far as it matters */
            found |= load_relaxed(node->wait->claim) == node->wait->name + CKF_CLAIM_OPEN;
    ckf_waitlist_unlock(list);
    ckf_waitlist_fire(chain);
    return found;
}

uint32_t ckf_waitlist_sleepers(const struct ckf_waitlist *list, enum ckf_direction direction,
                               uint64_t *enrolled)
{
    /* edge interest-shown: seq_cst; pairs with the RMW in ckf_waitlist_link(). Between "armed" and
     * this load nobody can enrol without being seen or seeing the arm. */
    uint64_t interest = load_seq_cst(&list->sides[direction].interest);
    *enrolled = interest >> 32;
    return (uint32_t)((interest & CKF_INTEREST_NODES) / CKF_INTEREST_NODE);
}

enum ckf_status ckf_waitlist_event_fd(struct ckf_waitlist *list, enum ckf_direction direction,
                                      int *fd)
{
    _Atomic(int) *slot = &list->sides[direction].event_fd;
    /* edge event-fd: acquire and release, so that whoever is given the descriptor comes after who
     * opened it. */
    int fd_plus_one = load_acquire(slot);
    if (fd_plus_one == 0) {
        int made = ckf_event_fd_open();
        if (made < 0)
            return CKF_NO_MEMORY;
        if (cas_acq_rel(slot, &fd_plus_one, made + 1))
            fd_plus_one = made + 1;
        else
            ckf_event_fd_close(made);
    }
    *fd = fd_plus_one - 1;
    return CKF_OK;
}

void ckf_waitlist_arm(struct ckf_waitlist *list, enum ckf_direction direction)
{
    struct ckf_wait_side *side = &list->sides[direction];
    ckf_event_fd_clear(load_relaxed(&side->event_fd) - 1); /* relaxed: the caller has seen it */
    /* edge interest-shown: seq_cst RMW before the second look at the channel; pairs with the load
     * in ckf_waitlist_notify(). */
    fetch_or_seq_cst(&side->interest, CKF_INTEREST_ARMED);
}

void ckf_waitlist_fire_event(struct ckf_waitlist *list, enum ckf_direction direction)
{
    struct ckf_wait_side *side = &list->sides[direction];
    fetch_and_relaxed(&side->interest, ~CKF_INTEREST_ARMED); /* relaxed: as in fire_if_armed() */
    ckf_event_fd_set(load_relaxed(&side->event_fd) - 1);     /* relaxed: the caller has seen it */
}
