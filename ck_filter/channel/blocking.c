/* channel/blocking.c - how a call falls asleep on one or many channels and wakes for one case.
 *
 * Roles:      the waiter enrols a node for each case, sleeps, leaves all lists, and tries again. Who
 *             wakes it has claimed it: a notifier or closer ("look again"), a rendezvous peer ("done"),
 *             or the canceller of its context. A deadline it claims itself.
 * Invariants: a call enrols in all its rendezvous at once, with their locks held in the order of
 *             addresses, after it has seen no peer in any: so of two calls that could meet, one finds
 *             the other, and never both each other.
 *             In channels that hold elements it enrols one after another, and looks at each once more
 *             after its interest is shown.
 *             Whatever woke it, the call tries all its cases before it gives up or sleeps again. So a
 *             wake-up is used, or was not needed any more; only when another case was taken it is
 *             passed on.
 * Close:      is a state that the cases find when they are tried.
 * Teardown:   nothing stays behind: a call leaves all lists before it returns, and detaches from its
 *             context, which waits for a canceller in mid-claim.
 */
#include "channel/blocking.h"

#include "base/backoff.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/step.h"
#include "channel/core.h"
#include "sync/patience.h"

/* --- trying --- */

static void swap_order(struct ckf_case_room *rooms, size_t a, size_t b)
{
    uint32_t kept = rooms[a].order;
    rooms[a].order = rooms[b].order;
    rooms[b].order = kept;
}

/* Tries one case, with the result of ckf_call_try(). */
static inline enum ckf_status try_case(struct ckf_call *call, size_t number,
                                       enum ckf_status (*attempt)(const struct ckf_select_case *))
{
    struct ckf_select_case *only = &call->cases[number];
    enum ckf_status status = only->channel != NULL ? attempt(only) : CKF_AGAIN;
    if (status == CKF_AGAIN || status == CKF_NO_MEMORY)
        return status;
    only->status = status;
    call->chosen = number;
    return CKF_OK;
}

enum ckf_status ckf_call_try_any(struct ckf_call *call,
                                 enum ckf_status (*attempt)(const struct ckf_select_case *only))
{
    return call->count == 0 ? CKF_AGAIN
                            : try_case(call, ckf_random_below((uint32_t)call->count), attempt);
}

enum ckf_status ckf_call_try_in_turn(struct ckf_call *call,
                                     enum ckf_status (*attempt)(const struct ckf_select_case *only))
{
    size_t first = call->count > 0 ? ckf_random_below((uint32_t)call->count) : 0;
    for (size_t i = 0; i < call->count; i++) {
        size_t left = call->count - first;
        enum ckf_status status = try_case(call, i < left ? first + i : i - left, attempt);
        if (status != CKF_AGAIN)
            return status;
    }
    return CKF_AGAIN;
}

enum ckf_status ckf_call_try(struct ckf_call *call,
                             enum ckf_status (*attempt)(const struct ckf_select_case *only))
{
    /* Fisher and Yates: what has been tried is behind `left`. */
    for (size_t left = call->count; left > 0; left--) {
        if (left > 1)
            swap_order(call->rooms, left - 1, ckf_random_below((uint32_t)left));
        enum ckf_status status = try_case(call, call->rooms[left - 1].order, attempt);
        if (status != CKF_AGAIN)
            return status;
    }
    return CKF_AGAIN;
}

static enum ckf_status attempt(const struct ckf_select_case *only)
{
    return ckf_core_try(only->channel, only->direction, only->elem);
}

/* --- polling --- */

enum {
    FIRST_RELAXES = 4,
    MOST_RELAXES = 128, /* between two looks: they take the line from the one who is to write it */
    GATHERING_RELAXES = 16, /* in which another thread sends, or receives, a batch of some dozens */
    WAYS_GIVEN = 4 /* with more threads than CPUs, one of those waited for may be next in line */
};

static bool is_ready(const struct ckf_select_case *only)
{
    uint64_t moment;
    return only->channel->core->is_ready(only->channel, only->direction, &moment);
}

static bool can_poll(const struct ckf_select_case *only)
{
    return only->channel != NULL && only->channel->core->polls;
}

static bool any_can_poll(const struct ckf_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (can_poll(&call->cases[i]))
            return true;
    return false;
}

static bool any_is_ready(const struct ckf_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (can_poll(&call->cases[i]) && is_ready(&call->cases[i]))
            return true;
    return false;
}

/* Tries the cases again if one has become ready. */
static enum ckf_status look(struct ckf_call *call)
{
    return any_is_ready(call) ? ckf_call_try(call, attempt) : CKF_AGAIN;
}

static void relax(unsigned times)
{
    while (times-- > 0)
        ckf_cpu_relax();
}

/* Steps between two looks, at most: as long as it takes to fill a channel, or to empty it, little is lost
 * by looking away. Who waits for the one element of a small one waits for each step. */
static unsigned longest_pause(const struct ckf_call *call)
{
    size_t steps = MOST_RELAXES;
    for (size_t i = 0; i < call->count; i++)
        if (can_poll(&call->cases[i]) && call->cases[i].channel->capacity < steps / 2)
            steps = call->cases[i].channel->capacity * 2 - 1;
    return (unsigned)steps;
}

static enum ckf_status look_for(struct ckf_call *call, int64_t end_ns)
{
    unsigned longest = longest_pause(call);
    unsigned steps = longest < FIRST_RELAXES ? longest : FIRST_RELAXES;
    do {
        relax(steps);
        if (call->gathers && any_is_ready(call))
            relax(GATHERING_RELAXES);
        enum ckf_status status = look(call);
        if (status != CKF_AGAIN)
            return status;
        if (steps < longest)
            steps *= 2;
    } while (ckf_now_ns() < end_ns);
    return CKF_AGAIN;
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

int64_t ckf_call_awake_until_ns(const struct ckf_call *call, int64_t start_ns, int64_t patience_ns)
{
    return earlier(start_ns + patience_ns, ckf_call_deadline_ns(call));
}

/* Waits a little without enrolling anywhere, which is all that a busy channel needs: enrolling, and
 * being found and woken, cost more than several elements. */
static enum ckf_status poll_shortly(struct ckf_call *call, int64_t start_ns)
{
    enum ckf_status status = CKF_AGAIN;
    int64_t patience_ns = ckf_patience_ns();
    call->was_awake = true;
    if (patience_ns > 0) {
        status = look_for(call, ckf_call_awake_until_ns(call, start_ns, patience_ns));
        if (status != CKF_AGAIN)
            ckf_patience_paid();
        else
            ckf_patience_was_vain();
    }
    int ways = ckf_patience_gives_way() ? WAYS_GIVEN : 0;
    for (int i = 0; i < ways && status == CKF_AGAIN && ckf_give_way(); i++)
        status = look(call);
    return status;
}

/* --- enrolling and leaving --- */

/* Sorts the channels of the first rooms by address. In place, and many in little more time than few: Shell, "A
 * High-Speed Sorting Procedure", CACM 1959. */
static void sort_channels(struct ckf_case_room *rooms, size_t count)
{
    size_t gap = 1;
    while (gap < count / 3)
        gap = gap * 3 + 1;
    for (; gap > 0; gap /= 3)
        for (size_t i = gap; i < count; i++) {
            struct ckf_channel *channel = rooms[i].channel;
            size_t place = i;
            for (; place >= gap && (uintptr_t)rooms[place - gap].channel > (uintptr_t)channel;
                 place -= gap)
                rooms[place].channel = rooms[place - gap].channel;
            rooms[place].channel = channel;
        }
}

/* Each channel once, in the order of addresses, and NULL behind them. */
static void list_channels(struct ckf_call *call)
{
    struct ckf_case_room *rooms = call->rooms;
    size_t found = 0, listed = 0;
    for (size_t i = 0; i < call->count; i++)
        if (call->cases[i].channel != NULL)
            rooms[found++].channel = call->cases[i].channel;
    sort_channels(rooms, found);
    for (size_t i = 0; i < found; i++)
        if (listed == 0 || rooms[listed - 1].channel != rooms[i].channel)
            rooms[listed++].channel = rooms[i].channel;
    if (listed < call->count)
        rooms[listed].channel = NULL;
}

static struct ckf_channel *listed_channel(const struct ckf_call *call, size_t i)
{
    return i < call->count ? call->rooms[i].channel : NULL;
}

/* What a dump shows: each channel once. Returns the first note. */
static const struct ckf_wait_note *write_notes(struct ckf_call *call)
{
    const struct ckf_wait_note *first = NULL;
    for (size_t i = 0; listed_channel(call, i) != NULL; i++) {
        call->rooms[i].note = (struct ckf_wait_note){.object = "channel",
                                                     .name = call->rooms[i].channel->name,
                                                     .operation = call->operation,
                                                     .site = call->site,
                                                     .also = first};
        first = &call->rooms[i].note;
    }
    return first;
}

static bool is_rendezvous(const struct ckf_channel *channel)
{
    return channel != NULL && channel->capacity == 0;
}

static void lock_rendezvous(const struct ckf_call *call)
{
    struct ckf_channel *channel;
    for (size_t i = 0; (channel = listed_channel(call, i)) != NULL; i++)
        if (is_rendezvous(channel))
            ckf_waitlist_lock(&channel->waitlist);
}

static void unlock_rendezvous(const struct ckf_call *call)
{
    struct ckf_channel *channel;
    for (size_t i = 0; (channel = listed_channel(call, i)) != NULL; i++)
        if (is_rendezvous(channel))
            ckf_waitlist_unlock(&channel->waitlist);
}

static bool any_rendezvous_is_ready(const struct ckf_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (is_rendezvous(call->cases[i].channel) && CKF_STEP(is_ready(&call->cases[i])))
            return true;
    return false;
}

static void prepare_nodes(struct ckf_call *call, struct ckf_wait *wait)
{
    for (size_t i = 0; i < call->count; i++)
        call->rooms[i].node = (struct ckf_wait_node){
            .wait = wait, .elem = call->cases[i].elem, .case_number = (uint32_t)i};
}

/* The nth case in the random order of the last attempts: of two equal cases, each may come first. */
static uint32_t nth_in_order(const struct ckf_call *call, size_t nth)
{
    return call->rooms[nth].order;
}

static void link_case(struct ckf_call *call, uint32_t number, bool in_front)
{
    const struct ckf_select_case *only = &call->cases[number];
    ckf_waitlist_link(&only->channel->waitlist, only->direction, &call->rooms[number].node,
                      in_front);
}

/* A sleeping peer makes a rendezvous ready for those who poll the other direction. */
static void tell_pollers(const struct ckf_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (is_rendezvous(call->cases[i].channel))
            ckf_waitlist_notify_pollers(&call->cases[i].channel->waitlist,
                                        call->cases[i].direction == CKF_SEND ? CKF_RECV : CKF_SEND);
}

/* False: a peer is there, or a close, and the call is enrolled in none. Who closes later finds the call,
 * by the lock or by a debt to its holder. */
static bool enrol_in_rendezvous(struct ckf_call *call, bool in_front)
{
    lock_rendezvous(call);
    bool alone = !any_rendezvous_is_ready(call);
    for (size_t i = 0; alone && i < call->count; i++)
        if (is_rendezvous(call->cases[nth_in_order(call, i)].channel))
            link_case(call, nth_in_order(call, i), in_front);
    unlock_rendezvous(call);
    if (CKF_STEP(alone))
        tell_pollers(call);
    return alone;
}

/* False: one is ready, and the call is enrolled in some. */
static bool enrol_in_buffered(struct ckf_call *call, bool in_front)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct ckf_select_case *only = &call->cases[nth_in_order(call, i)];
        if (only->channel == NULL || is_rendezvous(only->channel))
            continue;
        ckf_waitlist_lock(&only->channel->waitlist);
        link_case(call, nth_in_order(call, i), in_front);
        ckf_waitlist_unlock(&only->channel->waitlist);
        ckf_core_catch_up(only->channel, only->direction);
        if (CKF_STEP(is_ready(only)))
            return false;
    }
    return true;
}

/* Leaves all lists that its claimer has not taken it from. */
static void leave(struct ckf_call *call, const struct ckf_wait *wait, enum ckf_claim claim)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct ckf_select_case *only = &call->cases[i];
        if (only->channel == NULL ||
            (claim == CKF_CLAIM_TAKEN && wait->unlinked && wait->taken_case == i))
            continue;
        ckf_waitlist_lock(&only->channel->waitlist);
        ckf_waitlist_unlink(&only->channel->waitlist, only->direction, &call->rooms[i].node);
        ckf_waitlist_unlock(&only->channel->waitlist);
    }
}

/* --- sleeping --- */

struct sleep {
    struct ckf_context_watcher watcher; /* first */
    struct ckf_wait wait;
};

static void cancel(struct ckf_context_watcher *watcher)
{
    struct sleep *sleep = (struct sleep *)(void *)watcher;
    if (ckf_wait_claim(&sleep->wait, CKF_CLAIM_CANCELED))
        ckf_unpark(&sleep->wait.parker);
}

int64_t ckf_call_deadline_ns(const struct ckf_call *call)
{
    return earlier(ckf_context_deadline_ns(call->context), call->deadline_ns);
}

/* Claims the wait itself, unless somebody has, and then waits until it is fired. */
static enum ckf_claim give_up(struct ckf_wait *wait)
{
    if (CKF_STEP(!ckf_wait_claim(wait, CKF_CLAIM_ABANDONED)))
        ckf_park(&wait->parker, CKF_FOREVER, NULL);
    return ckf_wait_outcome(wait);
}

static enum ckf_claim sleep_until_claimed(const struct ckf_call *call, struct ckf_wait *wait,
                                          int64_t deadline_ns, const struct ckf_wait_note *note)
{
    bool fired = call->was_awake ? ckf_park_at_once(&wait->parker, deadline_ns, note)
                                 : ckf_park(&wait->parker, deadline_ns, note);
    return fired ? ckf_wait_outcome(wait) : give_up(wait);
}

/* The wake-up for one case was not used: another one may need it. */
static void pass_on(const struct ckf_select_case *unused)
{
    /* Whoever enrolled before the change that this call was woken for is known since the wake-up, and
     * whoever enrols later looks at the channel: no seq_cst look for interest is needed. */
    if (CKF_STEP(is_ready(unused)))
        ckf_waitlist_wake(&unused->channel->waitlist, unused->direction, 1);
}

static bool same_end(const struct ckf_select_case *a, const struct ckf_select_case *b)
{
    return a->channel == b->channel && a->direction == b->direction;
}

/* After the sleep. CKF_AGAIN: nothing could be taken. */
static enum ckf_status complete(struct ckf_call *call, const struct ckf_wait *wait,
                                enum ckf_claim claim)
{
    size_t woken_for = claim == CKF_CLAIM_TAKEN ? wait->taken_case : call->count;
    if (woken_for < call->count && wait->handed) {
        call->chosen = woken_for;
        call->cases[woken_for].status = CKF_OK;
        return CKF_OK;
    }
    enum ckf_status status = ckf_call_try(call, attempt);
    if (woken_for < call->count && status != CKF_AGAIN &&
        (status != CKF_OK || !same_end(&call->cases[call->chosen], &call->cases[woken_for])))
        pass_on(&call->cases[woken_for]);
    return status;
}

/* One attempt to sleep. CKF_AGAIN: to be repeated. */
CKF_COLD static enum ckf_status sleep_once(struct ckf_call *call, int64_t deadline_ns,
                                           const struct ckf_wait_note *note, bool in_front)
{
    struct sleep sleep = {.watcher.fire = cancel};
    ckf_wait_init(&sleep.wait);
    prepare_nodes(call, &sleep.wait);
    enum ckf_status status = ckf_context_attach(call->context, &sleep.watcher);
    if (status != CKF_OK)
        return status;
    bool idle = enrol_in_rendezvous(call, in_front) && enrol_in_buffered(call, in_front);
    enum ckf_claim claim =
        idle ? sleep_until_claimed(call, &sleep.wait, deadline_ns, note) : give_up(&sleep.wait);
    ckf_context_detach(call->context, &sleep.watcher);
    leave(call, &sleep.wait, claim);
    status = complete(call, &sleep.wait, claim);
    if (status == CKF_AGAIN && claim == CKF_CLAIM_CANCELED)
        return ckf_context_outcome(call->context);
    if (status == CKF_AGAIN && claim == CKF_CLAIM_ABANDONED && idle)
        return CKF_TIMED_OUT;
    return status;
}

CKF_COLD static enum ckf_status sleep_as_needed(struct ckf_call *call)
{
    list_channels(call);
    const struct ckf_wait_note *note = write_notes(call);
    int64_t deadline_ns = ckf_call_deadline_ns(call);
    enum ckf_status status = sleep_once(call, deadline_ns, note, false);
    while (status == CKF_AGAIN)
        status = sleep_once(call, deadline_ns, note, true);
    return status;
}

enum ckf_status ckf_call_wait(struct ckf_call *call)
{
    bool first = ckf_patience_is_new(); /* no patience and nothing to learn: no look at the clock */
    int64_t start_ns = first ? 0 : ckf_now_ns();
    enum ckf_status status = any_can_poll(call) ? poll_shortly(call, start_ns) : CKF_AGAIN;
    if (status != CKF_AGAIN)
        return status;
    status = sleep_as_needed(call);
    if (!first && call->was_awake && status != CKF_TIMED_OUT)
        ckf_patience_slept(ckf_now_ns() - start_ns);
    return status;
}

enum ckf_status ckf_call_wait_one(struct ckf_call *call)
{
    enum ckf_status status = ckf_call_wait(call);
    return status == CKF_OK ? call->cases[0].status : status;
}
