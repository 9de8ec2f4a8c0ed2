/* tests/orders/channel_promised.c - both ends promised: what they look at after plain stores, with a fence
 * that is down, rises, stands and falls (channel/spsc.c). */
#include "channels.h"

static void down_and_empty(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make_promised(run, 2, BOTH_ENDS);
}

/* Who looks twice without any element between raises the sender's fence. */
static void up_and_empty(struct ckf_stress_run *run, void *state)
{
    down_and_empty(run, state);
    expect(run, !ckf_channel_is_ready(((struct state *)state)->first, CKF_RECV));
}

static void down_and_full(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make_promised(run, 1, BOTH_ENDS);
    expect(run, put(s->first, 1) == CKF_OK);
}

/* The receiver's fence. */
static void up_and_full(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    down_and_full(run, state);
    expect(run, !ckf_channel_is_ready(s->first, CKF_SEND));
}

/* What was written before a batch is there with each of its elements, whether the receiver sleeps or not. */
static void write_and_send_a_batch(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    const uint64_t batch[2] = {1, 2};
    size_t done;
    s->plain = 1;
    expect(run, ckf_channel_send_many(s->first, batch, 2, &done, CKF_FOREVER, NULL) == CKF_OK);
}

static void receive_two_and_look(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    for (uint64_t i = 1; i <= 2; i++)
        expect(run, recv_one(run, s->first) == i && s->plain == 1);
}

SCENE(promised_batch, "channel-order-promised-batch", BOTH, down_and_empty, destroy_both,
      {"sender", write_and_send_a_batch, 1}, {"receiver", receive_two_and_look, 1});
SCENE(promised_batch_behind_fence, "channel-order-promised-batch-behind-fence", BOTH, up_and_empty,
      destroy_both, {"sender", write_and_send_a_batch, 1}, {"receiver", receive_two_and_look, 1});

/* What was read before room was made is over for who finds the room. */
static void write_and_make_room(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->plain = 1;
    take_first(run, state);
}

static void wait_for_room_and_look(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    send_one(run, s->first, 3);
    expect(run, s->plain == 1);
}

static void try_for_room_and_look(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    while (put(s->first, 3) == CKF_AGAIN)
        ckf_stress_spin(run);
    expect(run, s->plain == 1);
}

SCENE(promised_room_between_ends, "channel-order-promised-room-between-ends", BOTH, down_and_full,
      destroy_both, {"sender", wait_for_room_and_look, 1}, {"receiver", write_and_make_room, 1});
SCENE(promised_room_behind_fence, "channel-order-promised-room-behind-fence", BOTH, up_and_full,
      destroy_both, {"sender", wait_for_room_and_look, 1}, {"receiver", write_and_make_room, 1});
SCENE(promised_room_tried_for, "channel-order-promised-room-tried-for", BOTH, down_and_full,
      destroy_both, {"sender", try_for_room_and_look, 1}, {"receiver", write_and_make_room, 1});

enum { ENOUGH = 6 }; /* passes until a fence falls that has been awaited once */

static void send_enough(struct ckf_stress_run *run, void *state)
{
    for (uint64_t i = 0; i < ENOUGH; i++)
        send_one(run, ((struct state *)state)->first, i);
}

static void receive_enough(struct ckf_stress_run *run, void *state)
{
    for (uint64_t i = 0; i < ENOUGH; i++)
        expect(run, recv_one(run, ((struct state *)state)->first) == i);
}

static void receive_what_was_there(struct ckf_stress_run *run, void *state)
{
    take_first(run, state);
    receive_enough(run, state);
}

SCENE(promised_fence_falls, "channel-order-promised-fence-falls", BOTH, up_and_empty, destroy_both,
      {"sender", send_enough, 1}, {"receiver", receive_enough, 1});
SCENE(promised_fence_of_receiver_falls, "channel-order-promised-fence-of-receiver-falls", BOTH,
      up_and_full, destroy_both, {"sender", send_enough, 1},
      {"receiver", receive_what_was_there, 1});

/* Two look: the one who raises it, and the one who finds it up and goes to sleep. */
static void look_whether_ready(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)ckf_channel_is_ready(((struct state *)state)->first, CKF_RECV);
}

SCENE(promised_fence_rises, "channel-order-promised-fence-rises", BOTH, down_and_empty,
      destroy_both, {"sender", send_first, 1}, {"receiver", receive_first, 1},
      {"observer", look_whether_ready, 1});

/* What the sender was told of each element is what is there in the end. */
static void send_until_closed(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->told = put(s->first, 1) == CKF_OK;
    s->told_too = put(s->first, 2) == CKF_OK;
    if (!s->told_too)
        expect(run, s->plain == 1);
}

static void write_and_close(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->plain = 1;
    close_first(run, state);
}

static void check_what_was_accepted(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    if (s->told)
        expect(run, take(s->first, &value) == CKF_OK && value == 1);
    if (s->told_too)
        expect(run, take(s->first, &value) == CKF_OK && value == 2);
    expect(run, take(s->first, &value) == CKF_CLOSED);
    destroy_both(run, state);
}

SCENE(promised_close_behind_fence, "channel-order-promised-close-behind-fence", BOTH, up_and_empty,
      check_what_was_accepted, {"sender", send_until_closed, 1}, {"closer", write_and_close, 1});
SCENE(promised_close_without_fence, "channel-order-promised-close-without-fence", BOTH,
      down_and_empty, check_what_was_accepted, {"sender", send_until_closed, 1},
      {"closer", write_and_close, 1});

/* Each puts one into a channel and looks into the other: the second to put one in finds one. */
static void two_of_two_owners(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make_promised(run, 1, BOTH_ENDS);
    s->second = make_promised(run, 1, BOTH_ENDS);
}

static void put_into_first_and_try(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    expect(run, put(s->first, 1) == CKF_OK);
    s->told = take(s->second, &value) == CKF_OK;
}

static void put_into_second_and_try(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    expect(run, put(s->second, 1) == CKF_OK);
    s->told_too = take(s->first, &value) == CKF_OK;
}

static bool finds_by_select(struct ckf_channel *channel)
{
    struct element element;
    size_t chosen;
    struct ckf_select_case only = {.channel = channel, .direction = CKF_RECV, .elem = &element};
    return ckf_select(&only, 1, &chosen, CKF_NOW, NULL) == CKF_OK;
}

static void put_into_first_and_select(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, put(s->first, 1) == CKF_OK);
    s->told = finds_by_select(s->second);
}

static void put_into_second_and_select(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, put(s->second, 1) == CKF_OK);
    s->told_too = finds_by_select(s->first);
}

static void check_one_was_told(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->told || s->told_too);
    destroy_both(run, state);
}

SCENE(promised_tries_cross, "channel-order-promised-tries-cross", BOTH, two_of_two_owners,
      check_one_was_told, {"first", put_into_first_and_try, 1},
      {"second", put_into_second_and_try, 1});
SCENE(promised_selects_cross, "channel-order-promised-selects-cross", BOTH, two_of_two_owners,
      check_one_was_told, {"first", put_into_first_and_select, 1},
      {"second", put_into_second_and_select, 1});

/* Each closes one channel and asks for the other: one of them was the second. */
static void close_first_and_ask(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    close_first(run, state);
    s->told = ckf_channel_is_closed(s->second);
}

static void close_second_and_ask(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_channel_close(s->second) == CKF_OK);
    s->told_too = ckf_channel_is_closed(s->first);
}

SCENE(promised_closes_cross, "channel-order-promised-closes-cross", BOTH, two_of_two_owners,
      check_one_was_told, {"closer", close_first_and_ask, 1},
      {"other closer", close_second_and_ask, 1});
