/* tests/test_explore_order_cases.c - small scenes, one for each reason that an order or a step of the
 * library has, beside the cases of the stress suite: for `mutate`, which leaves the reason out.
 *
 * None has a racy twin: they are about the library, and some reach into its private parts. Where a
 * scene says "in the end", it means that the engine lets a far deadline fire only when nobody else can
 * go on.
 */
#include <poll.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <ck_filter/ck_filter.h>
#include <ck_filter/stress.h>

#include "channel/core.h"
#include "channel/waitlist.h"
#include "sync/lock.h"
#include "sync/parking.h"
#include "sync/per_thread.h"
#include "sync/reclaim.h"
#include "sync/section.h"
#include "sync/sharded_counter.h"
#include "sync/visit.h"

#define relaxed memory_order_relaxed

/* Where accesses are watched, a segment has few cells; some segments are kept for later. */
enum { CELLS = 4, KEPT = 8 };

enum { LARGE_BYTES = 24, FAR_NS = 1000000000 };

static const enum ckf_variant variants[CKF_STRESS_VARIANTS] = {
    [CKF_STRESS_MUTEX] = CKF_VARIANT_MUTEX, [CKF_STRESS_ATOMIC] = CKF_VARIANT_ATOMIC};

static void expect(struct ckf_stress_run *run, bool holds)
{
    if (!holds)
        ckf_stress_outcome(run, "wrong");
}

static enum ckf_variant variant_of(struct ckf_stress_run *run)
{
    return *(const enum ckf_variant *)ckf_stress_operations(run);
}

static struct ckf_channel *make(struct ckf_stress_run *run, size_t capacity, size_t elem_size)
{
    struct ckf_channel *channel = NULL;
    struct ckf_channel_options options = {
        .variant = variant_of(run), .capacity = capacity, .elem_size = elem_size};
    expect(run, ckf_channel_create(&channel, &options) == CKF_OK);
    return channel;
}

struct element {
    uint64_t words[LARGE_BYTES / 8];
};

static enum ckf_status put(struct ckf_channel *channel, uint64_t value)
{
    return ckf_channel_try_send(channel, &(struct element){{value, value, value}});
}

static enum ckf_status take(struct ckf_channel *channel, uint64_t *value)
{
    struct element element = {{0}};
    enum ckf_status status = ckf_channel_try_recv(channel, &element);
    *value = element.words[0];
    return status;
}

static void send_one(struct ckf_stress_run *run, struct ckf_channel *channel, uint64_t value)
{
    expect(run, ckf_channel_send(channel, &(struct element){{value, value, value}}) == CKF_OK);
}

static uint64_t recv_one(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    struct element element = {{0}};
    expect(run, ckf_channel_recv(channel, &element) == CKF_OK);
    return element.words[0];
}

/* Brings the next send to cell `cell` of an unbounded channel's current segment. */
static void use_cells(struct ckf_stress_run *run, struct ckf_channel *channel, unsigned cell)
{
    uint64_t value;
    for (unsigned i = 0; i < cell; i++)
        expect(run, put(channel, i) == CKF_OK && take(channel, &value) == CKF_OK);
}

static bool is_readable(struct ckf_stress_run *run, struct ckf_channel *channel,
                        enum ckf_direction direction)
{
    struct pollfd polled = {.events = POLLIN};
    expect(run, ckf_channel_event_fd(channel, direction, &polled.fd) == CKF_OK);
    return poll(&polled, 1, 0) == 1;
}

struct state {
    struct ckf_channel *first, *second;
    _Atomic(int) flag;
    int plain, other_plain;
    bool told, told_too;
    struct ckf_context *context;
    void *object;
    struct ckf_lock lock;
    struct ckf_parker parker;
    struct ckf_sharded_counter counter;
    struct ckf_permit probe;
    _Atomic(struct visited *) visited;
    struct ckf_fence fence;
};

static void destroy_both(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    if (s->first != NULL)
        ckf_channel_destroy(s->first);
    if (s->second != NULL)
        ckf_channel_destroy(s->second);
}

#define BOTH                                                                                       \
    {                                                                                              \
        [CKF_STRESS_MUTEX] = &variants[CKF_STRESS_MUTEX], [CKF_STRESS_ATOMIC] =                    \
                                                              &variants[CKF_STRESS_ATOMIC]         \
    }
#define ATOMIC_ONLY                                                                                \
    {                                                                                              \
        [CKF_STRESS_ATOMIC] = &variants[CKF_STRESS_ATOMIC]                                         \
    }
#define GOOD                                                                                       \
    {                                                                                              \
        {                                                                                          \
            "ok", CKF_STRESS_ACCEPTABLE, "as it should be"                                         \
        }                                                                                          \
    }

/* SCENE(name, id, which, setup, teardown, actors...) */
#define SCENE(name, case_id, which, before, after, ...)                                            \
    CKF_STRESS_CASE(name) = {                                                                      \
        .id = case_id,                                                                             \
        .collection = "orders",                                                                    \
        .title = #name,                                                                            \
        .operations = which,                                                                       \
        .state_size = sizeof(struct state),                                                        \
        .setup = before,                                                                           \
        .actors = {__VA_ARGS__},                                                                   \
        .teardown = after,                                                                         \
        .outcomes = GOOD,                                                                          \
    }

/* --- destroy waits for calls on their way out --- */

static void two_rendezvous(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, 0, 8);
    s->second = make(run, 1, 8);
}

static void select_both(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    size_t chosen;
    struct ckf_select_case cases[2] = {
        {.channel = s->first, .direction = CKF_RECV, .elem = &value},
        {.channel = s->second, .direction = CKF_RECV, .elem = &value}};
    expect(run, ckf_select(cases, 2, &chosen, CKF_FOREVER, NULL) == CKF_OK && chosen == 0);
}

/* Its send has been received: nobody sleeps in either channel. */
static void send_and_destroy(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    send_one(run, s->first, 1);
    ckf_channel_destroy(s->second);
    ckf_channel_destroy(s->first);
}

SCENE(destroy_after_select, "order-destroy-after-select", BOTH, two_rendezvous, NULL,
      {"selector", select_both, 1}, {"destroyer", send_and_destroy, 1});

static void two_buffered(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, 2, 8);
    s->second = make(run, 2, 8);
}

static void visit_one_after_another(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    send_one(run, s->first, 1);
    send_one(run, s->second, 1);
}

static void receive_and_destroy(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, recv_one(run, s->first) == 1);
    ckf_channel_destroy(s->first);
    s->first = NULL;
}

SCENE(destroy_after_visits, "order-destroy-after-visits", BOTH, two_buffered, destroy_both,
      {"visitor", visit_one_after_another, 1}, {"destroyer", receive_and_destroy, 1});

/* Each call that visits: what it did is there for who destroys the channel after the call's effect, be
 * the caller still about to leave (`first`), or already in another channel (`second`). */

static void call_try_send(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    expect(run, put(channel, 1) == CKF_OK);
}

static void call_send(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    send_one(run, channel, 1);
}

static void call_send_until(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    expect(run, ckf_channel_send_until(channel, &(uint64_t){1}, CKF_FOREVER, NULL) == CKF_OK);
}

static void call_send_many(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    size_t done;
    expect(run,
           ckf_channel_send_many(channel, &(uint64_t){1}, 1, &done, CKF_FOREVER, NULL) == CKF_OK);
}

static void call_close(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    expect(run, ckf_channel_close(channel) == CKF_OK);
}

static void call_done(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    expect(run, ckf_channel_producer_done(channel));
}

static void call_select_now(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    size_t chosen;
    struct ckf_select_case only = {
        .channel = channel, .direction = CKF_SEND, .elem = &(uint64_t){1}};
    expect(run, ckf_select(&only, 1, &chosen, CKF_NOW, NULL) == CKF_OK);
}

static void call_select_of_none(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    size_t chosen;
    uint64_t value;
    struct ckf_select_case both[2] = {{.channel = channel, .direction = CKF_RECV, .elem = &value},
                                      {.channel = channel, .direction = CKF_RECV, .elem = &value}};
    expect(run, ckf_select(both, 2, &chosen, CKF_NOW, NULL) == CKF_AGAIN);
}

static void call_is_ready(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    expect(run, !ckf_channel_is_ready(channel, CKF_RECV));
}

static void call_add_producer(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    expect(run, ckf_channel_add_producer(channel) == CKF_OK);
}

static void two_of_one_producer(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_channel_options options = {
        .variant = variant_of(run), .capacity = 1, .elem_size = 8, .producers = 1};
    expect(run, ckf_channel_create(&s->first, &options) == CKF_OK);
    expect(run, ckf_channel_create(&s->second, &options) == CKF_OK);
}

/* An element, or the close. */
static void notice_and_destroy(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    enum ckf_status status;
    while ((status = take(s->first, &value)) == CKF_AGAIN)
        ckf_stress_spin(run);
    ckf_channel_destroy(s->first);
    s->first = NULL;
}

#define VISITS(name, id)                                                                           \
    static void visit_first_by_##name(struct ckf_stress_run *run, void *state)                     \
    {                                                                                              \
        call_##name(run, ((struct state *)state)->first);                                          \
    }                                                                                              \
    SCENE(destroy_after_##name, "order-destroy-after-" id, BOTH, two_of_one_producer,              \
          destroy_both, {"visitor", visit_first_by_##name, 1},                                     \
          {"destroyer", notice_and_destroy, 1});                                                   \
    MOVES_ON(name, id)
#define MOVES_ON(name, id)                                                                         \
    static void move_on_to_##name(struct ckf_stress_run *run, void *state)                         \
    {                                                                                              \
        struct state *s = state;                                                                   \
        call_try_send(run, s->first);                                                              \
        call_##name(run, s->second);                                                               \
    }                                                                                              \
    SCENE(destroy_before_##name, "order-destroy-before-" id, BOTH, two_of_one_producer,            \
          destroy_both, {"visitor", move_on_to_##name, 1}, {"destroyer", notice_and_destroy, 1})

VISITS(try_send, "try-send");
VISITS(send, "send");
VISITS(send_until, "send-until");
VISITS(send_many, "send-many");
VISITS(close, "close");
VISITS(done, "done");
VISITS(select_now, "select-now");
MOVES_ON(select_of_none, "select-of-none");
MOVES_ON(is_ready, "is-ready");
MOVES_ON(add_producer, "add-producer");

static void two_with_elements(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    two_of_one_producer(run, state);
    expect(run, put(s->first, 1) == CKF_OK && put(s->second, 1) == CKF_OK);
}

static void call_recv(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    recv_one(run, channel);
}

static void call_try_recv(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    uint64_t value;
    expect(run, take(channel, &value) == CKF_OK);
}

/* Room shows that the visitor has received. */
static void fill_and_destroy(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    while (put(s->first, 2) == CKF_AGAIN)
        ckf_stress_spin(run);
    ckf_channel_destroy(s->first);
    s->first = NULL;
}

#define RECEIVES(name, id)                                                                         \
    static void receive_by_##name(struct ckf_stress_run *run, void *state)                         \
    {                                                                                              \
        call_##name(run, ((struct state *)state)->first);                                          \
    }                                                                                              \
    static void receive_both_by_##name(struct ckf_stress_run *run, void *state)                    \
    {                                                                                              \
        call_##name(run, ((struct state *)state)->first);                                          \
        call_##name(run, ((struct state *)state)->second);                                         \
    }                                                                                              \
    SCENE(destroy_after_##name, "order-destroy-after-" id, BOTH, two_with_elements, destroy_both,  \
          {"visitor", receive_by_##name, 1}, {"destroyer", fill_and_destroy, 1});                  \
    SCENE(destroy_between_##name, "order-destroy-between-" id, BOTH, two_with_elements,            \
          destroy_both, {"visitor", receive_both_by_##name, 1},                                    \
          {"destroyer", fill_and_destroy, 1})

RECEIVES(recv, "recv");
RECEIVES(try_recv, "try-recv");

/* The visitor's number goes to another thread. */
static void *visit_first(void *state)
{
    struct state *s = state;
    if (put(s->first, 1) != CKF_OK)
        abort();
    return NULL;
}

static void start_visitors(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    pthread_t thread;
    expect(run, pthread_create(&thread, NULL, visit_first, s) == 0);
    pthread_detach(thread);
}

static void visit_second(struct ckf_stress_run *run, void *state)
{
    send_one(run, ((struct state *)state)->second, 1);
}

SCENE(destroy_after_exit, "order-destroy-after-exit", BOTH, two_buffered, destroy_both,
      {"starter", start_visitors, 1}, {"successor", visit_second, 1},
      {"destroyer", receive_and_destroy, 1});

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

static void close_first(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_channel_close(((struct state *)state)->first) == CKF_OK);
}

static void put_first(struct ckf_stress_run *run, void *state)
{
    expect(run, put(((struct state *)state)->first, 1) == CKF_OK);
}

static void check_poller(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->told || is_readable(run, s->first, CKF_RECV));
    destroy_both(run, state);
}

SCENE(poll_close_rendezvous, "order-poll-close-rendezvous", BOTH, polled_rendezvous, check_poller,
      {"poller", poll_for_element, 1}, {"closer", close_first, 1});
SCENE(poll_close_ring, "order-poll-close-ring", BOTH, polled_ring, check_poller,
      {"poller", poll_for_element, 1}, {"closer", close_first, 1});
SCENE(poll_close_segments, "order-poll-close-segments", BOTH, polled_segments, check_poller,
      {"poller", poll_for_element, 1}, {"closer", close_first, 1});
SCENE(poll_close_at_the_end, "order-poll-close-at-the-end", BOTH, polled_segments_at_their_end,
      check_poller, {"poller", poll_for_element, 1}, {"closer", close_first, 1});
SCENE(poll_ring, "order-poll-ring", BOTH, polled_ring, check_poller,
      {"poller", poll_for_element, 1}, {"sender", put_first, 1});
SCENE(poll_segments, "order-poll-segments", BOTH, polled_segments, check_poller,
      {"poller", poll_for_element, 1}, {"sender", put_first, 1});
SCENE(poll_at_the_end, "order-poll-at-the-end", BOTH, polled_segments_at_their_end, check_poller,
      {"poller", poll_for_element, 1}, {"sender", put_first, 1});

/* In the end it gives up: the poller was sent away before it fell asleep, and must have been told. */
static void sleep_as_peer(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    enum ckf_status status =
        ckf_channel_send_until(s->first, &(uint64_t){1}, ckf_deadline_after_ns(FAR_NS), NULL);
    expect(run, status == CKF_OK || status == CKF_TIMED_OUT);
}

SCENE(poll_sleeping_peer, "order-poll-sleeping-peer", BOTH, polled_rendezvous, check_poller,
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

SCENE(poll_with_select, "order-poll-with-select", BOTH, polled_ring, check_poller,
      {"poller", poll_by_select, 1}, {"sender", put_first, 1});

/* --- a segment that comes back: whoever still has an earlier piece of it in mind harms nobody --- */

static void empty_segments(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, CKF_UNBOUNDED, 8);
}

/* As many as there are until it is closed. */
static void put_some(struct ckf_stress_run *run, struct ckf_channel *channel, size_t count)
{
    static const uint64_t elems[CELLS];
    size_t done;
    enum ckf_status status = ckf_channel_send_many(channel, elems, count, &done, CKF_NOW, NULL);
    expect(run, status == CKF_OK || status == CKF_CLOSED);
}

static void full_piece(struct ckf_stress_run *run, void *state)
{
    empty_segments(run, state);
    put_some(run, ((struct state *)state)->first, CELLS);
}

static void put_late(struct ckf_stress_run *run, void *state)
{
    put_some(run, ((struct state *)state)->first, 1);
}

static void fill_next_and_close(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    put_some(run, s->first, CELLS);
    atomic_store_explicit(&s->flag, 1, memory_order_release);
    expect(run, ckf_channel_close(s->first) == CKF_OK && ckf_channel_is_closed(s->first));
}

/* The first segment is used again, the second one is kept. */
static void turn_over(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t elems[2 * CELLS + 1];
    size_t done;
    while (!atomic_load_explicit(&s->flag, memory_order_acquire))
        ckf_stress_spin(run);
    put_some(run, s->first, 1);
    expect(run,
           ckf_channel_recv_many(s->first, elems, 2 * CELLS + 1, &done, CKF_NOW, NULL) == CKF_OK);
    put_some(run, s->first, CELLS);
}

SCENE(segment_of_long_ago, "order-segment-of-long-ago", ATOMIC_ONLY, full_piece, destroy_both,
      {"slow sender", put_late, 1}, {"closer", fill_next_and_close, 1}, {"turner", turn_over, 1});

/* --- sleepers --- */

static void full_segment(struct ckf_stress_run *run, void *state)
{
    empty_segments(run, state);
    use_cells(run, ((struct state *)state)->first, CELLS);
}

static void receive_first(struct ckf_stress_run *run, void *state)
{
    recv_one(run, ((struct state *)state)->first);
}

SCENE(sleep_at_segment, "order-sleep-at-segment", BOTH, empty_segments, destroy_both,
      {"receiver", receive_first, 1}, {"sender", put_first, 1});
SCENE(sleep_at_the_end, "order-sleep-at-the-end", BOTH, full_segment, destroy_both,
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

SCENE(close_at_segment, "order-close-at-segment", BOTH, empty_segments, destroy_both,
      {"receiver", receive_closed, 2}, {"closer", write_and_close, 1});
SCENE(close_at_the_end, "order-close-at-the-end", BOTH, full_segment, destroy_both,
      {"receiver", receive_closed, 2}, {"closer", write_and_close, 1});

static void empty_rendezvous(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, 0, 8);
}

static void empty_ring(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, 2, 8);
}

/* A try that meets the close finds what was written before it. */
static void try_until_closed(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    while (take(s->first, &value) == CKF_AGAIN)
        ckf_stress_spin(run);
    expect(run, s->plain == 1 && put(s->first, 1) == CKF_CLOSED);
}

SCENE(try_closed_rendezvous, "order-try-closed-rendezvous", BOTH, empty_rendezvous, destroy_both,
      {"trier", try_until_closed, 1}, {"closer", write_and_close, 1});
SCENE(try_closed_ring, "order-try-closed-ring", BOTH, empty_ring, destroy_both,
      {"trier", try_until_closed, 1}, {"closer", write_and_close, 1});

static void full_ring(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, 2, 8);
    expect(run, put(s->first, 1) == CKF_OK && put(s->first, 2) == CKF_OK);
}

static void send_first(struct ckf_stress_run *run, void *state)
{
    send_one(run, ((struct state *)state)->first, 3);
}

static void take_first(struct ckf_stress_run *run, void *state)
{
    uint64_t value;
    expect(run, take(((struct state *)state)->first, &value) == CKF_OK);
}

SCENE(senders_sleep, "order-senders-sleep", BOTH, full_ring, destroy_both,
      {"sender", send_first, 2}, {"taker", take_first, 2});
SCENE(receivers_sleep, "order-receivers-sleep", BOTH, empty_ring, destroy_both,
      {"receiver", receive_first, 2}, {"sender", put_first, 2});

static void take_two_at_once(struct ckf_stress_run *run, void *state)
{
    uint64_t values[2];
    size_t done;
    expect(run, ckf_channel_recv_many(((struct state *)state)->first, values, 2, &done, CKF_NOW,
                                      NULL) == CKF_OK);
}

SCENE(senders_sleep_until_a_batch, "order-senders-sleep-until-a-batch", BOTH, full_ring,
      destroy_both, {"sender", send_first, 2}, {"taker", take_two_at_once, 1});

/* A peer that comes while others enrol finds one of them on the board. */
static void send_first_twice(struct ckf_stress_run *run, void *state)
{
    send_first(run, state);
    send_first(run, state);
}

SCENE(peers_on_the_board, "order-peers-on-the-board", BOTH, empty_rendezvous, destroy_both,
      {"receiver", receive_first, 2}, {"sender", send_first_twice, 1});

/* Receivers that move on to the next segment, one of which waits there. */
static void nearly_full_segment(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_segments(run, state);
    use_cells(run, s->first, CELLS - 1);
    expect(run, put(s->first, 1) == CKF_OK && put(s->first, 2) == CKF_OK);
}

SCENE(receivers_move_on, "order-receivers-move-on", BOTH, nearly_full_segment, destroy_both,
      {"receiver", receive_first, 3}, {"sender", put_first, 1});

static void try_first(struct ckf_stress_run *run, void *state)
{
    uint64_t value;
    enum ckf_status status = take(((struct state *)state)->first, &value);
    expect(run, status == CKF_OK || status == CKF_AGAIN);
}

static void receive_within(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    enum ckf_status status =
        ckf_channel_recv_until(s->first, &value, ckf_deadline_after_ns(1000), NULL);
    expect(run, status == CKF_OK || status == CKF_TIMED_OUT);
}

SCENE(hasty_receivers_move_on, "order-hasty-receivers-move-on", BOTH, nearly_full_segment,
      destroy_both, {"receiver", receive_within, 2}, {"taker", try_first, 1});

static void look_at_length(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_channel_len(s->first) <= 4 && !ckf_channel_is_closed(s->first));
}

SCENE(observer_of_segments, "order-observer-of-segments", BOTH, nearly_full_segment, destroy_both,
      {"taker", take_first, 2}, {"sender", put_first, 1}, {"observer", look_at_length, 1});

/* All is received, or about to be, when the next segment is linked: who looks at the old one then
 * is in a section, or reads freed memory. */
SCENE(sleeper_and_taker, "order-sleeper-and-taker", BOTH, full_segment, destroy_both,
      {"receiver", receive_first, 1}, {"sender", put_first, 2}, {"taker", try_first, 1});
SCENE(observer_at_the_end, "order-observer-at-the-end", BOTH, full_segment, destroy_both,
      {"observer", look_at_length, 1}, {"sender", put_first, 1}, {"taker", try_first, 1});

static void last_cell_full(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_segments(run, state);
    use_cells(run, s->first, CELLS - 1);
    expect(run, put(s->first, 1) == CKF_OK);
}

static void try_twice(struct ckf_stress_run *run, void *state)
{
    try_first(run, state);
    try_first(run, state);
}

SCENE(senders_move_on, "order-senders-move-on", BOTH, last_cell_full, destroy_both,
      {"sender", put_first, 2}, {"taker", try_twice, 1});

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

SCENE(hasty_sender, "order-hasty-sender", BOTH, full_of_one, destroy_both,
      {"hasty sender", send_within, 1}, {"sender", send_first, 1}, {"taker", take_first, 1});

/* --- segments that are given back --- */

static void put_and_take_so_many(struct ckf_stress_run *run, void *state, unsigned sent,
                                 unsigned received)
{
    struct state *s = state;
    uint64_t value;
    for (unsigned i = 0; i < sent; i++)
        expect(run, put(s->first, i) == CKF_OK);
    for (unsigned i = 0; i < received; i++)
        expect(run, take(s->first, &value) == CKF_OK);
}

static void fill_segments(struct ckf_stress_run *run, void *state, unsigned sent, unsigned received)
{
    empty_segments(run, state);
    put_and_take_so_many(run, state, sent, received);
}

/* As many as are kept are kept, and the next receive takes the last element of a segment. */
static void many_kept(struct ckf_stress_run *run, void *state)
{
    fill_segments(run, state, CELLS * (KEPT + 6), CELLS * (KEPT + 3) - 1);
}

static void take_two(struct ckf_stress_run *run, void *state)
{
    try_twice(run, state);
}

static void many_kept_large(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, CKF_UNBOUNDED, LARGE_BYTES);
    put_and_take_so_many(run, state, CELLS * (KEPT + 6), CELLS * (KEPT + 3) - 1);
}

/* So many segments are in use that, when all is received, the last one of them is given back. */
static void many_in_use(struct ckf_stress_run *run, void *state)
{
    fill_segments(run, state, CELLS * (KEPT + 2) - 1, 0);
}

static void use_up(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    (void)run;
    for (int i = 0; i < 2; i++)
        put(s->first, 1);
    while (take(s->first, &value) == CKF_OK)
        continue;
}

static void take_many(struct ckf_stress_run *run, void *state)
{
    uint64_t values[2];
    size_t done;
    enum ckf_status status =
        ckf_channel_recv_many(((struct state *)state)->first, values, 2, &done, CKF_NOW, NULL);
    expect(run, status == CKF_OK || status == CKF_AGAIN);
}

static void look_whether_ready(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_channel_is_ready(((struct state *)state)->first, CKF_RECV);
}

static void try_put_first(struct ckf_stress_run *run, void *state)
{
    (void)run;
    put(((struct state *)state)->first, 1);
}

static void put_many_first(struct ckf_stress_run *run, void *state)
{
    size_t done;
    expect(run, ckf_channel_send_many(((struct state *)state)->first, &(uint64_t){1}, 1, &done,
                                      CKF_FOREVER, NULL) == CKF_OK);
}

static void look_whether_closed(struct ckf_stress_run *run, void *state)
{
    expect(run, !ckf_channel_is_closed(((struct state *)state)->first));
}

static void look_how_many(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_channel_len(((struct state *)state)->first) <= CELLS * (KEPT + 7));
}

#define GIVEN_BACK(name, id, before, visit, other)                                                 \
    SCENE(given_back_##name, "order-given-back-" id, BOTH, before, destroy_both,                   \
          {"visitor", visit, 1}, {"other", other, 1})

GIVEN_BACK(try_recv, "try-recv", many_kept, try_first, take_two);
GIVEN_BACK(large, "large", many_kept_large, try_first, take_two);
GIVEN_BACK(recv_many, "recv-many", many_kept, take_many, take_two);
GIVEN_BACK(is_ready, "is-ready", many_kept, look_whether_ready, take_two);
GIVEN_BACK(len, "len", many_kept, look_how_many, take_two);
GIVEN_BACK(try_send, "try-send", many_in_use, try_put_first, use_up);
GIVEN_BACK(send_many, "send-many", many_in_use, put_many_first, use_up);
GIVEN_BACK(is_closed, "is-closed", many_in_use, look_whether_closed, use_up);
GIVEN_BACK(close, "close", many_in_use, close_first, use_up);

/* --- an element that moves --- */

static void one_in_the_first(struct ckf_stress_run *run, void *state)
{
    two_buffered(run, state);
    expect(run, put(((struct state *)state)->first, 1) == CKF_OK);
}

/* Puts one in before it takes one out. */
static void move_element(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    for (int i = 0; i < 6; i++) {
        expect(run, put(i % 2 == 0 ? s->second : s->first, 1) == CKF_OK);
        take(i % 2 == 0 ? s->first : s->second, &value);
    }
}

static void select_element(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    size_t chosen;
    struct ckf_select_case cases[2] = {
        {.channel = s->first, .direction = CKF_RECV, .elem = &value},
        {.channel = s->second, .direction = CKF_RECV, .elem = &value}};
    expect(run, ckf_select(cases, 2, &chosen, CKF_NOW, NULL) == CKF_OK);
}

SCENE(element_moves, "order-element-moves", BOTH, one_in_the_first, destroy_both,
      {"mover", move_element, 1}, {"selector", select_element, 1});

/* --- batches, and promised ends --- */

static void send_a_batch(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    static const uint64_t values[3] = {1, 2, 3};
    size_t done;
    s->plain = 1;
    expect(run, ckf_channel_send_many(s->first, values, 3, &done, CKF_FOREVER, NULL) == CKF_OK);
    if (done < 3)
        send_one(run, s->first, 3);
}

static void receive_and_look(struct ckf_stress_run *run, void *state)
{
    recv_one(run, ((struct state *)state)->first);
    expect(run, ((struct state *)state)->plain == 1);
}

SCENE(batch_wakes_in_ring, "order-batch-wakes-in-ring", BOTH, empty_ring, destroy_both,
      {"sender", send_a_batch, 1}, {"receiver", receive_and_look, 1});
SCENE(batch_wakes_in_segments, "order-batch-wakes-in-segments", BOTH, empty_segments, destroy_both,
      {"sender", send_a_batch, 1}, {"receiver", receive_and_look, 1});

/* Elements in blocks: a block is nobody else's while its element is in the channel. */
static void send_two_large(struct ckf_stress_run *run, void *state)
{
    send_one(run, ((struct state *)state)->first, 1);
    send_one(run, ((struct state *)state)->first, 2);
}

static void receive_one_large(struct ckf_stress_run *run, void *state)
{
    struct element element = {{0}};
    expect(run, ckf_channel_recv(((struct state *)state)->first, &element) == CKF_OK);
    expect(run, element.words[1] == element.words[0] && element.words[2] == element.words[0]);
    atomic_fetch_add_explicit(&((struct state *)state)->flag, (int)element.words[0], relaxed);
}

static void both_came(struct ckf_stress_run *run, void *state)
{
    expect(run, ((struct state *)state)->flag == 1 + 2);
    destroy_both(run, state);
}

/* Where the next cells are the last of a piece, and the first of one that was used before. */
static void large_ring(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, 1, LARGE_BYTES);
    use_cells(run, ((struct state *)state)->first, 1);
}

static void large_segments(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, CKF_UNBOUNDED, LARGE_BYTES);
    use_cells(run, ((struct state *)state)->first, 3 * CELLS - 1);
}

SCENE(blocks_in_ring, "order-blocks-in-ring", BOTH, large_ring, both_came,
      {"sender", send_two_large, 1}, {"receiver", receive_one_large, 2});
SCENE(blocks_in_segments, "order-blocks-in-segments", BOTH, large_segments, both_came,
      {"sender", send_two_large, 1}, {"receiver", receive_one_large, 2});

/* Threads that keep no spare share one: who finds none waits, and is told. */
static void use_shared_blocks(void)
{
    ckf_thread_number_plus_one = CKF_OWN_NUMBERS + 1;
}

static void one_shared_block(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    unsigned self = ckf_thread_number_plus_one;
    s->first = make(run, 2, LARGE_BYTES);
    atomic_store_explicit(&s->first->ring.blocks.used, s->first->ring.blocks.count - 1, relaxed);
    use_shared_blocks();
    use_cells(run, s->first, 1);
    ckf_thread_number_plus_one = self;
}

static void send_one_sharing(struct ckf_stress_run *run, void *state)
{
    use_shared_blocks();
    send_one(run, ((struct state *)state)->first, 1);
}

static void two_ones_came(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    for (int i = 0; i < 2; i++)
        expect(run, take(s->first, &value) == CKF_OK && value == 1);
    destroy_both(run, state);
}

SCENE(shared_block, "order-shared-block", ATOMIC_ONLY, one_shared_block, two_ones_came,
      {"sender", send_one_sharing, 2});

static void receive_a_batch(struct ckf_stress_run *run, void *state)
{
    uint64_t elems[2];
    size_t done;
    expect(run, ckf_channel_recv_many(((struct state *)state)->first, elems, 2, &done, CKF_FOREVER,
                                      NULL) == CKF_OK);
}

SCENE(batch_makes_room, "order-batch-makes-room", BOTH, full_ring, destroy_both,
      {"sender", send_first, 1}, {"receiver", receive_a_batch, 1});

/* Two batches meet, and a close: each has as many elements in the channel as it was told, in order. */
static int send_two(struct ckf_stress_run *run, struct ckf_channel *channel, uint64_t first)
{
    const uint64_t values[2] = {first, first + 1};
    size_t done;
    enum ckf_status status = ckf_channel_send_many(channel, values, 2, &done, CKF_NOW, NULL);
    expect(run, (status == CKF_OK) == (done > 0) &&
                    (status == CKF_OK || status == CKF_AGAIN || status == CKF_CLOSED));
    return (int)done;
}

static void send_two_twenties(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->plain = send_two(run, ((struct state *)state)->first, 20);
}

static void send_two_thirties(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->other_plain = send_two(run, ((struct state *)state)->first, 30);
}

static void two_batches_are_there(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    int twenties = 0, thirties = 0;
    uint64_t value;
    while (ckf_channel_try_recv(s->first, &value) == CKF_OK)
        expect(run, value == (value < 30 ? 20 + (uint64_t)twenties++ : 30 + (uint64_t)thirties++));
    expect(run, twenties == s->plain && thirties == s->other_plain &&
                    (size_t)(twenties + thirties) <= ckf_channel_capacity(s->first));
    destroy_both(run, state);
}

static void ring_for_three(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, 3, 8);
}

/* Two places are left in the piece. */
static void segment_for_two(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t elems[CELLS];
    size_t done;
    s->first = make(run, CKF_UNBOUNDED, 8);
    put_some(run, s->first, CELLS - 2);
    expect(run, ckf_channel_recv_many(s->first, elems, CELLS, &done, CKF_NOW, NULL) == CKF_OK);
}

SCENE(batches_meet_in_ring, "order-batches-meet-in-ring", BOTH, ring_for_three,
      two_batches_are_there, {"sender", send_two_twenties, 1},
      {"other sender", send_two_thirties, 1}, {"closer", close_first, 1});
SCENE(batches_meet_in_segments, "order-batches-meet-in-segments", BOTH, segment_for_two,
      two_batches_are_there, {"sender", send_two_twenties, 1},
      {"other sender", send_two_thirties, 1}, {"closer", close_first, 1});

static void promised(struct ckf_stress_run *run, void *state, size_t capacity)
{
    struct ckf_channel_options options = {.variant = variant_of(run),
                                          .capacity = capacity,
                                          .elem_size = 8,
                                          .flags = CKF_CHANNEL_SINGLE_PRODUCER |
                                                   CKF_CHANNEL_SINGLE_CONSUMER};
    expect(run, ckf_channel_create(&((struct state *)state)->first, &options) == CKF_OK);
}

static void promised_ring(struct ckf_stress_run *run, void *state)
{
    promised(run, state, 2);
}

static void promised_segments(struct ckf_stress_run *run, void *state)
{
    promised(run, state, CKF_UNBOUNDED);
}

static void promised_full_ring(struct ckf_stress_run *run, void *state)
{
    promised(run, state, 1);
    expect(run, put(((struct state *)state)->first, 1) == CKF_OK);
}

/* The receiver writes before it makes room; the sender has found the room and reads. */
static void write_and_take(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->other_plain = 1;
    take_first(run, state);
}

static void send_and_look(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    send_one(run, s->first, 3);
    expect(run, s->other_plain == 1);
}

static void fill_and_look(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    while (put(s->first, 3) == CKF_AGAIN)
        ckf_stress_spin(run);
    expect(run, s->other_plain == 1);
}

static void write_and_take_two(struct ckf_stress_run *run, void *state)
{
    write_and_take(run, state);
    take_first(run, state);
}

SCENE(room_for_two, "order-room-for-two", BOTH, full_ring, destroy_both,
      {"sender", fill_and_look, 2}, {"taker", write_and_take_two, 1});
SCENE(promised_room, "order-promised-room", BOTH, promised_full_ring, destroy_both,
      {"sender", send_and_look, 1}, {"taker", write_and_take, 1});
SCENE(promised_room_tried, "order-promised-room-tried", BOTH, promised_full_ring, destroy_both,
      {"sender", fill_and_look, 1}, {"taker", write_and_take, 1});

static void receive_three(struct ckf_stress_run *run, void *state)
{
    for (int i = 0; i < 3; i++)
        receive_and_look(run, state);
}

SCENE(promised_batch_in_ring, "order-promised-batch-in-ring", BOTH, promised_ring, destroy_both,
      {"sender", send_a_batch, 1}, {"receiver", receive_three, 1});
SCENE(promised_batch_in_segments, "order-promised-batch-in-segments", BOTH, promised_segments,
      destroy_both, {"sender", send_a_batch, 1}, {"receiver", receive_three, 1});

static void send_plainly(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->plain = 1;
    send_first(run, state);
}

SCENE(promised_sleeper_in_ring, "order-promised-sleeper-in-ring", BOTH, promised_ring, destroy_both,
      {"sender", send_plainly, 1}, {"receiver", receive_and_look, 1});
SCENE(promised_sleeper_in_segments, "order-promised-sleeper-in-segments", BOTH, promised_segments,
      destroy_both, {"sender", send_plainly, 1}, {"receiver", receive_and_look, 1});

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

SCENE(debt_to_sender, "order-debt-to-sender", ATOMIC_ONLY, make_list, free_list,
      {"sleeper", sleep_to_send, 1}, {"changer", let_send, 1}, {"holder", hold_the_list, 1});
SCENE(debt_to_receiver, "order-debt-to-receiver", ATOMIC_ONLY, make_list, free_list,
      {"sleeper", sleep_to_receive, 1}, {"changer", let_receive, 1}, {"holder", hold_the_list, 1});
/* Who owes in one direction has seen a debt in the other, which is paid meanwhile. */
SCENE(debts_both_ways, "order-debts-both-ways", ATOMIC_ONLY, make_list, free_list,
      {"sender", sleep_to_send, 1}, {"receiver", sleep_to_receive, 1},
      {"for the sender", let_send, 1}, {"for the receiver", let_receive, 1});

/* --- slots of large elements --- */

static void two_full_slots(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, 1, LARGE_BYTES);
    s->second = make(run, 1, LARGE_BYTES);
    expect(run, put(s->first, 1) == CKF_OK && put(s->second, 1) == CKF_OK);
}

/* Each makes room in one channel and looks for room in the other: the second to make it has found some. */
static void make_room_in_first(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    take_first(run, state);
    s->told = put(s->second, 2) == CKF_OK;
}

static void make_room_in_second(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    expect(run, take(s->second, &value) == CKF_OK);
    s->told_too = put(s->first, 2) == CKF_OK;
}

static void check_somebody_was_told(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->told || s->told_too);
    destroy_both(run, state);
}

SCENE(room_for_one_of_two, "order-room-for-one-of-two", BOTH, two_full_slots,
      check_somebody_was_told, {"first", make_room_in_first, 1},
      {"second", make_room_in_second, 1});

static void two_of_one_slot(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, 1, LARGE_BYTES);
    s->second = make(run, 1, LARGE_BYTES);
    expect(run, put(s->first, 1) == CKF_OK);
}

/* Takes one out before it puts one in: there always is room in one of the two. */
static void move_room(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    for (int i = 0; i < 2; i++)
        if (take(i == 0 ? s->first : s->second, &value) == CKF_OK)
            put(i == 0 ? s->second : s->first, 2);
    (void)run;
}

static void select_room(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct element element = {{7, 7, 7}};
    size_t chosen;
    struct ckf_select_case cases[2] = {
        {.channel = s->first, .direction = CKF_SEND, .elem = &element},
        {.channel = s->second, .direction = CKF_SEND, .elem = &element}};
    expect(run, ckf_select(cases, 2, &chosen, CKF_NOW, NULL) == CKF_OK);
}

SCENE(room_moves, "order-room-moves", BOTH, two_of_one_slot, destroy_both, {"mover", move_room, 1},
      {"selector", select_room, 1});

/* --- what has been sent can be found --- */

/* Whoever puts one in finds one. */
static void put_and_take(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    expect(run, put(s->first, 1) == CKF_OK && take(s->first, &value) == CKF_OK);
}

/* The segment that it begins with is the next but one, too. */
static void use_a_segment_up(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t values[CELLS - 1];
    size_t done;
    put_some(run, s->first, CELLS - 1);
    expect(run, ckf_channel_recv_many(s->first, values, CELLS - 1, &done, CKF_NOW, NULL) == CKF_OK);
    put_first(run, state);
}

SCENE(found_in_segments, "order-found-in-segments", BOTH, empty_segments, destroy_both,
      {"recycler", put_and_take, 2});
SCENE(found_at_the_end, "order-found-at-the-end", BOTH, full_segment, destroy_both,
      {"recycler", put_and_take, 2});
SCENE(found_in_kept_segments, "order-found-in-kept-segments", BOTH, full_segment, destroy_both,
      {"recycler", use_a_segment_up, 1}, {"guest", put_and_take, 1});

/* All that was put in is there in the end. */
static void one_cell_left(struct ckf_stress_run *run, void *state)
{
    empty_segments(run, state);
    put_some(run, ((struct state *)state)->first, CELLS - 1);
}

static void put_two(struct ckf_stress_run *run, void *state)
{
    put_some(run, ((struct state *)state)->first, 2);
}

static void count_elements(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    int count = 0;
    while (take(s->first, &value) == CKF_OK)
        count++;
    expect(run, count == CELLS + 2);
    destroy_both(run, state);
}

SCENE(all_sent_are_there, "order-all-sent-are-there", BOTH, one_cell_left, count_elements,
      {"sender", put_two, 1}, {"other", put_first, 1});

/* One thread keeps the promises of both ends; others look. */
static void promised_one_in_segments(struct ckf_stress_run *run, void *state)
{
    promised_segments(run, state);
    put_first(run, state);
}

static void find_it_ready(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_channel_is_ready(((struct state *)state)->first, CKF_RECV));
}

static void close_and_find_it_ready(struct ckf_stress_run *run, void *state)
{
    close_first(run, state);
    find_it_ready(run, state);
}

SCENE(promised_one_is_there, "order-promised-one-is-there", BOTH, promised_one_in_segments,
      destroy_both, {"owner", put_and_take, 1}, {"observer", find_it_ready, 1});
SCENE(promised_close_in_ring, "order-promised-close-in-ring", BOTH, promised_ring, destroy_both,
      {"owner", put_two, 1}, {"closer", close_and_find_it_ready, 1});
SCENE(promised_close_in_segments, "order-promised-close-in-segments", BOTH, promised_segments,
      destroy_both, {"owner", put_two, 1}, {"closer", close_and_find_it_ready, 1});

/* --- tasks --- */

static void context_and_channel(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, 1, 8);
    expect(run, ckf_context_create(&s->context, NULL, CKF_FOREVER) == CKF_OK);
}

static void wait_for_cancel(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    expect(run, ckf_channel_recv_until(s->first, &value, CKF_FOREVER, s->context) == CKF_CANCELED);
    expect(run, s->plain == 1);
}

static void write_and_cancel(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->plain = 1;
    ckf_context_cancel(s->context, 1);
}

static void release_context(struct ckf_stress_run *run, void *state)
{
    ckf_context_release(((struct state *)state)->context);
    destroy_both(run, state);
}

SCENE(memory_before_cancel, "order-memory-before-cancel", BOTH, context_and_channel,
      release_context, {"waiter", wait_for_cancel, 1}, {"canceller", write_and_cancel, 1});

static int write_plain(struct ckf_context *context, void *state)
{
    (void)context;
    ((struct state *)state)->plain = 1;
    return 0;
}

static void run_group(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_group *group;
    int first_error;
    expect(run, ckf_group_create(&group, NULL) == CKF_OK);
    expect(run, ckf_group_go(group, write_plain, s, "writer") == CKF_OK);
    expect(run, ckf_group_wait(group, CKF_FOREVER, &first_error) == CKF_OK && s->plain == 1);
    ckf_group_destroy(group);
}

SCENE(memory_before_wait, "order-memory-before-wait", ATOMIC_ONLY, NULL, NULL,
      {"owner", run_group, 1});

static void make_pool(struct ckf_stress_run *run, void *state)
{
    struct ckf_pool *pool;
    struct ckf_pool_options options = {.variant = variant_of(run), .size = 16, .max_idle = 1};
    expect(run, ckf_pool_create(&pool, &options) == CKF_OK);
    ((struct state *)state)->object = pool;
}

static void use_object(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    for (int i = 0; i < 2; i++) {
        int *object = ckf_pool_get(s->object);
        expect(run, object != NULL && *object == 0);
        if (object != NULL) {
            *object = 1;
            ckf_pool_put(s->object, object);
        }
    }
}

static void destroy_pool(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_pool_destroy(((struct state *)state)->object);
}

SCENE(memory_through_pool, "order-memory-through-pool", BOTH, make_pool, destroy_pool,
      {"user", use_object, 2});

/* --- breakers --- */

/* Half open, with its probe on the way. */
static void make_breaker(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_breaker *breaker = NULL;
    struct ckf_permit permit;
    const struct ckf_breaker_options options = {
        .variant = variant_of(run), .min_calls = 1, .open_ns = 1, .probe_ns = INT64_MAX};
    expect(run, ckf_breaker_create(&breaker, &options) == CKF_OK);
    s->object = breaker;
    expect(run, ckf_breaker_try_enter(breaker, &permit) == CKF_OK);
    ckf_breaker_leave(breaker, permit, CKF_FAILED);
    expect(run, ckf_breaker_try_enter(breaker, &s->probe) == CKF_OK);
}

static void end_probe(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->plain = 1;
    ckf_breaker_leave(s->object, s->probe, CKF_SUCCEEDED);
}

static void enter_when_closed(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_permit permit;
    while (ckf_breaker_try_enter(s->object, &permit) != CKF_OK)
        ckf_stress_spin(run);
    expect(run, s->plain == 1);
}

static void see_it_closed(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    while (ckf_breaker_state(s->object) != CKF_BREAKER_CLOSED)
        ckf_stress_spin(run);
    expect(run, s->plain == 1);
}

static void destroy_breaker(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_breaker_destroy(((struct state *)state)->object);
}

SCENE(memory_before_entry, "order-memory-before-entry", BOTH, make_breaker, destroy_breaker,
      {"probe", end_probe, 1}, {"caller", enter_when_closed, 1});
SCENE(memory_before_state, "order-memory-before-state", BOTH, make_breaker, destroy_breaker,
      {"probe", end_probe, 1}, {"looker", see_it_closed, 1});

/* --- private parts of sync/ --- */

static void add_to_counter(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->plain = 1;
    ckf_sharded_add(&s->counter, 1);
}

static void read_counter(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    while (ckf_sharded_sum(&s->counter) == 0)
        ckf_stress_spin(run);
    expect(run, s->plain == 1);
}

SCENE(memory_before_add, "order-memory-before-add", ATOMIC_ONLY, NULL, NULL,
      {"adder", add_to_counter, 1}, {"reader", read_counter, 1});

static void count_under_lock(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    if (!ckf_lock_try(&s->lock))
        ckf_lock_acquire(&s->lock);
    s->plain++;
    ckf_lock_release(&s->lock);
}

static void check_count(struct ckf_stress_run *run, void *state)
{
    expect(run, ((struct state *)state)->plain == 3);
}

SCENE(memory_under_lock, "order-memory-under-lock", ATOMIC_ONLY, NULL, check_count,
      {"counter", count_under_lock, 3});

/* Work is done by the holder of the lock, or by who left it. */
static void do_work(struct state *s)
{
    while (atomic_load(&s->flag) != 0 && ckf_lock_try(&s->lock)) {
        s->plain += atomic_exchange(&s->flag, 0);
        ckf_lock_release(&s->lock);
    }
}

static void leave_work(struct ckf_stress_run *run, void *state)
{
    (void)run;
    atomic_fetch_add(&((struct state *)state)->flag, 1);
    do_work(state);
}

static void hold_lock(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_lock_acquire(&s->lock);
    ckf_lock_release(&s->lock);
    do_work(s);
}

static void check_work(struct ckf_stress_run *run, void *state)
{
    expect(run, ((struct state *)state)->plain == 1);
}

SCENE(work_for_the_holder, "order-work-for-the-holder", ATOMIC_ONLY, NULL, check_work,
      {"holder", hold_lock, 1}, {"caller", leave_work, 1});

static void park(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    while (!ckf_park(&s->parker, ckf_deadline_after_ns(1000), NULL))
        ckf_stress_spin(run);
    expect(run, s->plain == 1);
}

static void fire(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->plain = 1;
    ckf_unpark(&s->parker);
}

SCENE(memory_before_firing, "order-memory-before-firing", ATOMIC_ONLY, NULL, NULL,
      {"sleeper", park, 1}, {"firer", fire, 1});

struct visited {
    struct ckf_retired retired;
    int content;
};

static void publish(struct ckf_stress_run *run, void *state)
{
    struct visited *visited = calloc(1, sizeof *visited);
    expect(run, visited != NULL);
    atomic_store(&((struct state *)state)->visited, visited);
}

static void visit_published(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_read_begin();
    struct visited *visited = atomic_load_explicit(&s->visited, memory_order_acquire);
    expect(run, visited == NULL || visited->content == 0);
    ckf_read_end();
}

static void reclaim(struct ckf_retired *retired)
{
    ((struct visited *)(void *)retired)->content = -1;
    free(retired);
}

static void unpublish_and_retire(struct ckf_stress_run *run, void *state)
{
    struct visited *visited = atomic_exchange(&((struct state *)state)->visited, NULL);
    (void)run;
    ckf_retire(&visited->retired, reclaim);
}

static void wait_for_reclaim(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    ckf_wait_for_reclaim();
}

SCENE(visitor_of_retired, "order-visitor-of-retired", ATOMIC_ONLY, publish, wait_for_reclaim,
      {"visitor", visit_published, 2}, {"owner", unpublish_and_retire, 1});

static void publish_for_sections(struct ckf_stress_run *run, void *state)
{
    ckf_section_start();
    publish(run, state);
}

/* The first section of a thread is never a light one; the last may be what a waiter finds. */
static void visit_between_sections(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_section_end(ckf_section_begin());
    struct ckf_place *place = ckf_section_begin();
    struct visited *visited = atomic_load_explicit(&s->visited, memory_order_acquire);
    expect(run, visited == NULL || visited->content == 0);
    ckf_section_end(place);
    ckf_section_end(ckf_section_begin());
}

static void unpublish_and_wait(struct ckf_stress_run *run, void *state)
{
    struct visited *visited = atomic_exchange(&((struct state *)state)->visited, NULL);
    (void)run;
    ckf_section_wait();
    visited->content = -1;
    free(visited);
}

SCENE(section_of_later_phase, "order-section-of-later-phase", ATOMIC_ONLY, publish_for_sections,
      NULL, {"visitor", visit_between_sections, 1}, {"owner", unpublish_and_wait, 1});

static void visit_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    for (int i = 0; i < 2; i++) {
        struct ckf_place *place = ckf_section_begin_behind(&s->fence);
        struct visited *visited = atomic_load(&s->visited);
        expect(run, visited == NULL || visited->content == 0);
        ckf_section_end(place);
    }
}

static void unpublish_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct visited *visited = atomic_exchange(&s->visited, NULL);
    (void)run;
    ckf_section_wait_behind(&s->fence);
    visited->content = -1;
    free(visited);
}

/* The first wait is dear, and raises the fence. */
static void wait_and_unpublish(struct ckf_stress_run *run, void *state)
{
    ckf_section_wait_behind(&((struct state *)state)->fence);
    unpublish_behind_fence(run, state);
}

static void publish_behind_fence(struct ckf_stress_run *run, void *state)
{
    publish_for_sections(run, state);
    ckf_section_wait_behind(&((struct state *)state)->fence);
}

/* The fourth look finds that nobody has waited for long. */
static void visit_until_it_falls(struct ckf_stress_run *run, void *state)
{
    visit_behind_fence(run, state);
    visit_behind_fence(run, state);
    visit_behind_fence(run, state);
}

SCENE(fence_stands, "order-fence-stands", ATOMIC_ONLY, publish_behind_fence, NULL,
      {"visitor", visit_behind_fence, 1}, {"owner", unpublish_behind_fence, 1});
SCENE(fence_rises, "order-fence-rises", ATOMIC_ONLY, publish_for_sections, NULL,
      {"visitor", visit_behind_fence, 1}, {"owner", wait_and_unpublish, 1});
SCENE(fence_falls, "order-fence-falls", ATOMIC_ONLY, publish_behind_fence, NULL,
      {"visitor", visit_until_it_falls, 1}, {"owner", unpublish_behind_fence, 1});
