/* tests/orders/channel_destroy.c - destruction of a channel waits for calls on their way out. */
#include <pthread.h>
#include <stdlib.h>

#include "channels.h"
#include "sync/per_thread.h"

static void two_rendezvous(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, 0, 8);
    s->second = make(run, 1, 8);
}

static void select_both(struct ckf_stress_run *run, void *state)
{
    expect(run, receive_from_either(run, state, CKF_FOREVER) == 0);
}

/* Its send has been received: nobody sleeps in either channel. */
static void send_and_destroy(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    send_one(run, s->first, 1);
    ckf_channel_destroy(s->second);
    ckf_channel_destroy(s->first);
}

SCENE(destroy_after_select, "channel-order-destroy-after-select", BOTH, two_rendezvous, NULL,
      {"selector", select_both, 1}, {"destroyer", send_and_destroy, 1});

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

SCENE(destroy_after_visits, "channel-order-destroy-after-visits", BOTH, two_buffered, destroy_both,
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
    SCENE(destroy_after_##name, "channel-order-destroy-after-" id, BOTH, two_of_one_producer,      \
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
    SCENE(destroy_before_##name, "channel-order-destroy-before-" id, BOTH, two_of_one_producer,    \
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

static void put_into_both(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, put(s->first, 1) == CKF_OK && put(s->second, 1) == CKF_OK);
}

static void two_with_elements(struct ckf_stress_run *run, void *state)
{
    two_of_one_producer(run, state);
    put_into_both(run, state);
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
    SCENE(destroy_after_##name, "channel-order-destroy-after-" id, BOTH, two_with_elements,        \
          destroy_both, {"visitor", receive_by_##name, 1}, {"destroyer", fill_and_destroy, 1});    \
    SCENE(destroy_between_##name, "channel-order-destroy-between-" id, BOTH, two_with_elements,    \
          destroy_both, {"visitor", receive_both_by_##name, 1},                                    \
          {"destroyer", fill_and_destroy, 1})

RECEIVES(recv, "recv");
RECEIVES(try_recv, "try-recv");

/* The same for sends and receives of the other cores. */

static void two_unbounded(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, CKF_UNBOUNDED, 8);
    s->second = make(run, CKF_UNBOUNDED, 8);
}

static void two_promised(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make_promised(run, 1, BOTH_ENDS);
    s->second = make_promised(run, 1, BOTH_ENDS);
}

static void two_unbounded_with_elements(struct ckf_stress_run *run, void *state)
{
    two_unbounded(run, state);
    put_into_both(run, state);
}

static void two_promised_with_elements(struct ckf_stress_run *run, void *state)
{
    two_promised(run, state);
    put_into_both(run, state);
}

/* The length shows that the visitor has received. */
static void see_empty_and_destroy(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    while (ckf_channel_len(s->first) > 0)
        ckf_stress_spin(run);
    ckf_channel_destroy(s->first);
    s->first = NULL;
}

#define SENDS_AND_RECEIVES(kind)                                                                   \
    SCENE(destroy_after_send_##kind, "channel-order-destroy-after-send-" #kind, BOTH, two_##kind,  \
          destroy_both, {"visitor", visit_first_by_send, 1},                                       \
          {"destroyer", notice_and_destroy, 1});                                                   \
    SCENE(destroy_before_send_##kind, "channel-order-destroy-before-send-" #kind, BOTH,            \
          two_##kind, destroy_both, {"visitor", visit_one_after_another, 1},                       \
          {"destroyer", notice_and_destroy, 1});                                                   \
    SCENE(destroy_after_recv_##kind, "channel-order-destroy-after-recv-" #kind, BOTH,              \
          two_##kind##_with_elements, destroy_both, {"visitor", receive_by_recv, 1},               \
          {"destroyer", see_empty_and_destroy, 1});                                                \
    SCENE(destroy_between_recv_##kind, "channel-order-destroy-between-recv-" #kind, BOTH,          \
          two_##kind##_with_elements, destroy_both, {"visitor", receive_both_by_recv, 1},          \
          {"destroyer", see_empty_and_destroy, 1})

SENDS_AND_RECEIVES(unbounded);
SENDS_AND_RECEIVES(promised);

/* The destroyer may have slept, and then the visitor, who has sent before, wakes it on its way out. */
static void send_again(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    send_one(run, s->second, 1);
    send_one(run, s->first, 1);
}

SCENE(destroy_after_wake, "channel-order-destroy-after-wake", BOTH, two_buffered, destroy_both,
      {"visitor", send_again, 1}, {"destroyer", receive_and_destroy, 1});

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

SCENE(destroy_after_exit, "channel-order-destroy-after-exit", BOTH, two_buffered, destroy_both,
      {"starter", start_visitors, 1}, {"successor", visit_second, 1},
      {"destroyer", receive_and_destroy, 1});

/* The first visit of whoever inherits the number, as far as that place can tell. */
static void visit_and_hand_on(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    send_one(run, s->first, 1);
    ckf_thread_number_plus_one = 0;
    send_one(run, s->second, 1);
}

SCENE(destroy_after_successor, "channel-order-destroy-after-successor", BOTH, two_buffered,
      destroy_both, {"visitor", visit_and_hand_on, 1}, {"destroyer", receive_and_destroy, 1});

/* A visitor that has no place. */
static void visit_in_crowd(struct ckf_stress_run *run, void *state)
{
    ckf_thread_number_plus_one = CKF_OWN_NUMBERS + 1;
    send_one(run, ((struct state *)state)->first, 1);
}

SCENE(destroy_after_crowd, "channel-order-destroy-after-crowd", BOTH, two_buffered, destroy_both,
      {"visitor", visit_in_crowd, 1}, {"destroyer", receive_and_destroy, 1});
