/* tests/test_linearize.c - histories that have an order are accepted, others are not: by hand for each
 * specification, and by comparison with a checker that tries every order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ck_filter/channel.h>

#include "../stress/specs/channel.h"
#include "../stress/specs/filter.h"
#include "../stress/specs/map.h"
#include "linearize/history.h"

/* --- Histories by hand -------------------------------------------------------------------------- */

static struct ckf_history history;

static void begin(const struct ckf_stress_specification *specification)
{
    ckf_history_begin(&history, specification);
}

/* An operation from `called` to `returned`; its arguments, values and object can be set afterwards.
 * Operations of an actor stand together. */
static struct ckf_stress_operation *note(unsigned actor, uint64_t called, uint64_t returned,
                                         unsigned code, uint64_t argument, int status,
                                         uint64_t result)
{
    assert_true(history.count < CKF_HISTORY_MAX);
    struct ckf_recorded *recorded = &history.operations[history.count++];
    memset(recorded, 0, sizeof *recorded);
    recorded->called = called;
    recorded->returned = returned;
    recorded->operation.actor = actor;
    recorded->operation.code = code;
    recorded->operation.arguments[0] = argument;
    recorded->operation.status = status;
    recorded->operation.result = result;
    return &recorded->operation;
}

static void assert_verdict(enum ckf_linearizability expected)
{
    assert_int_equal(ckf_history_judge(&history), expected);
    assert_int_equal(ckf_history_judge(&history), expected); /* as it is remembered */
}
#define ASSERT_GOOD() assert_verdict(CKF_LINEARIZABLE)
#define ASSERT_BAD()  assert_verdict(CKF_NOT_LINEARIZABLE)

/* --- Channels ----------------------------------------------------------------------------------- */

static const struct channel_shapes one_place = {{{.capacity = 1}}};
static const struct channel_shapes two_places = {{{.capacity = 2}}};
static const struct channel_shapes large_elements = {{{.capacity = 2, .large_elements = true}}};
static const struct channel_shapes unbounded = {{{.capacity = CKF_UNBOUNDED}}};
static const struct channel_shapes counted = {{{.capacity = 1, .producers = 2}}};
static const struct channel_shapes deserted = {{{.capacity = 1, .consumers = 2}}};
static const struct channel_shapes meeting = {{{.capacity = 0}}};
static const struct channel_shapes pair = {{{.capacity = 1}, {.capacity = 1}}};
static const struct channel_shapes mixed_pair = {{{.capacity = 0}, {.capacity = 1}}};
static const struct ckf_stress_specification one_place_channel =
                                                 CHANNEL_SPECIFICATION(1, &one_place),
                                             two_place_channel =
                                                 CHANNEL_SPECIFICATION(1, &two_places),
                                             large_channel =
                                                 CHANNEL_SPECIFICATION(1, &large_elements),
                                             unbounded_channel =
                                                 CHANNEL_SPECIFICATION(1, &unbounded),
                                             counted_channel = CHANNEL_SPECIFICATION(1, &counted),
                                             deserted_channel = CHANNEL_SPECIFICATION(1, &deserted),
                                             rendezvous = CHANNEL_SPECIFICATION(1, &meeting),
                                             pair_of_channels = CHANNEL_SPECIFICATION(2, &pair),
                                             mixed_channels = CHANNEL_SPECIFICATION(2, &mixed_pair);

static void a_channel_is_first_in_first_out(void **state)
{
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        begin(&two_place_channel);
        note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
        note(0, 3, 4, CHANNEL_SEND, 8, CKF_OK, 0);
        note(1, 5, 6, CHANNEL_RECV, 0, CKF_OK, swapped ? 8 : 7);
        note(1, 7, 8, CHANNEL_TRY_RECV, 0, CKF_OK, swapped ? 7 : 8);
        assert_verdict(swapped ? CKF_NOT_LINEARIZABLE : CKF_LINEARIZABLE);
    }
    begin(&two_place_channel); /* sends that overlap may come in either order */
    note(0, 1, 4, CHANNEL_SEND, 7, CKF_OK, 0);
    note(1, 3, 6, CHANNEL_SEND, 8, CKF_OK, 0);
    note(2, 7, 8, CHANNEL_RECV, 0, CKF_OK, 8);
    note(2, 9, 10, CHANNEL_RECV, 0, CKF_OK, 7);
    ASSERT_GOOD();
}

static void an_element_comes_out_once_and_was_sent(void **state)
{
    (void)state;
    begin(&unbounded_channel);
    note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
    note(1, 1, 9, CHANNEL_RECV, 0, CKF_OK, 7);
    note(2, 1, 9, CHANNEL_RECV, 0, CKF_OK, 7);
    ASSERT_BAD();
    begin(&unbounded_channel);
    note(0, 5, 6, CHANNEL_SEND, 7, CKF_OK, 0);
    note(1, 1, 2, CHANNEL_RECV, 0, CKF_OK, 7);
    ASSERT_BAD(); /* before it was sent */
    begin(&unbounded_channel);
    note(0, 1, 2, CHANNEL_SEND_WITHIN, 7, CKF_CANCELED, 0);
    note(1, 3, 4, CHANNEL_RECV, 0, CKF_OK, 7);
    ASSERT_BAD(); /* it was not sent */
}

static void again_needs_a_moment_without_an_element(void **state)
{
    (void)state;
    for (int gap = 0; gap < 2; gap++) {
        begin(&two_place_channel);
        note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
        note(0, 5, 6, CHANNEL_SEND, 8, CKF_OK, 0);
        note(1, gap ? 3 : 7, gap ? 4 : 8, CHANNEL_RECV, 0, CKF_OK, 7);
        note(2, 3, 9, CHANNEL_TRY_RECV, 0, CKF_AGAIN, 0);
        assert_verdict(gap ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
    begin(&two_place_channel);
    note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
    note(1, 3, 4, CHANNEL_RECV_WITHIN, 0, CKF_TIMED_OUT, 0);
    ASSERT_BAD();
}

static void a_capacity_is_exact(void **state)
{
    (void)state;
    begin(&one_place_channel);
    note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
    note(0, 3, 4, CHANNEL_TRY_SEND, 8, CKF_AGAIN, 0);
    ASSERT_GOOD();
    begin(&one_place_channel);
    note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
    note(0, 3, 4, CHANNEL_TRY_SEND, 8, CKF_OK, 0);
    ASSERT_BAD();
    begin(&two_place_channel);
    note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
    note(0, 3, 4, CHANNEL_TRY_SEND, 8, CKF_AGAIN, 0);
    ASSERT_BAD();
    begin(&unbounded_channel);
    note(0, 3, 4, CHANNEL_TRY_SEND, 8, CKF_AGAIN, 0);
    ASSERT_BAD();
}

static void calls_in_progress_may_hold_places_for_large_elements(void **state)
{
    (void)state;
    for (int overlapping = 0; overlapping < 2; overlapping++) {
        begin(&large_channel);
        note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
        note(0, 3, overlapping ? 9 : 4, CHANNEL_TRY_RECV, 0, CKF_OK, 7);
        note(1, 5, 6, CHANNEL_SEND, 8, CKF_OK, 0);
        note(2, 7, 8, CHANNEL_TRY_SEND, 9, CKF_AGAIN, 0);
        assert_verdict(overlapping ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
}

static void a_close_parts_what_was_sent_from_what_was_not(void **state)
{
    (void)state;
    begin(&two_place_channel);
    note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
    note(0, 7, 8, CHANNEL_SEND, 8, CKF_CLOSED, 0);
    note(1, 3, 4, CHANNEL_CLOSE, 0, CKF_OK, 0);
    note(1, 5, 6, CHANNEL_CLOSE, 0, CKF_ALREADY, 0);
    note(2, 9, 10, CHANNEL_RECV, 0, CKF_OK, 7);
    note(2, 11, 12, CHANNEL_RECV, 0, CKF_CLOSED, 0);
    ASSERT_GOOD();
    begin(&two_place_channel); /* accepted after the close */
    note(0, 3, 4, CHANNEL_TRY_SEND, 7, CKF_OK, 0);
    note(1, 1, 2, CHANNEL_CLOSE, 0, CKF_OK, 0);
    ASSERT_BAD();
    begin(&two_place_channel); /* not drained */
    note(0, 1, 2, CHANNEL_TRY_SEND, 7, CKF_OK, 0);
    note(1, 3, 4, CHANNEL_CLOSE, 0, CKF_OK, 0);
    note(2, 5, 6, CHANNEL_RECV, 0, CKF_CLOSED, 0);
    ASSERT_BAD();
    begin(&two_place_channel); /* closed by two */
    note(0, 1, 4, CHANNEL_CLOSE, 0, CKF_OK, 0);
    note(1, 2, 3, CHANNEL_CLOSE, 0, CKF_OK, 0);
    ASSERT_BAD();
    begin(&two_place_channel); /* a closed channel does not say "again" */
    note(0, 1, 2, CHANNEL_CLOSE, 0, CKF_OK, 0);
    note(0, 3, 4, CHANNEL_TRY_RECV, 0, CKF_AGAIN, 0);
    ASSERT_BAD();
    begin(&two_place_channel);
    note(0, 1, 2, CHANNEL_IS_CLOSED, 0, CKF_OK, 0);
    note(0, 3, 4, CHANNEL_CLOSE, 0, CKF_OK, 0);
    note(0, 5, 6, CHANNEL_IS_CLOSED, 0, CKF_OK, 1);
    ASSERT_GOOD();
    begin(&two_place_channel);
    note(0, 1, 2, CHANNEL_IS_CLOSED, 0, CKF_OK, 1);
    note(0, 3, 4, CHANNEL_CLOSE, 0, CKF_OK, 0);
    ASSERT_BAD();
}

static void the_last_producer_closes(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        begin(&counted_channel);
        note(0, 1, 2, CHANNEL_PRODUCER_DONE, 0, CKF_OK, wrong);
        note(1, 3, 4, CHANNEL_PRODUCER_DONE, 0, CKF_OK, 1);
        note(1, 5, 6, CHANNEL_SEND, 7, CKF_CLOSED, 0);
        assert_verdict(wrong ? CKF_NOT_LINEARIZABLE : CKF_LINEARIZABLE);
    }
    begin(&counted_channel);
    note(0, 1, 2, CHANNEL_PRODUCER_DONE, 0, CKF_OK, 0);
    note(0, 3, 4, CHANNEL_CLOSE, 0, CKF_OK, 0);
    note(1, 5, 6, CHANNEL_PRODUCER_DONE, 0, CKF_OK, 0);
    ASSERT_GOOD();
}

static void the_last_consumer_closes(void **state)
{
    (void)state;
    for (int added = 0; added < 2; added++) {
        begin(&deserted_channel);
        if (added)
            note(0, 1, 2, CHANNEL_ADD_CONSUMER, 0, CKF_OK, 0);
        note(0, 3, 4, CHANNEL_CONSUMER_DONE, 0, CKF_OK, 0);
        note(1, 5, 6, CHANNEL_CONSUMER_DONE, 0, CKF_OK, 1);
        note(1, 7, 8, CHANNEL_ADD_CONSUMER, 0, CKF_CLOSED, 0);
        assert_verdict(added ? CKF_NOT_LINEARIZABLE : CKF_LINEARIZABLE);
    }
    begin(&deserted_channel); /* its producers are not counted */
    note(0, 1, 2, CHANNEL_ADD_PRODUCER, 0, CKF_OK, 0);
    ASSERT_BAD();
}

static void len_is_exact_when_nothing_moves(void **state)
{
    (void)state;
    for (uint64_t moving = 0; moving < 2; moving++) {
        begin(&two_place_channel);
        note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
        note(0, 3, moving ? 9 : 4, CHANNEL_SEND, 8, CKF_OK, 0);
        note(1, 5, 6, CHANNEL_LEN, 0, CKF_OK, 0);
        assert_verdict(moving ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
    begin(&two_place_channel);
    note(0, 1, 9, CHANNEL_SEND, 7, CKF_OK, 0);
    note(1, 5, 6, CHANNEL_LEN, 0, CKF_OK, 3);
    ASSERT_BAD();
}

static void is_ready_says_what_a_call_would_find(void **state)
{
    (void)state;
    for (uint64_t ready = 0; ready < 2; ready++) {
        begin(&one_place_channel);
        note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0);
        note(0, 3, 4, CHANNEL_IS_READY, CKF_RECV, CKF_OK, ready);
        note(0, 5, 6, CHANNEL_IS_READY, CKF_SEND, CKF_OK, !ready);
        assert_verdict(ready ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
    begin(&rendezvous);
    note(0, 1, 2, CHANNEL_CLOSE, 0, CKF_OK, 0);
    note(0, 3, 4, CHANNEL_IS_READY, CKF_SEND, CKF_OK, 0);
    ASSERT_BAD();
}

static struct ckf_stress_operation *with_values(struct ckf_stress_operation *operation,
                                                uint64_t first, uint64_t second)
{
    operation->values[0] = first;
    operation->values[1] = second;
    return operation;
}

static void batches_keep_their_order_and_let_others_between(void **state)
{
    (void)state;
    begin(&unbounded_channel);
    with_values(note(0, 1, 4, CHANNEL_SEND_MANY, 2, CKF_OK, 2), 7, 8);
    note(1, 2, 3, CHANNEL_SEND, 9, CKF_OK, 0);
    with_values(note(2, 5, 6, CHANNEL_RECV_MANY, 2, CKF_OK, 2), 7, 9);
    note(2, 7, 8, CHANNEL_RECV, 0, CKF_OK, 8);
    ASSERT_GOOD();
    begin(&unbounded_channel);
    with_values(note(0, 1, 4, CHANNEL_SEND_MANY, 2, CKF_OK, 2), 7, 8);
    with_values(note(2, 5, 6, CHANNEL_RECV_MANY, 2, CKF_OK, 2), 8, 7);
    ASSERT_BAD();
    begin(&one_place_channel);
    with_values(note(0, 1, 4, CHANNEL_SEND_MANY, 2, CKF_OK, 2), 7, 8);
    ASSERT_BAD(); /* nobody made room */
}

static void a_rendezvous_happens_within_both_calls(void **state)
{
    (void)state;
    for (int met = 0; met < 2; met++) {
        begin(&rendezvous);
        note(0, 1, 4, CHANNEL_SEND, 7, CKF_OK, 0);
        note(1, met ? 3 : 5, 8, CHANNEL_RECV, 0, CKF_OK, 7);
        assert_verdict(met ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
    for (int met = 0; met < 2; met++) { /* each element of a batch */
        begin(&rendezvous);
        with_values(note(0, 1, 6, CHANNEL_SEND_MANY, 2, CKF_OK, 2), 7, 8);
        with_values(note(1, 2, met ? 5 : 4, CHANNEL_RECV_MANY, 2, CKF_OK, met ? 2 : 1), 7, 8);
        if (!met)
            note(1, 7, 8, CHANNEL_RECV, 0, CKF_OK, 8);
        assert_verdict(met ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
    begin(&rendezvous); /* one of them does not wait */
    note(0, 1, 4, CHANNEL_TRY_SEND, 7, CKF_OK, 0);
    note(1, 2, 3, CHANNEL_RECV, 0, CKF_OK, 7);
    ASSERT_GOOD();
    begin(&rendezvous); /* neither waits */
    note(0, 1, 4, CHANNEL_TRY_SEND, 7, CKF_OK, 0);
    note(1, 2, 3, CHANNEL_TRY_RECV, 0, CKF_OK, 7);
    ASSERT_BAD();
    begin(&rendezvous); /* received, and kept */
    note(0, 1, 4, CHANNEL_SEND_WITHIN, 7, CKF_TIMED_OUT, 0);
    note(1, 2, 3, CHANNEL_RECV, 0, CKF_OK, 7);
    ASSERT_BAD();
    begin(&rendezvous); /* sent, and received by nobody */
    note(0, 1, 4, CHANNEL_SEND, 7, CKF_OK, 0);
    ASSERT_BAD();
    begin(&rendezvous); /* received by two */
    note(0, 1, 9, CHANNEL_SEND, 7, CKF_OK, 0);
    note(1, 1, 9, CHANNEL_RECV, 0, CKF_OK, 7);
    note(2, 1, 9, CHANNEL_RECV, 0, CKF_OK, 7);
    ASSERT_BAD();
    begin(&rendezvous); /* after the close */
    note(0, 3, 6, CHANNEL_SEND, 7, CKF_OK, 0);
    note(1, 4, 5, CHANNEL_RECV, 0, CKF_OK, 7);
    note(2, 1, 2, CHANNEL_CLOSE, 0, CKF_OK, 0);
    ASSERT_BAD();
}

/* Receives from channel 0 or sends `element` to channel 1, if `sends`; else receives from both. */
static struct ckf_stress_operation *note_select(unsigned actor, uint64_t called, uint64_t returned,
                                                uint64_t element, bool waits, int status,
                                                uint64_t chosen, uint64_t received)
{
    struct ckf_stress_operation *operation =
        note(actor, called, returned, CHANNEL_SELECT, 2, status, chosen);
    operation->arguments[1] = !waits;
    operation->values[0] = channel_select_case(0, false, 0);
    operation->values[1] = channel_select_case(1, element != 0, element);
    operation->values[CKF_STRESS_VALUES - 1] = received;
    return operation;
}

static struct ckf_stress_operation *on_channel(struct ckf_stress_operation *operation,
                                               unsigned channel)
{
    operation->arguments[1] = channel;
    return operation;
}

static void a_select_finds_nothing_at_one_moment(void **state)
{
    (void)state;
    for (int overlap = 0; overlap < 2; overlap++) {
        begin(&pair_of_channels); /* the element is in 1, then in both, then in 0 */
        on_channel(note(0, 1, 2, CHANNEL_TRY_SEND, 7, CKF_OK, 0), 1);
        on_channel(note(0, overlap ? 4 : 6, overlap ? 5 : 7, CHANNEL_TRY_SEND, 8, CKF_OK, 0), 0);
        on_channel(note(1, overlap ? 6 : 4, overlap ? 7 : 5, CHANNEL_TRY_RECV, 0, CKF_OK, 7), 1);
        note_select(2, 3, 9, 0, false, CKF_AGAIN, 2, 0);
        assert_verdict(overlap ? CKF_NOT_LINEARIZABLE : CKF_LINEARIZABLE);
    }
    for (int in_turn = 0; in_turn < 2;
         in_turn++) { /* to 1, which is full; from 0, which is not empty */
        begin(&pair_of_channels);
        on_channel(note(0, 1, 2, CHANNEL_TRY_SEND, 7, CKF_OK, 0), 0);
        on_channel(note(0, 3, 4, CHANNEL_TRY_SEND, 8, CKF_OK, 0), 1);
        on_channel(note(1, in_turn ? 6 : 8, in_turn ? 7 : 9, CHANNEL_TRY_RECV, 0, CKF_OK, 8), 1);
        on_channel(note(1, in_turn ? 8 : 6, in_turn ? 9 : 7, CHANNEL_TRY_RECV, 0, CKF_OK, 7), 0);
        note_select(2, 5, 10, 9, false, CKF_AGAIN, 2, 0);
        assert_verdict(in_turn ? CKF_NOT_LINEARIZABLE : CKF_LINEARIZABLE);
    }
    begin(&pair_of_channels); /* there is room to send to */
    note_select(0, 1, 2, 9, false, CKF_AGAIN, 2, 0);
    ASSERT_BAD();
}

static void a_select_takes_the_case_that_it_says(void **state)
{
    (void)state;
    for (uint64_t received = 7; received < 9; received++) {
        begin(&pair_of_channels);
        on_channel(note(0, 1, 2, CHANNEL_SEND, 7, CKF_OK, 0), 0);
        note_select(1, 3, 4, 9, true, CKF_OK, 0, received);
        assert_verdict(received == 7 ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
    begin(&mixed_channels); /* meets a sender */
    on_channel(note(0, 1, 4, CHANNEL_SEND, 7, CKF_OK, 0), 0);
    note_select(1, 2, 3, 9, true, CKF_OK, 0, 7);
    ASSERT_GOOD();
    begin(&mixed_channels);
    note_select(0, 1, 2, 9, true, CKF_OK, 1, 0);
    on_channel(note(0, 3, 4, CHANNEL_TRY_RECV, 0, CKF_OK, 9), 1);
    on_channel(note(0, 5, 6, CHANNEL_CLOSE, 0, CKF_OK, 0), 0);
    note_select(0, 7, 8, 0, true, CKF_CLOSED, 0, 0);
    ASSERT_GOOD();
}

/* --- Counter maps ------------------------------------------------------------------------------- */

static const struct map_bound no_bound = {0}, bound_of_one = {1};
static const struct ckf_stress_specification map = MAP_SPECIFICATION(&no_bound),
                                             bounded_map = MAP_SPECIFICATION(&bound_of_one);

static void a_counter_counts(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 4; value++) {
        begin(&map);
        note(0, 1, 2, MAP_GET, 0, CKF_NOT_FOUND, 0);
        note(0, 3, 4, MAP_ADD, 0, CKF_OK, 0);
        note(1, 5, 9, MAP_ADD, 0, CKF_OK, 0);
        note(2, 6, 7, MAP_GET, 0, CKF_OK, value);
        assert_verdict(value == 1 || value == 2 ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
}

static void each_add_lands_in_one_take(void **state)
{
    (void)state;
    for (uint64_t first = 0; first < 4; first++)
        for (uint64_t second = 0; second < 4; second++) {
            begin(&map);
            note(0, 1, 2, MAP_ADD, 0, CKF_OK, 0);
            note(0, 3, 8, MAP_ADD, 0, CKF_OK, 0);
            note(1, 4, 5, MAP_TAKE, 0, CKF_OK, first);
            note(2, 4, 6, MAP_TAKE, 0, CKF_OK, second);
            note(0, 9, 10, MAP_TAKE, 0, CKF_OK, 2 - first - second);
            bool good = first + second == 1 || first + second == 2;
            assert_verdict(good ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
        }
    begin(&map); /* lost */
    note(0, 1, 2, MAP_ADD, 0, CKF_OK, 0);
    note(0, 3, 4, MAP_TAKE, 0, CKF_OK, 0);
    note(0, 5, 6, MAP_TAKE, 0, CKF_OK, 1);
    ASSERT_BAD();
}

static void a_value_does_not_go_backwards_without_a_take(void **state)
{
    (void)state;
    begin(&map);
    note(0, 1, 9, MAP_ADD, 0, CKF_OK, 0);
    note(1, 2, 3, MAP_GET, 0, CKF_OK, 1);
    note(1, 4, 5, MAP_GET, 0, CKF_OK, 0);
    ASSERT_BAD();
    begin(&map);
    note(0, 1, 9, MAP_ADD, 0, CKF_OK, 0);
    note(1, 2, 3, MAP_GET, 0, CKF_OK, 1);
    note(1, 4, 5, MAP_TAKE, 0, CKF_OK, 1);
    note(1, 6, 7, MAP_GET, 0, CKF_OK, 0);
    ASSERT_GOOD();
}

static void a_removed_value_is_exact(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 3; value++) {
        begin(&map);
        note(0, 1, 2, MAP_ADD, 0, CKF_OK, 0);
        note(0, 3, 4, MAP_ADD, 0, CKF_OK, 0);
        note(0, 5, 6, MAP_REMOVE, 0, CKF_OK, value);
        note(0, 7, 8, MAP_REMOVE, 0, CKF_NOT_FOUND, 0);
        assert_verdict(value == 2 ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
    begin(&map); /* an add that is gone with its key */
    note(0, 1, 6, MAP_ADD, 0, CKF_OK, 0);
    note(1, 2, 3, MAP_ADD, 0, CKF_OK, 0);
    note(1, 4, 5, MAP_REMOVE, 0, CKF_OK, 1);
    note(0, 7, 8, MAP_GET, 0, CKF_NOT_FOUND, 0);
    ASSERT_BAD();
}

static void a_bound_refuses_no_key_that_there_is_room_for(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        begin(&bounded_map);
        note(0, 1, 2, MAP_ADD, 0, CKF_OK, 0);
        note(0, full ? 9 : 3, full ? 10 : 4, MAP_REMOVE, 0, CKF_OK, 1);
        note(1, 5, 6, MAP_ADD, 1, CKF_OVERFLOWED, 0);
        note(1, 7, 8, MAP_TOTAL, 0, CKF_OK, 2);
        note(1, 8, 8, MAP_OVERFLOW, 0, CKF_OK, 1);
        assert_verdict(full ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
    begin(&bounded_map);
    note(0, 1, 2, MAP_ADD, 0, CKF_OK, 0);
    note(1, 3, 4, MAP_ADD, 1, CKF_OK, 0);
    ASSERT_BAD();
    begin(&bounded_map); /* a key on its way out counts */
    note(0, 1, 2, MAP_ADD, 0, CKF_OK, 0);
    note(0, 3, 8, MAP_REMOVE, 0, CKF_OK, 1);
    note(1, 4, 5, MAP_GET, 0, CKF_NOT_FOUND, 0);
    note(1, 6, 7, MAP_ADD, 1, CKF_OVERFLOWED, 0);
    ASSERT_GOOD();
}

static void keys_are_judged_by_themselves(void **state)
{
    (void)state;
    for (uint64_t value = 1; value < 3; value++) {
        begin(&map);
        note(0, 1, 2, MAP_ADD, 0, CKF_OK, 0)->object = 5;
        note(0, 3, 4, MAP_ADD, 0, CKF_OK, 0)->object = 6;
        note(1, 5, 6, MAP_GET, 0, CKF_OK, 1)->object = 5;
        note(1, 7, 8, MAP_GET, 0, CKF_OK, value)->object = 6;
        assert_verdict(value == 1 ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
}

/* --- Filters ------------------------------------------------------------------------------------ */

static const struct ckf_stress_specification filter = FILTER_SPECIFICATION;

static void note_verdict(unsigned actor, uint64_t called, uint64_t returned, uint64_t words,
                         uint64_t dropped, uint64_t generation)
{
    note(actor, called, returned, FILTER_EVALUATE, words, CKF_OK, generation)->values[0] = dropped;
}

static void a_verdict_is_what_its_generation_says(void **state)
{
    (void)state;
    for (uint64_t dropped = 0; dropped < 4; dropped++)
        for (uint64_t generation = 1; generation < 4; generation++) {
            begin(&filter);
            note(0, 1, 2, FILTER_PUBLISH, 1, CKF_OK, 2);
            note(0, 3, 6, FILTER_PUBLISH, 2, CKF_OK, 3);
            note_verdict(1, 4, 5, 3, dropped, generation);
            bool good = generation == dropped + 1 && dropped > 0 && dropped < 3;
            assert_verdict(good ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
        }
}

static void generations_do_not_go_backwards(void **state)
{
    (void)state;
    begin(&filter);
    note(0, 1, 6, FILTER_PUBLISH, 1, CKF_OK, 2);
    note_verdict(1, 2, 3, 1, 1, 2);
    note(1, 4, 5, FILTER_GENERATION, 0, CKF_OK, 1);
    ASSERT_BAD();
}

static void a_stale_publish_says_what_is_there(void **state)
{
    (void)state;
    for (uint64_t current = 1; current < 4; current++) {
        begin(&filter);
        note(0, 1, 2, FILTER_PUBLISH, 1, CKF_OK, 2);
        note(0, 3, 4, FILTER_PUBLISH, 2, CKF_STALE, current)->arguments[1] = 1;
        note_verdict(0, 5, 6, 3, 1, 2);
        assert_verdict(current == 2 ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
    begin(&filter); /* not stale at all */
    note(0, 1, 2, FILTER_PUBLISH, 1, CKF_STALE, 1)->arguments[1] = 1;
    ASSERT_BAD();
}

/* --- Histories as such -------------------------------------------------------------------------- */

static void what_has_not_returned_may_have_happened(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 3; value++) {
        begin(&map);
        note(0, 1, 2, MAP_ADD, 0, CKF_OK, 0);
        note(1, 3, CKF_NEVER_RETURNED, MAP_ADD, 0, CKF_OK, 0);
        note(2, 5, 6, MAP_GET, 0, CKF_OK, value);
        assert_verdict(value > 0 ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
}

static void operations_that_touch_overlap(void **state)
{
    (void)state;
    for (uint64_t gap = 0; gap < 2; gap++) {
        begin(&map);
        note(0, 1, 5, MAP_GET, 0, CKF_OK, 1);
        note(1, 5 + gap, 7, MAP_ADD, 0, CKF_OK, 0);
        assert_verdict(gap == 0 ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE);
    }
}

static void what_is_too_much_is_undecided(void **state)
{
    (void)state;
    begin(&unbounded_channel); /* any order of the sends will do, and none explains the receive */
    for (unsigned i = 0; i < 20; i++)
        note(i, 1, 100, CHANNEL_SEND, 1 + i, CKF_OK, 0);
    note(20, 1, 100, CHANNEL_RECV, 0, CKF_OK, 99);
    assert_int_equal(ckf_history_judge(&history), CKF_LINEARIZABLE_UNDECIDED);
    assert_string_equal(ckf_history_outcome(CKF_LINEARIZABLE_UNDECIDED), "undecided");

    static struct ckf_recorder recorder;
    struct ckf_stress_operation operation = {.code = MAP_ADD};
    bool misused;
    for (int i = 0; i <= CKF_STRESS_MAX_CALLS; i++) {
        struct ckf_recorded *call = ckf_recorder_call(&recorder, &operation, &misused);
        assert_int_equal(call != NULL, i < CKF_STRESS_MAX_CALLS);
        assert_false(misused);
        ckf_recorder_value(&recorder, 0, 1, &misused);
        ckf_recorder_return(&recorder, CKF_OK, 0, &misused);
        assert_false(misused);
    }
    begin(&map);
    ckf_history_add(&history, &recorder);
    assert_int_equal(ckf_history_judge(&history), CKF_LINEARIZABLE_UNDECIDED);
}

static void recorders_notice_misuse(void **state)
{
    (void)state;
    static struct ckf_recorder recorder;
    struct ckf_stress_operation operation = {.code = MAP_ADD};
    bool misused;
    ckf_recorder_clear(&recorder);
    assert_null(ckf_recorder_return(&recorder, CKF_OK, 0, &misused));
    assert_true(misused);
    ckf_recorder_value(&recorder, 0, 0, &misused);
    assert_true(misused);
    assert_non_null(ckf_recorder_call(&recorder, &operation, &misused));
    assert_false(misused);
    ckf_recorder_value(&recorder, CKF_STRESS_VALUES, 0, &misused);
    assert_true(misused);
    assert_null(ckf_recorder_call(&recorder, &operation, &misused));
    assert_true(misused);
}

static void name_actor(unsigned actor, char *text, size_t size, const void *arg)
{
    (void)arg;
    snprintf(text, size, "actor %u", actor);
}

/* What is printed of the history, which must be bad. */
static char *print_bad(void)
{
    ASSERT_BAD();
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    ckf_history_print(&history, name_actor, NULL, out);
    fclose(out);
    return text;
}

static void the_shortest_bad_beginning_is_shown(void **state)
{
    (void)state;
    begin(&two_place_channel);
    note(0, 10, 20, CHANNEL_SEND, 7, CKF_OK, 0);
    note(0, 70, 80, CHANNEL_SEND, 8, CKF_OK, 0); /* later than what is wrong */
    note(1, 30, 40, CHANNEL_TRY_RECV, 0, CKF_AGAIN, 0);
    note(1, 50, 60, CHANNEL_RECV, 0, CKF_OK, 7);
    note(2, 35, 90, CHANNEL_CLOSE, 0, CKF_OK, 0);
    char *text = print_bad();
    assert_non_null(strstr(text, "send 7: CKF_OK"));
    assert_non_null(strstr(text, "actor 1      try_recv: CKF_AGAIN"));
    assert_non_null(strstr(text, "close: CKF_OK, later"));
    assert_null(strstr(text, "send 8"));
    assert_null(strstr(text, "recv: 7"));
    free(text);
}

/* A call may last while another thread makes more of them than a report has room for. */
static void what_had_not_returned_is_shown_however_long_ago_it_was_called(void **state)
{
    (void)state;
    begin(&two_place_channel);
    note(0, 1, 2, CHANNEL_SEND, 5, CKF_OK, 0);
    note(1, 3, 1000, CHANNEL_RECV, 0, CKF_OK, 99);
    for (uint64_t i = 0; i < 40; i++)
        note(0, 10 + 2 * i, 11 + 2 * i, CHANNEL_TRY_RECV, 0, i == 0 ? CKF_OK : CKF_AGAIN,
             i == 0 ? 5 : 0);
    note(2, 1, 1001, CHANNEL_CLOSE, 0, CKF_OK, 0);
    char *text = print_bad();
    assert_non_null(strstr(text, "actor 1      recv"));
    assert_non_null(strstr(text, "actor 2      close"));
    assert_non_null(strstr(text, "(17 that had returned earlier)"));
    assert_null(strstr(text, "send 5"));
    free(text);
}

/* --- Against every order ------------------------------------------------------------------------ */

static uint64_t random_state;

static unsigned below(unsigned bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((random_state >> 33) % bound);
}

enum { MOST_NAIVE = 8 };

/* Tries every order: no list, no memory. Steps done are counted by operation. */
static bool some_order_is_good(const unsigned *done, const uint64_t *state)
{
    const struct ckf_stress_specification *specification = history.specification;
    unsigned steps[MOST_NAIVE], left = 0;
    for (size_t i = 0; i < history.count; i++) {
        const struct ckf_stress_operation *operation = &history.operations[i].operation;
        steps[i] = specification->steps != NULL
                       ? specification->steps(operation, specification->parameter)
                       : 1;
        left += steps[i] - done[i];
    }
    if (left == 0)
        return true;
    for (size_t i = 0; i < history.count; i++) {
        bool next = done[i] < steps[i];
        for (size_t j = 0; j < history.count; j++)
            next = next && !(done[j] < steps[j] &&
                             history.operations[j].returned < history.operations[i].called);
        if (!next)
            continue;
        uint64_t copy[CKF_STRESS_MODEL_BYTES / 8];
        unsigned more[MOST_NAIVE];
        memcpy(copy, state, sizeof copy);
        memcpy(more, done, sizeof more);
        more[i]++;
        if (specification->apply(copy, &history.operations[i].operation, done[i],
                                 specification->parameter) &&
            some_order_is_good(more, copy))
            return true;
    }
    return false;
}

static enum ckf_linearizability judge_naively(void)
{
    uint64_t state[CKF_STRESS_MODEL_BYTES / 8] = {0};
    unsigned done[MOST_NAIVE] = {0};
    if (history.specification->init != NULL)
        history.specification->init(state, history.specification->parameter);
    return some_order_is_good(done, state) ? CKF_LINEARIZABLE : CKF_NOT_LINEARIZABLE;
}

/* What an operation of some code would return in this state: tries statuses and results until the
 * specification accepts one, and leaves the state after it. False: none of them. */
typedef void (*guess)(struct ckf_stress_operation *operation, unsigned attempt);

static bool perform(uint64_t *state, struct ckf_stress_operation *operation, guess next)
{
    const struct ckf_stress_specification *specification = history.specification;
    for (unsigned attempt = 0; attempt < 24; attempt++) {
        uint64_t copy[CKF_STRESS_MODEL_BYTES / 8];
        memcpy(copy, state, sizeof copy);
        next(operation, attempt);
        unsigned steps = specification->steps != NULL
                             ? specification->steps(operation, specification->parameter)
                             : 1;
        bool good = true;
        for (unsigned step = 0; good && step < steps; step++)
            good = specification->apply(copy, operation, step, specification->parameter);
        if (!good)
            continue;
        memcpy(state, copy, sizeof copy);
        return true;
    }
    return false;
}

static void guess_channel(struct ckf_stress_operation *operation, unsigned attempt)
{
    static const enum ckf_status statuses[] = {CKF_OK, CKF_CLOSED, CKF_AGAIN, CKF_ALREADY};
    operation->status = statuses[attempt % 4];
    operation->result = attempt / 4;
}

static void guess_map(struct ckf_stress_operation *operation, unsigned attempt)
{
    static const enum ckf_status statuses[] = {CKF_OK, CKF_NOT_FOUND};
    operation->status = statuses[attempt % 2];
    operation->result = attempt / 2;
}

static void guess_filter(struct ckf_stress_operation *operation, unsigned attempt)
{
    operation->status = attempt < 8 ? CKF_OK : CKF_STALE;
    operation->result = 1 + attempt % 8;
    operation->values[0] = operation->arguments[0]; /* so only what is denied is asked for */
}

static unsigned next_element;

static void choose_channel(struct ckf_stress_operation *operation)
{
    static const enum channel_code codes[] = {CHANNEL_TRY_SEND, CHANNEL_TRY_SEND,
                                              CHANNEL_TRY_RECV, CHANNEL_TRY_RECV,
                                              CHANNEL_CLOSE,    CHANNEL_IS_CLOSED};
    operation->code = codes[below(6)];
    operation->arguments[0] = operation->code == CHANNEL_TRY_SEND ? next_element++ % 5 : 0;
}

static void choose_map(struct ckf_stress_operation *operation)
{
    operation->code = below(4);
    operation->arguments[0] = below(2);
}

static void choose_filter(struct ckf_stress_operation *operation)
{
    operation->code = below(3);
    operation->arguments[0] = operation->code == FILTER_EVALUATE ? 0 : below(4);
    operation->arguments[1] = operation->code == FILTER_PUBLISH ? below(3) : 0;
}

/* A history that has an order: results come from performing the operations one by one, each at a
 * moment of its interval. */
static void make_good_history(const struct ckf_stress_specification *specification, unsigned count,
                              unsigned actors, void (*choose)(struct ckf_stress_operation *),
                              guess next)
{
    uint64_t state[CKF_STRESS_MODEL_BYTES / 8] = {0};
    begin(specification);
    if (specification->init != NULL)
        specification->init(state, specification->parameter);
    struct ckf_recorded in_order[CKF_HISTORY_MAX];
    uint64_t busy_until[8] = {0};
    next_element = 1;
    for (unsigned i = 0; i < count; i++) {
        struct ckf_recorded *one = &in_order[i];
        uint64_t moment = 10 * (i + 1);
        memset(one, 0, sizeof *one);
        one->operation.actor = below(actors);
        choose(&one->operation);
        assert_true(perform(state, &one->operation, next));
        uint64_t free_from = busy_until[one->operation.actor] + 1;
        uint64_t early = moment - below(25) % moment;
        one->called = early > free_from ? early : free_from;
        if (one->called > moment) /* its actor is still busy then */
            one->operation.actor = 8 + i;
        if (one->operation.actor >= 8)
            one->called = early;
        one->returned = moment + below(25);
        if (one->operation.actor < 8)
            busy_until[one->operation.actor] = one->returned;
    }
    for (unsigned actor = 0; actor < 8 + count; actor++)
        for (unsigned i = 0; i < count; i++)
            if (in_order[i].operation.actor == actor)
                history.operations[history.count++] = in_order[i];
}

static void spoil(void)
{
    struct ckf_stress_operation *operation =
        &history.operations[below((unsigned)history.count)].operation;
    if (below(2) == 0)
        operation->result = below(4);
    else
        operation->status = below(2) == 0 ? CKF_OK : CKF_AGAIN;
}

static const struct {
    const struct ckf_stress_specification *specification;
    void (*choose)(struct ckf_stress_operation *);
    guess next;
} families[] = {{&one_place_channel, choose_channel, guess_channel},
                {&two_place_channel, choose_channel, guess_channel},
                {&unbounded_channel, choose_channel, guess_channel},
                {&map, choose_map, guess_map},
                {&filter, choose_filter, guess_filter}};
enum { FAMILIES = sizeof families / sizeof families[0] };

static void it_agrees_with_trying_every_order(void **state)
{
    (void)state;
    enum { ROUNDS = 4000 };
    unsigned bad = 0, good = 0;
    random_state = 1;
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned f = 0; f < FAMILIES; f++) {
            make_good_history(families[f].specification, 3 + below(4), 3, families[f].choose,
                              families[f].next);
            assert_int_equal(ckf_history_judge(&history), CKF_LINEARIZABLE);
            spoil();
            enum ckf_linearizability expected = judge_naively();
            assert_int_equal(ckf_history_judge(&history), expected);
            *(expected == CKF_LINEARIZABLE ? &good : &bad) += 1;
        }
    assert_true(bad > ROUNDS && good > ROUNDS / 2); /* both kinds were there */
}

/* Of spoilt meetings, too, which are not made by performing calls one by one. */
static void it_agrees_on_meetings(void **state)
{
    (void)state;
    static const enum channel_code sends[] = {CHANNEL_SEND, CHANNEL_TRY_SEND, CHANNEL_SEND_WITHIN};
    static const enum channel_code receives[] = {CHANNEL_RECV, CHANNEL_TRY_RECV};
    static const enum ckf_status statuses[] = {CKF_OK, CKF_OK, CKF_OK, CKF_AGAIN, CKF_CLOSED};
    unsigned bad = 0, good = 0;
    random_state = 2;
    for (unsigned round = 0; round < 20000; round++) {
        begin(&rendezvous);
        unsigned count = 2 + below(4);
        for (unsigned i = 0; i < count; i++) {
            uint64_t called = below(12), returned = called + 1 + below(8);
            unsigned kind = below(9);
            if (kind < 4)
                note(i, called, returned, sends[below(3)], i, statuses[below(5)], 0);
            else if (kind < 8)
                note(i, called, returned, receives[below(2)], 0, statuses[below(5)], below(count));
            else
                note(i, called, returned, CHANNEL_CLOSE, 0, CKF_OK, 0);
        }
        enum ckf_linearizability expected = judge_naively();
        assert_int_equal(ckf_history_judge(&history), expected);
        *(expected == CKF_LINEARIZABLE ? &good : &bad) += 1;
    }
    assert_true(bad > 1000 && good > 1000);
}

static void long_histories_are_judged_too(void **state)
{
    (void)state;
    random_state = 3;
    for (unsigned round = 0; round < 100; round++)
        for (unsigned f = 0; f < FAMILIES; f++) {
            if (families[f].next == guess_filter) /* guesses few generations */
                continue;
            make_good_history(families[f].specification, 30 + below(150), 4, families[f].choose,
                              families[f].next);
            if (families[f].next == guess_map && history.count > 60) /* guesses small values */
                continue;
            assert_int_equal(ckf_history_judge(&history), CKF_LINEARIZABLE);
        }
    /* One wrong result far behind. */
    begin(&one_place_channel);
    for (unsigned i = 0; i < 200; i += 2) {
        note(0, 10 * i, 10 * i + 5, CHANNEL_TRY_SEND, i, CKF_OK, 0);
        note(0, 10 * i + 7, 10 * i + 9, CHANNEL_TRY_RECV, 0, CKF_OK, i == 190 ? 1 : i);
    }
    assert_int_equal(ckf_history_judge(&history), CKF_NOT_LINEARIZABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_is_first_in_first_out),
        cmocka_unit_test(an_element_comes_out_once_and_was_sent),
        cmocka_unit_test(again_needs_a_moment_without_an_element),
        cmocka_unit_test(a_capacity_is_exact),
        cmocka_unit_test(calls_in_progress_may_hold_places_for_large_elements),
        cmocka_unit_test(a_close_parts_what_was_sent_from_what_was_not),
        cmocka_unit_test(the_last_producer_closes),
        cmocka_unit_test(the_last_consumer_closes),
        cmocka_unit_test(len_is_exact_when_nothing_moves),
        cmocka_unit_test(is_ready_says_what_a_call_would_find),
        cmocka_unit_test(batches_keep_their_order_and_let_others_between),
        cmocka_unit_test(a_rendezvous_happens_within_both_calls),
        cmocka_unit_test(a_select_finds_nothing_at_one_moment),
        cmocka_unit_test(a_select_takes_the_case_that_it_says),
        cmocka_unit_test(a_counter_counts),
        cmocka_unit_test(each_add_lands_in_one_take),
        cmocka_unit_test(a_value_does_not_go_backwards_without_a_take),
        cmocka_unit_test(a_removed_value_is_exact),
        cmocka_unit_test(a_bound_refuses_no_key_that_there_is_room_for),
        cmocka_unit_test(keys_are_judged_by_themselves),
        cmocka_unit_test(a_verdict_is_what_its_generation_says),
        cmocka_unit_test(generations_do_not_go_backwards),
        cmocka_unit_test(a_stale_publish_says_what_is_there),
        cmocka_unit_test(what_has_not_returned_may_have_happened),
        cmocka_unit_test(operations_that_touch_overlap),
        cmocka_unit_test(what_is_too_much_is_undecided),
        cmocka_unit_test(recorders_notice_misuse),
        cmocka_unit_test(the_shortest_bad_beginning_is_shown),
        cmocka_unit_test(what_had_not_returned_is_shown_however_long_ago_it_was_called),
        cmocka_unit_test(it_agrees_with_trying_every_order),
        cmocka_unit_test(it_agrees_on_meetings),
        cmocka_unit_test(long_histories_are_judged_too),
    };
    return cmocka_run_group_tests_name("linearize", tests, NULL, NULL);
}
