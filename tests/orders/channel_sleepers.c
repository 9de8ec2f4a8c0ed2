/* tests/orders/channel_sleepers.c - whoever sleeps or polls is told, by whom it may be. */
#include <poll.h>
#include <stdalign.h>
#include <stdlib.h>

#include "channel/board.h"
#include "channel/core.h"
#include "channel/waitlist.h"
#include "channels.h"
#include "sync/parking.h"
#include "sync/per_thread.h"

static bool is_readable(struct ckf_stress_run *run, struct ckf_channel *channel,
                        enum ckf_direction direction)
{
    struct pollfd polled = {.events = POLLIN};
    expect(run, ckf_channel_event_fd(channel, direction, &polled.fd) == CKF_OK);
    return poll(&polled, 1, 0) == 1;
}

/* --- pollers --- */

static void polled(struct ckf_stress_run *run, struct state *s, size_t capacity)
{
    s->first = make(run, capacity, 8);
    expect(run, is_readable(run, s->first, CKF_RECV) && is_readable(run, s->first, CKF_SEND));
}

static void polled_rendezvous(struct ckf_stress_run *run, void *state)
{
    polled(run, state, 0);
}

static void polled_ring(struct ckf_stress_run *run, void *state)
{
    polled(run, state, 3);
}

static void polled_segments(struct ckf_stress_run *run, void *state)
{
    polled(run, state, CKF_UNBOUNDED);
}

static void polled_segments_at_their_end(struct ckf_stress_run *run, void *state)
{
    polled(run, state, CKF_UNBOUNDED);
    use_cells(run, ((struct state *)state)->first, CELLS);
}

static void poll_for_element(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    (void)run;
    s->told = take(s->first, &value) != CKF_AGAIN;
}

static void check_poller(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->told || is_readable(run, s->first, CKF_RECV));
    destroy_both(run, state);
}

SCENE(poll_close_rendezvous, "channel-order-poll-close-rendezvous", BOTH, polled_rendezvous,
      check_poller, {"poller", poll_for_element, 1}, {"closer", close_first, 1});
SCENE(poll_close_ring, "channel-order-poll-close-ring", BOTH, polled_ring, check_poller,
      {"poller", poll_for_element, 1}, {"closer", close_first, 1});
SCENE(poll_close_segments, "channel-order-poll-close-segments", BOTH, polled_segments, check_poller,
      {"poller", poll_for_element, 1}, {"closer", close_first, 1});
SCENE(poll_close_at_the_end, "channel-order-poll-close-at-the-end", BOTH,
      polled_segments_at_their_end, check_poller, {"poller", poll_for_element, 1},
      {"closer", close_first, 1});
SCENE(poll_ring, "channel-order-poll-ring", BOTH, polled_ring, check_poller,
      {"poller", poll_for_element, 1}, {"sender", put_first, 1});
SCENE(poll_segments, "channel-order-poll-segments", BOTH, polled_segments, check_poller,
      {"poller", poll_for_element, 1}, {"sender", put_first, 1});
SCENE(poll_at_the_end, "channel-order-poll-at-the-end", BOTH, polled_segments_at_their_end,
      check_poller, {"poller", poll_for_element, 1}, {"sender", put_first, 1});

/* One of them opens it, the other is given it. */
static void ask_and_look(struct ckf_stress_run *run, void *state)
{
    is_readable(run, ((struct state *)state)->first, CKF_SEND);
}

SCENE(poll_by_two, "channel-order-poll-by-two", BOTH, empty_ring, destroy_both,
      {"poller", ask_and_look, 2});

/* Another one looks at the channel, and may clear what was meant for the poller. */
static void look_whether_ready(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_channel_is_ready(((struct state *)state)->first, CKF_RECV);
}

SCENE(poll_beside_another, "channel-order-poll-beside-another", BOTH, polled_ring, check_poller,
      {"poller", poll_for_element, 1}, {"other", look_whether_ready, 1}, {"sender", put_first, 1});

/* In the end it gives up: the poller was sent away before it fell asleep, and must have been told. */
static void sleep_as_peer(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    enum ckf_status status =
        ckf_channel_send_until(s->first, &(uint64_t){1}, ckf_deadline_after_ns(FAR_NS), NULL);
    expect(run, status == CKF_OK || status == CKF_TIMED_OUT);
}

SCENE(poll_sleeping_peer, "channel-order-poll-sleeping-peer", BOTH, polled_rendezvous, check_poller,
      {"poller", poll_for_element, 1}, {"peer", sleep_as_peer, 1});

/* Select arms the descriptors of its channels, too. */
static void poll_by_select(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    size_t chosen;
    struct ckf_select_case only = {.channel = s->first, .direction = CKF_RECV, .elem = &value};
    s->told = ckf_select(&only, 1, &chosen, CKF_NOW, NULL) == CKF_OK;
    (void)run;
}

SCENE(poll_with_select, "channel-order-poll-with-select", BOTH, polled_ring, check_poller,
      {"poller", poll_by_select, 1}, {"sender", put_first, 1});

static void check_rest(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, !s->told && !is_readable(run, s->first, CKF_RECV));
    destroy_both(run, state);
}

SCENE(poll_nothing_by_select, "channel-order-poll-nothing-by-select", BOTH, polled_ring, check_rest,
      {"poller", poll_by_select, 1});

/* --- sleepers --- */

SCENE(sleep_at_segment, "channel-order-sleep-at-segment", BOTH, empty_segments, destroy_both,
      {"receiver", receive_first, 1}, {"sender", put_first, 1});
SCENE(sleep_until_sent, "channel-order-sleep-until-sent", BOTH, empty_segments, destroy_both,
      {"receiver", receive_first, 1}, {"sender", send_quickly, 1});
SCENE(sleep_at_the_end, "channel-order-sleep-at-the-end", BOTH, full_segment, destroy_both,
      {"receiver", receive_first, 1}, {"sender", put_first, 1});

static void receive_closed(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    expect(run, ckf_channel_recv(s->first, &value) == CKF_CLOSED && s->plain == 1);
}

static void write_and_close(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->plain = 1;
    close_first(run, state);
}

SCENE(close_at_segment, "channel-order-close-at-segment", BOTH, empty_segments, destroy_both,
      {"receiver", receive_closed, 2}, {"closer", write_and_close, 1});
SCENE(close_at_the_end, "channel-order-close-at-the-end", BOTH, full_segment, destroy_both,
      {"receiver", receive_closed, 2}, {"closer", write_and_close, 1});

/* A try that meets the close finds what was written before it. */
static void try_until_closed(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    while (take(s->first, &value) == CKF_AGAIN)
        ckf_stress_spin(run);
    expect(run, s->plain == 1 && put(s->first, 1) == CKF_CLOSED);
}

SCENE(try_closed_rendezvous, "channel-order-try-closed-rendezvous", BOTH, empty_rendezvous,
      destroy_both, {"trier", try_until_closed, 1}, {"closer", write_and_close, 1});
SCENE(try_closed_ring, "channel-order-try-closed-ring", BOTH, empty_ring, destroy_both,
      {"trier", try_until_closed, 1}, {"closer", write_and_close, 1});

SCENE(senders_sleep, "channel-order-senders-sleep", BOTH, full_ring, destroy_both,
      {"sender", send_first, 2}, {"taker", take_first, 2});
SCENE(receivers_sleep, "channel-order-receivers-sleep", BOTH, empty_ring, destroy_both,
      {"receiver", receive_first, 2}, {"sender", put_first, 2});

static void take_two_at_once(struct ckf_stress_run *run, void *state)
{
    uint64_t values[2];
    size_t done;
    expect(run, ckf_channel_recv_many(((struct state *)state)->first, values, 2, &done, CKF_NOW,
                                      NULL) == CKF_OK);
}

SCENE(senders_sleep_until_a_batch, "channel-order-senders-sleep-until-a-batch", BOTH, full_ring,
      destroy_both, {"sender", send_first, 2}, {"taker", take_two_at_once, 1});

/* A peer that comes while others enrol finds one of them on the board. */
static void send_first_twice(struct ckf_stress_run *run, void *state)
{
    send_first(run, state);
    send_first(run, state);
}

SCENE(peers_on_the_board, "channel-order-peers-on-the-board", BOTH, empty_rendezvous, destroy_both,
      {"receiver", receive_first, 2}, {"sender", send_first_twice, 1});

static void full_of_one(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, 1, 8);
    expect(run, put(s->first, 1) == CKF_OK);
}

/* What it sends within its time it takes back: the room was meant for the other sender. */
static void send_within(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    enum ckf_status status =
        ckf_channel_send_until(s->first, &(uint64_t){2}, ckf_deadline_after_ns(1000), NULL);
    expect(run, status == CKF_OK || status == CKF_TIMED_OUT);
    if (status == CKF_OK)
        receive_first(run, state);
}

SCENE(hasty_sender, "channel-order-hasty-sender", BOTH, full_of_one, destroy_both,
      {"hasty sender", send_within, 1}, {"sender", send_first, 1}, {"taker", take_first, 1});

/* Sleepers of a rendezvous, put into its list by hand: one has been there and is gone, one is there. */
struct peers {
    struct ckf_context *context;
    struct ckf_wait waits[3];
    struct ckf_wait_node nodes[3];
    uint64_t elems[3];
    unsigned number_plus_one; /* of the thread whose waits the first two are */
};

static void link_peer(struct state *s, int number)
{
    struct peers *peers = s->object;
    ckf_wait_init(&peers->waits[number]);
    peers->nodes[number] =
        (struct ckf_wait_node){.wait = &peers->waits[number], .elem = &peers->elems[number]};
    ckf_waitlist_link(&s->first->waitlist, CKF_RECV, &peers->nodes[number], false);
}

static void enrol_peer(struct state *s, int number)
{
    ckf_waitlist_lock(&s->first->waitlist);
    link_peer(s, number);
    ckf_waitlist_unlock(&s->first->waitlist);
}

static void no_peer(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct peers *peers = calloc(1, sizeof *peers);
    s->object = peers;
    empty_rendezvous(run, state);
    expect(run, ckf_context_create(&peers->context, NULL, CKF_FOREVER) == CKF_OK);
}

static void one_peer(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    no_peer(run, state);
    struct peers *peers = s->object;
    enrol_peer(s, 0);
    enrol_peer(s, 1);
    peers->number_plus_one = ckf_thread_number_plus_one;
    ckf_waitlist_lock(&s->first->waitlist);
    ckf_waitlist_unlink(&s->first->waitlist, CKF_RECV, &peers->nodes[0]);
    ckf_waitlist_unlock(&s->first->waitlist);
}

/* The next one comes before the last one is claimed: whoever sees that one gone finds it. */
static void enrol_and_put(struct ckf_stress_run *run, void *state)
{
    enrol_peer(state, 2);
    put_first(run, state);
}

static void put_while_enrolling(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_waitlist_lock(&s->first->waitlist);
    link_peer(s, 2);
    put_first(run, state);
    ckf_waitlist_unlock(&s->first->waitlist);
}

static void receive_unless_canceled(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct peers *peers = s->object;
    uint64_t value;
    enum ckf_status status = ckf_channel_recv_until(s->first, &value, CKF_FOREVER, peers->context);
    expect(run, status == CKF_OK || status == CKF_CANCELED);
}

static void enrol_and_cancel(struct ckf_stress_run *run, void *state)
{
    struct peers *peers = ((struct state *)state)->object;
    (void)run;
    enrol_peer(state, 2);
    ckf_context_cancel(peers->context, 1);
}

static void put_when_somebody_sleeps(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t enrolled;
    while (ckf_waitlist_sleepers(&s->first->waitlist, CKF_RECV, &enrolled) == 0)
        ckf_stress_spin(run);
    put_first(run, state);
}

static void free_peers(struct ckf_stress_run *run, void *state)
{
    struct peers *peers = ((struct state *)state)->object;
    destroy_both(run, state);
    ckf_context_release(peers->context);
    free(peers);
}

SCENE(always_a_peer, "channel-order-always-a-peer", ATOMIC_ONLY, one_peer, free_peers,
      {"enroller", enrol_and_put, 1}, {"sender", put_first, 1});

/* The one that was there has been fired, and its thread waits elsewhere. */
static void wait_again(struct ckf_stress_run *run, void *state)
{
    struct peers *peers = ((struct state *)state)->object;
    expect(run, ckf_park(&peers->waits[1].parker, CKF_FOREVER, NULL));
    ckf_thread_number_plus_one = peers->number_plus_one;
    ckf_wait_init(&peers->waits[0]);
}

static void enrol_and_claim(struct ckf_stress_run *run, void *state)
{
    struct ckf_waitlist *list = &((struct state *)state)->first->waitlist;
    (void)run;
    ckf_waitlist_lock(list);
    link_peer(state, 2);
    struct ckf_wait_node *claimed = ckf_waitlist_claim(list, CKF_RECV, 1);
    ckf_waitlist_unlock(list);
    ckf_waitlist_fire(claimed);
}

/* As a sender does that finds the list locked. */
static void claim_from_board(struct ckf_stress_run *run, void *state)
{
    struct ckf_channel *channel = ((struct state *)state)->first;
    uint64_t before, after;
    ckf_waitlist_sleepers(&channel->waitlist, CKF_RECV, &before);
    struct ckf_wait_node *claimed = ckf_board_claim(&channel->handoff.boards[CKF_RECV]);
    ckf_waitlist_sleepers(&channel->waitlist, CKF_RECV, &after);
    expect(run, claimed != NULL || after != before);
    if (claimed != NULL)
        ckf_unpark(&claimed->wait->parker);
}

SCENE(always_a_peer_after_another, "channel-order-always-a-peer-after-another", ATOMIC_ONLY,
      one_peer, free_peers, {"peer", wait_again, 1}, {"enroller", enrol_and_claim, 1},
      {"sender", claim_from_board, 1});
SCENE(always_a_peer_on_the_board, "channel-order-always-a-peer-on-the-board", ATOMIC_ONLY, one_peer,
      free_peers, {"enroller", put_while_enrolling, 1}, {"sender", put_first, 1});
SCENE(always_a_peer_unless_canceled, "channel-order-always-a-peer-unless-canceled", ATOMIC_ONLY,
      no_peer, free_peers, {"receiver", receive_unless_canceled, 1},
      {"enroller", enrol_and_cancel, 1}, {"sender", put_when_somebody_sleeps, 1});

/* --- the list of sleepers, by itself --- */

struct sleepers {
    struct ckf_waitlist list;
    _Atomic(int) changed[2]; /* by direction */
    int plain[2];
};

static void make_list(struct ckf_stress_run *run, void *state)
{
    struct sleepers *sleepers = aligned_alloc(alignof(struct sleepers), sizeof *sleepers);
    (void)run;
    *sleepers = (struct sleepers){.plain = {0, 0}};
    ckf_waitlist_init(&sleepers->list, false);
    ((struct state *)state)->object = sleepers;
}

static void free_list(struct ckf_stress_run *run, void *state)
{
    struct sleepers *sleepers = ((struct state *)state)->object;
    (void)run;
    ckf_waitlist_free(&sleepers->list);
    free(sleepers);
}

/* Enrols, looks, sleeps. What the waker wrote comes with the wake-up. */
static void sleep_in_list(struct ckf_stress_run *run, struct sleepers *s,
                          enum ckf_direction direction)
{
    struct ckf_wait wait = {.handed = false};
    struct ckf_wait_node node = {.wait = &wait};
    ckf_wait_init(&wait);
    ckf_waitlist_lock(&s->list);
    ckf_waitlist_link(&s->list, direction, &node, false);
    ckf_waitlist_unlock(&s->list);
    bool asleep = atomic_load(&s->changed[direction]) == 0;
    if (asleep)
        ckf_park(&wait.parker, CKF_FOREVER, NULL);
    expect(run, !asleep || s->plain[direction] == 1);
    ckf_waitlist_lock(&s->list);
    ckf_waitlist_unlink(&s->list, direction, &node);
    ckf_waitlist_unlock(&s->list);
    if (!asleep && atomic_load_explicit(wait.claim, relaxed) != wait.name + CKF_CLAIM_OPEN)
        ckf_park(&wait.parker, CKF_FOREVER, NULL);
}

static void change_and_notify(struct sleepers *s, enum ckf_direction direction)
{
    s->plain[direction] = 1;
    atomic_store(&s->changed[direction], 1);
    ckf_waitlist_notify(&s->list, direction, 1);
}

static void sleep_to_send(struct ckf_stress_run *run, void *state)
{
    sleep_in_list(run, ((struct state *)state)->object, CKF_SEND);
}

static void sleep_to_receive(struct ckf_stress_run *run, void *state)
{
    sleep_in_list(run, ((struct state *)state)->object, CKF_RECV);
}

static void let_send(struct ckf_stress_run *run, void *state)
{
    (void)run;
    change_and_notify(((struct state *)state)->object, CKF_SEND);
}

static void let_receive(struct ckf_stress_run *run, void *state)
{
    (void)run;
    change_and_notify(((struct state *)state)->object, CKF_RECV);
}

static void hold_the_list(struct ckf_stress_run *run, void *state)
{
    struct sleepers *s = ((struct state *)state)->object;
    (void)run;
    ckf_waitlist_lock(&s->list);
    ckf_waitlist_unlock(&s->list);
}

SCENE(debt_to_sender, "channel-order-debt-to-sender", ATOMIC_ONLY, make_list, free_list,
      {"sleeper", sleep_to_send, 1}, {"changer", let_send, 1}, {"holder", hold_the_list, 1});
SCENE(debt_to_receiver, "channel-order-debt-to-receiver", ATOMIC_ONLY, make_list, free_list,
      {"sleeper", sleep_to_receive, 1}, {"changer", let_receive, 1}, {"holder", hold_the_list, 1});
/* Who owes in one direction has seen a debt in the other, which is paid meanwhile. */
SCENE(debts_both_ways, "channel-order-debts-both-ways", ATOMIC_ONLY, make_list, free_list,
      {"sender", sleep_to_send, 1}, {"receiver", sleep_to_receive, 1},
      {"for the sender", let_send, 1}, {"for the receiver", let_receive, 1});
