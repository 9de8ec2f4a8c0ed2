/* tests/orders/channel_elements.c - elements that move, batches, room, and promised ends. */
#include "channels.h"

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
    expect(run, receive_from_either(run, state, CKF_NOW) < 2);
}

SCENE(element_moves, "channel-order-element-moves", BOTH, one_in_the_first, destroy_both,
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

SCENE(batch_wakes_in_ring, "channel-order-batch-wakes-in-ring", BOTH, empty_ring, destroy_both,
      {"sender", send_a_batch, 1}, {"receiver", receive_and_look, 1});
SCENE(batch_wakes_in_segments, "channel-order-batch-wakes-in-segments", BOTH, empty_segments,
      destroy_both, {"sender", send_a_batch, 1}, {"receiver", receive_and_look, 1});

static void receive_a_batch(struct ckf_stress_run *run, void *state)
{
    uint64_t elems[2];
    size_t done;
    expect(run, ckf_channel_recv_many(((struct state *)state)->first, elems, 2, &done, CKF_FOREVER,
                                      NULL) == CKF_OK);
}

SCENE(batch_makes_room, "channel-order-batch-makes-room", BOTH, full_ring, destroy_both,
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

SCENE(batches_meet_in_ring, "channel-order-batches-meet-in-ring", BOTH, ring_for_three,
      two_batches_are_there, {"sender", send_two_twenties, 1},
      {"other sender", send_two_thirties, 1}, {"closer", close_first, 1});
SCENE(batches_meet_in_segments, "channel-order-batches-meet-in-segments", BOTH, segment_for_two,
      two_batches_are_there, {"sender", send_two_twenties, 1},
      {"other sender", send_two_thirties, 1}, {"closer", close_first, 1});

/* A ring keeps one of the promises: for both there is another core (channel_promised.c). */
static void promised_ring(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make_promised(run, 2, CKF_CHANNEL_SINGLE_PRODUCER);
}

static void promised_segments(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make_promised(run, CKF_UNBOUNDED, BOTH_ENDS);
}

static void promised_full_ring(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make_promised(run, 1, CKF_CHANNEL_SINGLE_CONSUMER);
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

SCENE(room_for_two, "channel-order-room-for-two", BOTH, full_ring, destroy_both,
      {"sender", fill_and_look, 2}, {"taker", write_and_take_two, 1});
SCENE(promised_room, "channel-order-promised-room", BOTH, promised_full_ring, destroy_both,
      {"sender", send_and_look, 1}, {"taker", write_and_take, 1});
SCENE(promised_room_tried, "channel-order-promised-room-tried", BOTH, promised_full_ring,
      destroy_both, {"sender", fill_and_look, 1}, {"taker", write_and_take, 1});

static void receive_three(struct ckf_stress_run *run, void *state)
{
    for (int i = 0; i < 3; i++)
        receive_and_look(run, state);
}

SCENE(promised_batch_in_ring, "channel-order-promised-batch-in-ring", BOTH, promised_ring,
      destroy_both, {"sender", send_a_batch, 1}, {"receiver", receive_three, 1});
SCENE(promised_batch_in_segments, "channel-order-promised-batch-in-segments", BOTH,
      promised_segments, destroy_both, {"sender", send_a_batch, 1}, {"receiver", receive_three, 1});

static void send_plainly(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->plain = 1;
    send_first(run, state);
}

SCENE(promised_sleeper_in_ring, "channel-order-promised-sleeper-in-ring", BOTH, promised_ring,
      destroy_both, {"sender", send_plainly, 1}, {"receiver", receive_and_look, 1});
SCENE(promised_sleeper_in_segments, "channel-order-promised-sleeper-in-segments", BOTH,
      promised_segments, destroy_both, {"sender", send_plainly, 1},
      {"receiver", receive_and_look, 1});

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

SCENE(room_for_one_of_two, "channel-order-room-for-one-of-two", BOTH, two_full_slots,
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

SCENE(room_moves, "channel-order-room-moves", BOTH, two_of_one_slot, destroy_both,
      {"mover", move_room, 1}, {"selector", select_room, 1});

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

SCENE(promised_one_is_there, "channel-order-promised-one-is-there", BOTH, promised_one_in_segments,
      destroy_both, {"owner", put_and_take, 1}, {"observer", find_it_ready, 1});
SCENE(promised_close_in_ring, "channel-order-promised-close-in-ring", BOTH, promised_ring,
      destroy_both, {"owner", put_two, 1}, {"closer", close_and_find_it_ready, 1});
SCENE(promised_close_in_segments, "channel-order-promised-close-in-segments", BOTH,
      promised_segments, destroy_both, {"owner", put_two, 1},
      {"closer", close_and_find_it_ready, 1});
