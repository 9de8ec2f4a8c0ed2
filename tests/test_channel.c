/* tests/test_channel.c - what one channel promises: options, capacity and order, the statuses of
 * each call, deadlines and contexts, close, counted ends, leftovers, destroy and misuse.
 *
 * Races that need repetition are in test_channel_stress.c, event fds in test_channel_events.c.
 */
#include "channel_support.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ck_filter/context.h>

enum { FEW = 3 };

/* ---- options ---- */

static void default_options_make_a_rendezvous_of_pointers(void **state)
{
    (void)state;
    const struct ckf_channel_options zeros = {0};
    const struct ckf_channel_options *defaults[] = {NULL, &zeros};
    for (size_t i = 0; i < COUNT_OF(defaults); i++) {
        struct ckf_channel *channel = NULL;
        assert_status(ckf_channel_create(&channel, defaults[i]), CKF_OK);
        assert_int_equal(ckf_channel_capacity(channel), 0);
        struct caller sender;
        void *sent = &sender, *received = NULL;
        memcpy(sender.elem, &sent, sizeof sent);
        caller_start(&sender, channel, CKF_SEND, CALL_PLAIN);
        assert_status(ckf_channel_recv(channel, &received), CKF_OK);
        assert_ptr_equal(received, sent);
        assert_status(caller_join(&sender), CKF_OK);
        ckf_channel_destroy(channel);
    }
}

static void capacity_is_what_was_asked_for(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int e = 0; e < ELEM_SIZES; e++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], elem_sizes[e]);
            assert_true(ckf_channel_capacity(channel) == capacities[c]);
            assert_int_equal(ckf_channel_len(channel), 0);
            assert_false(ckf_channel_is_closed(channel));
            ckf_channel_destroy(channel);
        }
}

static void bad_options_are_invalid(void **state)
{
    const struct ckf_channel_options good = {.variant = VARIANT(state), .capacity = 2};
    struct ckf_channel_options bad[8];
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        bad[i] = good;
    for (int i = 0; i < 4; i++)
        bad[i].reserved[i] = 1;
    bad[4].elem_size = MAX_ELEM + 1;
    bad[5].elem_size = SIZE_MAX;
    bad[6].variant = (enum ckf_variant)7;
    bad[7].flags = 1u << 31;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct ckf_channel *channel = NULL;
        assert_status(ckf_channel_create(&channel, &bad[i]), CKF_INVALID);
        assert_null(channel);
    }
    ckf_channel_destroy(channel_with(good));
}

static void absurd_capacities_are_refused(void **state)
{
    const size_t absurd[] = {SIZE_MAX - 1, SIZE_MAX / 2 + 1, SIZE_MAX / MAX_ELEM + 1};
    for (size_t i = 0; i < COUNT_OF(absurd); i++) {
        const struct ckf_channel_options options = {
            .variant = VARIANT(state), .capacity = absurd[i], .elem_size = MAX_ELEM};
        struct ckf_channel *channel = NULL;
        enum ckf_status status = ckf_channel_create(&channel, &options);
        assert_true(status == CKF_INVALID || status == CKF_NO_MEMORY);
        assert_null(channel);
    }
}

static void the_name_is_copied(void **state)
{
    char *name = strdup("short-lived");
    struct ckf_channel *channel =
        channel_with((struct ckf_channel_options){.name = name, .variant = VARIANT(state)});
    free(name);
    assert_status(ckf_channel_close(channel), CKF_OK);
    ckf_channel_destroy(channel);
}

static void promised_single_ends_keep_the_contract(void **state)
{
    const unsigned flags[] = {CKF_CHANNEL_SINGLE_PRODUCER, CKF_CHANNEL_SINGLE_CONSUMER,
                              CKF_CHANNEL_SINGLE_PRODUCER | CKF_CHANNEL_SINGLE_CONSUMER};
    for (int c = 1; c < CAPACITIES; c++)
        for (size_t f = 0; f < COUNT_OF(flags); f++) {
            struct ckf_channel *channel =
                channel_with((struct ckf_channel_options){.variant = VARIANT(state),
                                                          .capacity = capacities[c],
                                                          .elem_size = 8,
                                                          .flags = flags[f]});
            uint64_t full = capacities[c] == CKF_UNBOUNDED ? 500 : capacities[c];
            for (uint64_t i = 0; i < full; i++)
                assert_status(try_send_u64(channel, i), CKF_OK);
            if (capacities[c] != CKF_UNBOUNDED)
                assert_status(try_send_u64(channel, full), CKF_AGAIN);
            assert_status(ckf_channel_close(channel), CKF_OK);
            assert_status(try_send_u64(channel, full), CKF_CLOSED);
            for (uint64_t i = 0; i < full; i++)
                assert_int_equal(recv_u64(channel), i);
            assert_true(recv_u64(channel) == NO_ELEMENT(CKF_CLOSED));
            ckf_channel_destroy(channel);
        }
}

/* ---- capacity, order, content ---- */

static uint64_t some_elements(size_t capacity)
{
    return capacity == CKF_UNBOUNDED ? 1000 : capacity;
}

static void a_channel_holds_exactly_its_capacity(void **state)
{
    unsigned char elem[MAX_ELEM];
    for (int c = 0; c < CAPACITIES; c++)
        for (int e = 0; e < ELEM_SIZES; e++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], elem_sizes[e]);
            uint64_t full = some_elements(capacities[c]);
            for (int lap = 0; lap < FEW; lap++) {
                for (uint64_t i = 0; i < full; i++) {
                    elem_fill(elem, elem_sizes[e], i);
                    assert_status(ckf_channel_try_send(channel, elem), CKF_OK);
                    assert_int_equal(ckf_channel_len(channel), i + 1);
                }
                if (capacities[c] != CKF_UNBOUNDED)
                    assert_status(ckf_channel_try_send(channel, elem), CKF_AGAIN);
                assert_int_equal(ckf_channel_len(channel), full);
                for (uint64_t i = 0; i < full; i++) {
                    assert_status(ckf_channel_try_recv(channel, elem), CKF_OK);
                    assert_true(elem_holds(elem, elem_sizes[e], i));
                    assert_int_equal(ckf_channel_len(channel), full - i - 1);
                }
                assert_status(ckf_channel_try_recv(channel, elem), CKF_AGAIN);
            }
            ckf_channel_destroy(channel);
        }
}

static void order_survives_many_laps(void **state)
{
    unsigned char elem[MAX_ELEM];
    uint32_t seed = 1;
    for (int c = 1; c < CAPACITIES; c++)
        for (int e = 0; e < ELEM_SIZES; e++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], elem_sizes[e]);
            uint64_t sent = 0, received = 0, room = some_elements(capacities[c]);
            while (received < 3000) {
                for (uint32_t n = random_u32(&seed) % 5; n > 0 && sent - received < room; n--) {
                    elem_fill(elem, elem_sizes[e], sent++);
                    assert_status(ckf_channel_try_send(channel, elem), CKF_OK);
                }
                for (uint32_t n = random_u32(&seed) % 5; n > 0 && received < sent; n--) {
                    assert_status(ckf_channel_try_recv(channel, elem), CKF_OK);
                    assert_true(elem_holds(elem, elem_sizes[e], received++));
                }
                assert_int_equal(ckf_channel_len(channel), sent - received);
            }
            ckf_channel_destroy(channel);
        }
}

static void an_element_is_copied_when_it_is_sent(void **state)
{
    struct ckf_channel *channel = channel_of(VARIANT(state), 1, 8);
    uint64_t number = 7;
    assert_status(ckf_channel_send(channel, &number), CKF_OK);
    number = 8;
    assert_int_equal(recv_u64(channel), 7);
    ckf_channel_destroy(channel);
}

static void a_null_buffer_discards_one_element(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        for (int e = 0; e < ELEM_SIZES; e++)
            for (enum call_kind kind = CALL_PLAIN; kind < CALL_KINDS; kind++) {
                struct ckf_channel *channel =
                    channel_of(VARIANT(state), capacities[c], elem_sizes[e]);
                unsigned char elem[MAX_ELEM];
                elem_fill(elem, elem_sizes[e], 1);
                assert_status(ckf_channel_send(channel, elem), CKF_OK);
                assert_status(recv_by(kind, channel, NULL, CKF_FOREVER, NULL), CKF_OK);
                elem_fill(elem, elem_sizes[e], 2);
                assert_status(ckf_channel_send(channel, elem), CKF_OK);
                assert_status(ckf_channel_recv(channel, elem), CKF_OK);
                assert_true(elem_holds(elem, elem_sizes[e], 2));
                ckf_channel_destroy(channel);
            }
}

static int discard_one(void *channel)
{
    return ckf_channel_recv(channel, NULL);
}

static void a_sleeping_receiver_may_discard(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 24);
        const unsigned char elem[24] = {1};
        struct test_thread receiver;
        thread_start(&receiver, discard_one, channel);
        await_sleep(&receiver);
        assert_status(ckf_channel_send(channel, elem), CKF_OK);
        assert_int_equal(thread_join(&receiver), CKF_OK);
        assert_int_equal(ckf_channel_len(channel), 0);
        ckf_channel_destroy(channel);
    }
}

/* ---- a rendezvous ---- */

static void a_rendezvous_hands_over_whole_elements(void **state)
{
    for (int e = 0; e < ELEM_SIZES; e++)
        for (int k = 0; k < WAITING_KINDS; k++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), 0, elem_sizes[e]);
            struct caller peer;
            unsigned char elem[MAX_ELEM];
            elem_fill(peer.elem, elem_sizes[e], 77);
            caller_start(&peer, channel, CKF_SEND, waiting_kinds[k]);
            assert_status(recv_by(waiting_kinds[k], channel, elem, CKF_FOREVER, NULL), CKF_OK);
            assert_true(elem_holds(elem, elem_sizes[e], 77));
            assert_status(caller_join(&peer), CKF_OK);
            elem_fill(elem, elem_sizes[e], 78);
            caller_start(&peer, channel, CKF_RECV, waiting_kinds[k]);
            assert_status(send_by(waiting_kinds[k], channel, elem, CKF_FOREVER, NULL), CKF_OK);
            assert_status(caller_join(&peer), CKF_OK);
            assert_true(elem_holds(peer.elem, elem_sizes[e], 78));
            assert_int_equal(ckf_channel_len(channel), 0);
            ckf_channel_destroy(channel);
        }
}

static void a_try_meets_a_sleeping_peer(void **state)
{
    for (int k = 0; k < WAITING_KINDS; k++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), 0, 8);
        struct caller peer;
        assert_status(try_send_u64(channel, 1), CKF_AGAIN);
        assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
        receiver_asleep(&peer, channel, waiting_kinds[k]);
        assert_status(try_send_u64(channel, 5), CKF_OK);
        assert_status(caller_join(&peer), CKF_OK);
        assert_int_equal(caller_number(&peer), 5);
        sender_asleep(&peer, channel, waiting_kinds[k], 6);
        assert_int_equal(ckf_channel_len(channel), 0);
        assert_int_equal(try_recv_u64(channel), 6);
        assert_status(caller_join(&peer), CKF_OK);
        assert_status(try_send_u64(channel, 1), CKF_AGAIN);
        assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
        ckf_channel_destroy(channel);
    }
}

static void calls_in_one_direction_do_not_meet(void **state)
{
    struct ckf_channel *channel = channel_of(VARIANT(state), 0, 8);
    struct caller sleeper;
    sender_asleep(&sleeper, channel, CALL_PLAIN, 1);
    assert_status(try_send_u64(channel, 2), CKF_AGAIN);
    assert_int_equal(recv_u64(channel), 1);
    assert_status(caller_join(&sleeper), CKF_OK);
    receiver_asleep(&sleeper, channel, CALL_PLAIN);
    assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
    assert_status(send_u64(channel, 3), CKF_OK);
    assert_status(caller_join(&sleeper), CKF_OK);
    assert_int_equal(caller_number(&sleeper), 3);
    ckf_channel_destroy(channel);
}

/* ---- deadlines ---- */

static void fill(struct ckf_channel *channel)
{
    for (uint64_t i = 0; i < ckf_channel_capacity(channel); i++)
        assert_status(try_send_u64(channel, i), CKF_OK);
}

/* Empties it and fails unless it held 0, 1 ... count - 1 and no peer waits. */
static void assert_holds_only(struct ckf_channel *channel, uint64_t count)
{
    assert_int_equal(ckf_channel_len(channel), count);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(try_recv_u64(channel), i);
    assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
}

static void a_send_without_room_tells_why(void **state)
{
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        const uint64_t number = 12345;
        fill(channel);
        assert_status(ckf_channel_try_send(channel, &number), CKF_AGAIN);
        for (int k = 0; k < TIMED_KINDS; k++) {
            assert_status(send_by(timed_kinds[k], channel, &number, CKF_NOW, NULL), CKF_AGAIN);
            assert_status(send_by(timed_kinds[k], channel, &number, 1, NULL), CKF_TIMED_OUT);
            assert_status(send_by(timed_kinds[k], channel, &number, INT64_MIN, NULL),
                          CKF_TIMED_OUT);
        }
        assert_holds_only(channel, capacities[c]);
        ckf_channel_destroy(channel);
    }
}

static void a_receive_without_element_tells_why_and_leaves_the_buffer_alone(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int e = 0; e < ELEM_SIZES; e++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], elem_sizes[e]);
            unsigned char elem[MAX_ELEM];
            struct ckf_context *context;
            elem_fill(elem, elem_sizes[e], 99);
            assert_status(ckf_context_create(&context, NULL, CKF_FOREVER), CKF_OK);
            ckf_context_cancel(context, 0);
            assert_status(ckf_channel_try_recv(channel, elem), CKF_AGAIN);
            for (int k = 0; k < TIMED_KINDS; k++) {
                enum call_kind kind = timed_kinds[k];
                assert_status(recv_by(kind, channel, elem, CKF_NOW, NULL), CKF_AGAIN);
                assert_status(recv_by(kind, channel, elem, 1, NULL), CKF_TIMED_OUT);
                assert_status(recv_by(kind, channel, elem, INT64_MIN, NULL), CKF_TIMED_OUT);
                assert_status(recv_by(kind, channel, elem, ckf_deadline_after_ns(50000), NULL),
                              CKF_TIMED_OUT);
                assert_status(recv_by(kind, channel, elem, CKF_FOREVER, context), CKF_CANCELED);
            }
            assert_status(ckf_channel_close(channel), CKF_OK);
            for (enum call_kind kind = CALL_PLAIN; kind < CALL_KINDS; kind++)
                assert_status(recv_by(kind, channel, elem, CKF_FOREVER, NULL), CKF_CLOSED);
            assert_true(elem_holds(elem, elem_sizes[e], 99));
            ckf_context_release(context);
            ckf_channel_destroy(channel);
        }
}

static void one_attempt_is_made_however_late_it_is(void **state)
{
    const int64_t late[] = {CKF_NOW, 1, INT64_MIN};
    for (int c = 1; c < CAPACITIES; c++)
        for (int k = 0; k < TIMED_KINDS; k++)
            for (size_t l = 0; l < COUNT_OF(late); l++) {
                struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
                uint64_t number = l;
                assert_status(send_by(timed_kinds[k], channel, &number, late[l], NULL), CKF_OK);
                number = 99;
                assert_status(recv_by(timed_kinds[k], channel, &number, late[l], NULL), CKF_OK);
                assert_int_equal(number, l);
                ckf_channel_destroy(channel);
            }
}

static void one_attempt_meets_a_sleeping_peer_however_late_it_is(void **state)
{
    const int64_t late[] = {CKF_NOW, 1};
    for (int k = 0; k < TIMED_KINDS; k++)
        for (size_t l = 0; l < COUNT_OF(late); l++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), 0, 8);
            struct caller peer;
            uint64_t number = 0;
            sender_asleep(&peer, channel, CALL_PLAIN, 4);
            assert_status(recv_by(timed_kinds[k], channel, &number, late[l], NULL), CKF_OK);
            assert_int_equal(number, 4);
            assert_status(caller_join(&peer), CKF_OK);
            receiver_asleep(&peer, channel, CALL_PLAIN);
            assert_status(send_by(timed_kinds[k], channel, &number, late[l], NULL), CKF_OK);
            assert_status(caller_join(&peer), CKF_OK);
            ckf_channel_destroy(channel);
        }
}

static void a_wait_ends_at_its_deadline_and_leaves_nothing_behind(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int k = 0; k < TIMED_KINDS; k++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            uint64_t number = 99;
            int64_t deadline_ns = ckf_deadline_after_ns(1500000);
            assert_status(recv_by(timed_kinds[k], channel, &number, deadline_ns, NULL),
                          CKF_TIMED_OUT);
            assert_true(clock_ns() >= deadline_ns);
            if (capacities[c] == 0)
                assert_status(try_send_u64(channel, 1), CKF_AGAIN);
            if (capacities[c] != CKF_UNBOUNDED) {
                fill(channel);
                deadline_ns = ckf_deadline_after_ns(1500000);
                assert_status(send_by(timed_kinds[k], channel, &number, deadline_ns, NULL),
                              CKF_TIMED_OUT);
                assert_true(clock_ns() >= deadline_ns);
                assert_holds_only(channel, capacities[c]);
            }
            ckf_channel_destroy(channel);
        }
}

static void a_waiter_with_a_deadline_is_served_before_it(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int k = 0; k < TIMED_KINDS; k++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct caller waiter;
            caller_start_until(&waiter, channel, CKF_RECV, timed_kinds[k],
                               ckf_deadline_after_ns(PATIENCE_NS), NULL);
            await_sleep(&waiter.thread);
            assert_status(send_u64(channel, 8), CKF_OK);
            assert_status(caller_join(&waiter), CKF_OK);
            assert_int_equal(caller_number(&waiter), 8);
            ckf_channel_destroy(channel);
        }
}

/* ---- contexts ---- */

static struct ckf_context *context_of(struct ckf_context *parent, int64_t deadline_ns)
{
    struct ckf_context *context = NULL;
    assert_status(ckf_context_create(&context, parent, deadline_ns), CKF_OK);
    return context;
}

static void a_context_that_is_done_wins_over_everything(void **state)
{
    struct ckf_context *canceled = context_of(NULL, CKF_FOREVER);
    struct ckf_context *timed_out = context_of(NULL, 1);
    ckf_context_cancel(canceled, 3);
    struct ckf_context *done[] = {canceled, timed_out};
    const enum ckf_status outcome[] = {CKF_CANCELED, CKF_TIMED_OUT};
    const int64_t deadlines[] = {CKF_NOW, 1, CKF_FOREVER};
    for (int c = 1; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        for (int round = 0; round < 2; round++) {
            for (int k = 0; k < TIMED_KINDS; k++)
                for (size_t d = 0; d < COUNT_OF(done); d++)
                    for (size_t t = 0; t < COUNT_OF(deadlines); t++) {
                        uint64_t number = 5;
                        assert_status(
                            send_by(timed_kinds[k], channel, &number, deadlines[t], done[d]),
                            outcome[d]);
                        assert_int_equal(ckf_channel_len(channel), round);
                        assert_status(
                            recv_by(timed_kinds[k], channel, &number, deadlines[t], done[d]),
                            outcome[d]);
                        assert_int_equal(number, 5);
                        assert_int_equal(ckf_channel_len(channel), round);
                    }
            /* the second time with an element, and closed */
            if (round == 0) {
                assert_status(send_u64(channel, 0), CKF_OK);
                assert_status(ckf_channel_close(channel), CKF_OK);
            }
        }
        assert_int_equal(recv_u64(channel), 0);
        ckf_channel_destroy(channel);
    }
    ckf_context_release(canceled);
    ckf_context_release(timed_out);
}

static void a_context_that_is_not_done_changes_nothing(void **state)
{
    struct ckf_context *context = context_of(NULL, ckf_deadline_after_ns(PATIENCE_NS));
    for (int c = 1; c < CAPACITIES; c++)
        for (int k = 0; k < TIMED_KINDS; k++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            uint64_t number = 6;
            assert_status(recv_by(timed_kinds[k], channel, &number, CKF_NOW, context), CKF_AGAIN);
            assert_status(recv_by(timed_kinds[k], channel, &number, 1, context), CKF_TIMED_OUT);
            assert_status(send_by(timed_kinds[k], channel, &number, CKF_NOW, context), CKF_OK);
            assert_status(recv_by(timed_kinds[k], channel, &number, CKF_NOW, context), CKF_OK);
            assert_status(ckf_channel_close(channel), CKF_OK);
            assert_status(recv_by(timed_kinds[k], channel, &number, CKF_FOREVER, context),
                          CKF_CLOSED);
            ckf_channel_destroy(channel);
        }
    assert_status(ckf_context_status(context), CKF_OK);
    ckf_context_release(context);
}

static void cancel_wakes_a_sleeping_call_and_leaves_nothing_behind(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int k = 0; k < TIMED_KINDS; k++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct ckf_context *context = context_of(NULL, CKF_FOREVER);
            struct caller waiter;
            elem_fill(waiter.elem, 8, 99);
            caller_start_until(&waiter, channel, CKF_RECV, timed_kinds[k], CKF_FOREVER, context);
            await_sleep(&waiter.thread);
            ckf_context_cancel(context, 1);
            assert_status(caller_join(&waiter), CKF_CANCELED);
            assert_int_equal(caller_number(&waiter), 99);
            ckf_context_release(context);
            if (capacities[c] == 0)
                assert_status(try_send_u64(channel, 1), CKF_AGAIN);
            if (capacities[c] != CKF_UNBOUNDED) {
                fill(channel);
                context = context_of(NULL, CKF_FOREVER);
                caller_start_until(&waiter, channel, CKF_SEND, timed_kinds[k], CKF_FOREVER,
                                   context);
                await_sleep(&waiter.thread);
                ckf_context_cancel(context, 1);
                assert_status(caller_join(&waiter), CKF_CANCELED);
                assert_holds_only(channel, capacities[c]);
                ckf_context_release(context);
            }
            ckf_channel_destroy(channel);
        }
}

static void cancelling_a_parent_wakes_calls_in_many_channels(void **state)
{
    struct ckf_context *parent = context_of(NULL, CKF_FOREVER);
    struct ckf_context *children[CAPACITIES];
    struct ckf_channel *channels[CAPACITIES];
    struct caller waiters[CAPACITIES];
    for (int c = 0; c < CAPACITIES; c++) {
        channels[c] = channel_of(VARIANT(state), capacities[c], 8);
        children[c] = context_of(parent, CKF_FOREVER);
        caller_start_until(&waiters[c], channels[c], CKF_RECV, timed_kinds[c % TIMED_KINDS],
                           CKF_FOREVER, children[c]);
        await_sleep(&waiters[c].thread);
    }
    ckf_context_cancel(parent, 1);
    for (int c = 0; c < CAPACITIES; c++) {
        assert_status(caller_join(&waiters[c]), CKF_CANCELED);
        ckf_context_release(children[c]);
        ckf_channel_destroy(channels[c]);
    }
    ckf_context_release(parent);
}

static void the_deadline_of_a_context_ends_a_wait(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int k = 0; k < TIMED_KINDS; k++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            int64_t deadline_ns = ckf_deadline_after_ns(1000000);
            struct ckf_context *parent = context_of(NULL, deadline_ns);
            struct ckf_context *context = context_of(parent, CKF_FOREVER);
            uint64_t number;
            assert_status(recv_by(timed_kinds[k], channel, &number, CKF_FOREVER, context),
                          CKF_TIMED_OUT);
            assert_true(clock_ns() >= deadline_ns);
            assert_status(ckf_context_status(context), CKF_TIMED_OUT);
            ckf_context_release(context);
            ckf_context_release(parent);
            ckf_channel_destroy(channel);
        }
}

static void a_deadline_of_the_call_leaves_its_context_alone(void **state)
{
    struct ckf_context *context = context_of(NULL, ckf_deadline_after_ns(PATIENCE_NS));
    struct ckf_channel *channel = channel_of(VARIANT(state), 0, 8);
    for (int k = 0; k < TIMED_KINDS; k++) {
        uint64_t number = 1;
        assert_status(
            recv_by(timed_kinds[k], channel, &number, ckf_deadline_after_ns(500000), context),
            CKF_TIMED_OUT);
        assert_status(
            send_by(timed_kinds[k], channel, &number, ckf_deadline_after_ns(500000), context),
            CKF_TIMED_OUT);
    }
    assert_status(ckf_context_status(context), CKF_OK);
    ckf_channel_destroy(channel);
    ckf_context_release(context);
}

/* ---- close ---- */

static void close_is_told_to_one_caller(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        assert_false(ckf_channel_is_closed(channel));
        assert_status(ckf_channel_close(channel), CKF_OK);
        assert_true(ckf_channel_is_closed(channel));
        assert_status(ckf_channel_close(channel), CKF_ALREADY);
        assert_status(ckf_channel_close(channel), CKF_ALREADY);
        assert_true(ckf_channel_is_closed(channel));
        ckf_channel_destroy(channel);
    }
}

static void sends_after_close_are_refused(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int full = 0; full < 2; full++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            const uint64_t number = 5;
            if (full && capacities[c] != CKF_UNBOUNDED)
                fill(channel);
            size_t len = ckf_channel_len(channel);
            assert_status(ckf_channel_close(channel), CKF_OK);
            for (enum call_kind kind = CALL_PLAIN; kind < CALL_KINDS; kind++) {
                assert_status(send_by(kind, channel, &number, CKF_FOREVER, NULL), CKF_CLOSED);
                assert_status(send_by(kind, channel, &number, CKF_NOW, NULL), CKF_CLOSED);
                assert_status(send_by(kind, channel, &number, 1, NULL), CKF_CLOSED);
            }
            assert_int_equal(ckf_channel_len(channel), len);
            ckf_channel_destroy(channel);
        }
}

static void receivers_drain_a_closed_channel_then_see_the_close(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (enum call_kind kind = CALL_PLAIN; kind < CALL_KINDS; kind++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 24);
            uint64_t count = some_elements(capacities[c]);
            unsigned char elem[24];
            for (uint64_t i = 0; i < count; i++) {
                elem_fill(elem, sizeof elem, i);
                assert_status(ckf_channel_send(channel, elem), CKF_OK);
            }
            assert_status(ckf_channel_close(channel), CKF_OK);
            assert_int_equal(ckf_channel_len(channel), count);
            for (uint64_t i = 0; i < count; i++) {
                assert_status(recv_by(kind, channel, elem, CKF_FOREVER, NULL), CKF_OK);
                assert_true(elem_holds(elem, sizeof elem, i));
            }
            assert_status(recv_by(kind, channel, elem, CKF_FOREVER, NULL), CKF_CLOSED);
            assert_status(recv_by(kind, channel, elem, CKF_NOW, NULL), CKF_CLOSED);
            assert_status(recv_by(kind, channel, elem, 1, NULL), CKF_CLOSED);
            ckf_channel_destroy(channel);
        }
}

static void close_wakes_blocked_senders(void **state)
{
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        struct caller senders[WAITING_KINDS];
        fill(channel);
        for (int k = 0; k < WAITING_KINDS; k++)
            sender_asleep(&senders[k], channel, waiting_kinds[k], 99);
        assert_status(ckf_channel_close(channel), CKF_OK);
        for (int k = 0; k < WAITING_KINDS; k++)
            assert_status(caller_join(&senders[k]), CKF_CLOSED);
        for (uint64_t i = 0; i < capacities[c]; i++)
            assert_int_equal(try_recv_u64(channel), i);
        assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_CLOSED));
        ckf_channel_destroy(channel);
    }
}

static void close_wakes_blocked_receivers(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        struct caller receivers[WAITING_KINDS];
        for (int k = 0; k < WAITING_KINDS; k++)
            receiver_asleep(&receivers[k], channel, waiting_kinds[k]);
        assert_status(ckf_channel_close(channel), CKF_OK);
        for (int k = 0; k < WAITING_KINDS; k++)
            assert_status(caller_join(&receivers[k]), CKF_CLOSED);
        ckf_channel_destroy(channel);
    }
}

static void an_accepted_element_outlives_a_close_at_once(void **state)
{
    for (int c = 1; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        struct caller receivers[2];
        receiver_asleep(&receivers[0], channel, CALL_PLAIN);
        receiver_asleep(&receivers[1], channel, CALL_PLAIN);
        assert_status(send_u64(channel, 6), CKF_OK);
        assert_status(ckf_channel_close(channel), CKF_OK);
        enum ckf_status first = caller_join(&receivers[0]);
        enum ckf_status second = caller_join(&receivers[1]);
        int winner = first == CKF_OK ? 0 : 1;
        assert_status(winner == 0 ? second : first, CKF_CLOSED);
        assert_status(winner == 0 ? first : second, CKF_OK);
        assert_int_equal(caller_number(&receivers[winner]), 6);
        ckf_channel_destroy(channel);
    }
}

/* ---- many at once ---- */

static void many_of_none_is_ok_and_looks_at_nothing(void **state)
{
    struct ckf_channel *channel = channel_of(VARIANT(state), 1, 8);
    struct ckf_context *context = context_of(NULL, CKF_FOREVER);
    size_t done = 77;
    ckf_context_cancel(context, 0);
    for (int round = 0; round < 2; round++) {
        assert_status(ckf_channel_send_many(channel, NULL, 0, &done, CKF_NOW, context), CKF_OK);
        assert_int_equal(done, 0);
        done = 77;
        assert_status(ckf_channel_recv_many(channel, NULL, 0, &done, CKF_NOW, context), CKF_OK);
        assert_int_equal(done, 0);
        done = 77;
        if (round == 0)
            assert_status(ckf_channel_close(channel), CKF_OK);
    }
    ckf_channel_destroy(channel);
    ckf_context_release(context);
}

static void many_moves_what_fits_in_order(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        for (int e = 0; e < ELEM_SIZES; e++) {
            size_t size = elem_sizes[e];
            uint64_t room = capacities[c] == CKF_UNBOUNDED ? 150 : capacities[c];
            size_t asked = capacities[c] == CKF_UNBOUNDED ? 150 : capacities[c] + 5;
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], size);
            unsigned char *elems = calloc(asked + 1, size);
            assert_non_null(elems);
            for (int lap = 0; lap < FEW; lap++) {
                size_t done = 99;
                for (size_t i = 0; i < asked; i++)
                    elem_fill(elems + i * size, size, i + (size_t)lap);
                assert_status(
                    ckf_channel_send_many(channel, elems, asked, &done, CKF_FOREVER, NULL), CKF_OK);
                assert_int_equal(done, room);
                assert_int_equal(ckf_channel_len(channel), room);
                elem_fill(elems + room * size, size, 200);
                assert_status(
                    ckf_channel_recv_many(channel, elems, room + 1, &done, CKF_FOREVER, NULL),
                    CKF_OK);
                assert_int_equal(done, room);
                for (size_t i = 0; i < room; i++)
                    assert_true(elem_holds(elems + i * size, size, i + (size_t)lap));
                assert_true(elem_holds(elems + room * size, size, 200));
            }
            free(elems);
            ckf_channel_destroy(channel);
        }
}

static void many_takes_no_more_than_asked(void **state)
{
    for (int c = 3; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        uint64_t elems[3] = {0, 1, 2};
        size_t done;
        assert_status(ckf_channel_send_many(channel, elems, 3, &done, CKF_NOW, NULL), CKF_OK);
        assert_int_equal(done, 3);
        elems[2] = 99;
        assert_status(ckf_channel_recv_many(channel, elems, 2, &done, CKF_NOW, NULL), CKF_OK);
        assert_int_equal(done, 2);
        assert_int_equal(elems[0], 0);
        assert_int_equal(elems[1], 1);
        assert_int_equal(elems[2], 99);
        assert_int_equal(try_recv_u64(channel), 2);
        ckf_channel_destroy(channel);
    }
}

static void many_that_moves_nothing_says_zero(void **state)
{
    struct ckf_context *context = context_of(NULL, CKF_FOREVER);
    ckf_context_cancel(context, 0);
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        struct {
            int64_t deadline_ns;
            struct ckf_context *context;
            enum ckf_status status;
        } ways[] = {{CKF_NOW, NULL, CKF_AGAIN},
                    {1, NULL, CKF_TIMED_OUT},
                    {CKF_FOREVER, context, CKF_CANCELED}};
        uint64_t elems[2] = {98, 99};
        size_t done;
        for (size_t w = 0; w < COUNT_OF(ways); w++) {
            done = 77;
            assert_status(ckf_channel_recv_many(channel, elems, 2, &done, ways[w].deadline_ns,
                                                ways[w].context),
                          ways[w].status);
            assert_int_equal(done, 0);
        }
        fill(channel);
        for (size_t w = 0; w < COUNT_OF(ways); w++) {
            done = 77;
            assert_status(ckf_channel_send_many(channel, elems, 2, &done, ways[w].deadline_ns,
                                                ways[w].context),
                          ways[w].status);
            assert_int_equal(done, 0);
        }
        assert_holds_only(channel, capacities[c]);
        assert_status(ckf_channel_close(channel), CKF_OK);
        done = 77;
        assert_status(ckf_channel_send_many(channel, elems, 2, &done, CKF_FOREVER, NULL),
                      CKF_CLOSED);
        assert_int_equal(done, 0);
        done = 77;
        assert_status(ckf_channel_recv_many(channel, elems, 2, &done, CKF_FOREVER, NULL),
                      CKF_CLOSED);
        assert_int_equal(done, 0);
        assert_int_equal(elems[0], 98);
        ckf_channel_destroy(channel);
    }
    ckf_context_release(context);
}

struct many_call {
    struct ckf_channel *channel;
    uint64_t elems[4];
    size_t count, done;
};

static int send_many_body(void *arg)
{
    struct many_call *call = arg;
    return ckf_channel_send_many(call->channel, call->elems, call->count, &call->done, CKF_FOREVER,
                                 NULL);
}

static int recv_many_body(void *arg)
{
    struct many_call *call = arg;
    return ckf_channel_recv_many(call->channel, call->elems, call->count, &call->done, CKF_FOREVER,
                                 NULL);
}

static void many_waits_only_for_the_first(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        struct many_call call = {channel, {98, 99, 99, 99}, 4, 77};
        struct test_thread waiter;
        thread_start(&waiter, recv_many_body, &call);
        await_sleep(&waiter);
        assert_status(send_u64(channel, 1), CKF_OK);
        assert_int_equal(thread_join(&waiter), CKF_OK);
        assert_int_equal(call.done, 1);
        assert_int_equal(call.elems[0], 1);
        assert_int_equal(call.elems[1], 99);
        if (capacities[c] != CKF_UNBOUNDED) {
            fill(channel);
            call = (struct many_call){channel, {capacities[c], 99, 99, 99}, 4, 77};
            thread_start(&waiter, send_many_body, &call);
            await_sleep(&waiter);
            assert_int_equal(recv_u64(channel), 0);
            assert_int_equal(thread_join(&waiter), CKF_OK);
            assert_int_equal(call.done, 1);
            for (uint64_t i = 1; i <= capacities[c]; i++)
                assert_int_equal(try_recv_u64(channel), i);
        }
        assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
        ckf_channel_destroy(channel);
    }
}

static void many_meets_sleeping_peers_of_a_rendezvous_in_order(void **state)
{
    struct ckf_channel *channel = channel_of(VARIANT(state), 0, 8);
    struct caller peers[2];
    uint64_t elems[3] = {1, 2, 3};
    size_t done = 77;
    receiver_asleep(&peers[0], channel, CALL_PLAIN);
    receiver_asleep(&peers[1], channel, CALL_SELECT);
    assert_status(ckf_channel_send_many(channel, elems, 3, &done, CKF_FOREVER, NULL), CKF_OK);
    assert_in_range(done, 1, 2);
    if (done == 1)
        assert_status(send_u64(channel, 2), CKF_OK);
    for (uint64_t i = 0; i < 2; i++) {
        assert_status(caller_join(&peers[i]), CKF_OK);
        assert_int_equal(caller_number(&peers[i]), i + 1);
    }
    sender_asleep(&peers[0], channel, CALL_PLAIN, 11);
    sender_asleep(&peers[1], channel, CALL_SELECT, 12);
    elems[1] = 99;
    assert_status(ckf_channel_recv_many(channel, elems, 3, &done, CKF_FOREVER, NULL), CKF_OK);
    assert_in_range(done, 1, 2);
    assert_int_equal(elems[0], 11);
    assert_int_equal(done == 2 ? elems[1] : recv_u64(channel), 12);
    assert_status(caller_join(&peers[0]), CKF_OK);
    assert_status(caller_join(&peers[1]), CKF_OK);
    ckf_channel_destroy(channel);
}

static void many_wakes_as_many_sleepers_as_it_serves(void **state)
{
    for (int c = 3; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        struct caller sleepers[3];
        uint64_t elems[3] = {1, 2, 3}, sum = 0;
        size_t done;
        for (int i = 0; i < 3; i++)
            receiver_asleep(&sleepers[i], channel, waiting_kinds[(c + i) % WAITING_KINDS]);
        assert_status(ckf_channel_send_many(channel, elems, 3, &done, CKF_NOW, NULL), CKF_OK);
        assert_int_equal(done, 3);
        for (int i = 0; i < 3; i++) {
            assert_status(caller_join(&sleepers[i]), CKF_OK);
            sum += caller_number(&sleepers[i]);
        }
        assert_int_equal(sum, 6);
        if (capacities[c] != CKF_UNBOUNDED) {
            fill(channel);
            for (int i = 0; i < 3; i++)
                sender_asleep(&sleepers[i], channel, waiting_kinds[(c + i) % WAITING_KINDS], 9);
            assert_status(ckf_channel_recv_many(channel, elems, 3, &done, CKF_NOW, NULL), CKF_OK);
            assert_int_equal(done, 3);
            for (int i = 0; i < 3; i++)
                assert_status(caller_join(&sleepers[i]), CKF_OK);
            assert_int_equal(ckf_channel_len(channel), capacities[c]);
        }
        ckf_channel_destroy(channel);
    }
}

static void many_fills_the_room_that_close_leaves(void **state)
{
    for (int c = 3; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        uint64_t elems[4] = {99, 99, 99, 99};
        size_t done;
        assert_status(send_u64(channel, 1), CKF_OK);
        assert_status(send_u64(channel, 2), CKF_OK);
        assert_status(ckf_channel_close(channel), CKF_OK);
        assert_status(ckf_channel_recv_many(channel, elems, 4, &done, CKF_FOREVER, NULL), CKF_OK);
        assert_int_equal(done, 2);
        assert_int_equal(elems[0], 1);
        assert_int_equal(elems[1], 2);
        assert_int_equal(elems[2], 99);
        ckf_channel_destroy(channel);
    }
}

static void many_may_discard(void **state)
{
    struct ckf_channel *channel = channel_of(VARIANT(state), 3, 24);
    const unsigned char elems[3][24] = {{1}, {2}, {3}};
    unsigned char last[24];
    size_t done;
    assert_status(ckf_channel_send_many(channel, elems, 3, &done, CKF_NOW, NULL), CKF_OK);
    assert_int_equal(done, 3);
    assert_status(ckf_channel_recv_many(channel, NULL, 2, &done, CKF_NOW, NULL), CKF_OK);
    assert_int_equal(done, 2);
    assert_status(ckf_channel_recv(channel, last), CKF_OK);
    assert_int_equal(last[0], 3);
    ckf_channel_destroy(channel);
}

/* ---- counted producers and consumers ---- */

static struct ckf_channel *counted(enum ckf_variant variant, size_t capacity, unsigned producers,
                                   unsigned consumers)
{
    return channel_with((struct ckf_channel_options){.variant = variant,
                                                     .capacity = capacity,
                                                     .elem_size = 8,
                                                     .producers = producers,
                                                     .consumers = consumers});
}

static void ends_are_counted_only_on_demand(void **state)
{
    struct ckf_channel *channel = counted(VARIANT(state), 1, 0, 0);
    assert_status(ckf_channel_add_producer(channel), CKF_INVALID);
    assert_status(ckf_channel_add_consumer(channel), CKF_INVALID);
    ckf_channel_destroy(channel);
    channel = counted(VARIANT(state), 1, 1, 0);
    assert_status(ckf_channel_add_producer(channel), CKF_OK);
    assert_status(ckf_channel_add_consumer(channel), CKF_INVALID);
    ckf_channel_destroy(channel);
    channel = counted(VARIANT(state), 1, 0, 1);
    assert_status(ckf_channel_add_producer(channel), CKF_INVALID);
    assert_status(ckf_channel_add_consumer(channel), CKF_OK);
    ckf_channel_destroy(channel);
}

static void the_last_producer_closes(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = counted(VARIANT(state), capacities[c], 2, 0);
        assert_status(ckf_channel_add_producer(channel), CKF_OK);
        assert_false(ckf_channel_producer_done(channel));
        assert_false(ckf_channel_producer_done(channel));
        assert_false(ckf_channel_is_closed(channel));
        if (capacities[c] > 0)
            assert_status(send_u64(channel, 1), CKF_OK);
        assert_true(ckf_channel_producer_done(channel));
        assert_true(ckf_channel_is_closed(channel));
        assert_status(ckf_channel_close(channel), CKF_ALREADY);
        if (capacities[c] > 0)
            assert_int_equal(recv_u64(channel), 1);
        assert_true(recv_u64(channel) == NO_ELEMENT(CKF_CLOSED));
        ckf_channel_destroy(channel);
    }
}

static void the_last_consumer_closes_and_wakes_senders(void **state)
{
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++) {
        struct ckf_channel *channel = counted(VARIANT(state), capacities[c], 1, 2);
        struct caller sender;
        fill(channel);
        sender_asleep(&sender, channel, CALL_PLAIN, 99);
        assert_false(ckf_channel_consumer_done(channel));
        assert_false(ckf_channel_is_closed(channel));
        assert_true(ckf_channel_consumer_done(channel));
        assert_status(caller_join(&sender), CKF_CLOSED);
        assert_status(try_send_u64(channel, 1), CKF_CLOSED);
        assert_false(ckf_channel_producer_done(channel));
        ckf_channel_destroy(channel);
    }
}

static void the_last_producer_wakes_receivers(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = counted(VARIANT(state), capacities[c], 1, 0);
        struct caller receiver;
        receiver_asleep(&receiver, channel, CALL_PLAIN);
        assert_true(ckf_channel_producer_done(channel));
        assert_status(caller_join(&receiver), CKF_CLOSED);
        ckf_channel_destroy(channel);
    }
}

static void done_is_owed_after_an_explicit_close(void **state)
{
    struct ckf_channel *channel = counted(VARIANT(state), 1, 2, 2);
    assert_status(ckf_channel_close(channel), CKF_OK);
    assert_status(ckf_channel_add_producer(channel), CKF_CLOSED);
    assert_status(ckf_channel_add_consumer(channel), CKF_CLOSED);
    for (int i = 0; i < 2; i++) {
        assert_false(ckf_channel_producer_done(channel));
        assert_false(ckf_channel_consumer_done(channel));
    }
    ckf_channel_destroy(channel);
}

static void nobody_is_added_after_the_last_one_has_gone(void **state)
{
    struct ckf_channel *channel = counted(VARIANT(state), 1, 1, 1);
    assert_true(ckf_channel_producer_done(channel));
    assert_status(ckf_channel_add_producer(channel), CKF_CLOSED);
    assert_status(ckf_channel_add_consumer(channel), CKF_CLOSED);
    assert_false(ckf_channel_consumer_done(channel));
    ckf_channel_destroy(channel);
}

/* ---- leftovers ---- */

struct leftovers {
    size_t elem_size;
    uint64_t next; /* the number that should come */
    bool in_order, aligned, on_one_thread;
    pthread_t destroyer;
};

static void take_leftover(void *elem, void *arg)
{
    struct leftovers *left = arg;
    left->in_order &= elem_holds(elem, left->elem_size, left->next);
    left->aligned &= (uintptr_t)elem % alignof(max_align_t) == 0;
    left->on_one_thread &= pthread_equal(pthread_self(), left->destroyer) != 0;
    left->next++;
}

static void assert_leftovers(enum ckf_variant variant, size_t capacity, size_t elem_size,
                             uint64_t received, bool closed)
{
    struct leftovers left = {elem_size, received, true, true, true, pthread_self()};
    struct ckf_channel *channel =
        channel_with((struct ckf_channel_options){.variant = variant,
                                                  .capacity = capacity,
                                                  .elem_size = elem_size,
                                                  .undelivered = take_leftover,
                                                  .undelivered_arg = &left});
    unsigned char elem[MAX_ELEM];
    uint64_t sent = 0;
    for (; sent < (capacity == CKF_UNBOUNDED ? 700 : capacity); sent++) {
        elem_fill(elem, elem_size, sent);
        assert_status(ckf_channel_send(channel, elem), CKF_OK);
    }
    for (uint64_t i = 0; i < received; i++) {
        assert_status(ckf_channel_recv(channel, elem), CKF_OK);
        if (capacity != CKF_UNBOUNDED) {
            elem_fill(elem, elem_size, sent++);
            assert_status(ckf_channel_send(channel, elem), CKF_OK);
        }
    }
    if (closed)
        assert_status(ckf_channel_close(channel), CKF_OK);
    ckf_channel_destroy(channel);
    assert_int_equal(left.next, sent);
    assert_true(left.in_order);
    assert_true(left.aligned);
    assert_true(left.on_one_thread);
}

static void leftovers_are_handed_over_once_oldest_first_and_aligned(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int e = 0; e < ELEM_SIZES; e++)
            for (uint64_t received = 0; received < (capacities[c] == 0 ? 1 : 3); received++)
                for (int closed = 0; closed < 2; closed++)
                    assert_leftovers(VARIANT(state), capacities[c], elem_sizes[e], received,
                                     closed);
}

static void leftovers_may_be_dropped(void **state)
{
    for (int c = 1; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 4096);
        const unsigned char elem[MAX_ELEM] = {0};
        assert_status(ckf_channel_send(channel, elem), CKF_OK);
        ckf_channel_destroy(channel);
    }
}

static void refused_elements_are_no_leftovers(void **state)
{
    struct ckf_context *context = context_of(NULL, CKF_FOREVER);
    ckf_context_cancel(context, 0);
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++) {
        struct leftovers left = {8, 0, true, true, true, pthread_self()};
        struct ckf_channel *channel =
            channel_with((struct ckf_channel_options){.variant = VARIANT(state),
                                                      .capacity = capacities[c],
                                                      .elem_size = 8,
                                                      .undelivered = take_leftover,
                                                      .undelivered_arg = &left});
        const uint64_t refused = 99;
        struct caller sender;
        fill(channel);
        for (int k = 0; k < TIMED_KINDS; k++) {
            enum call_kind kind = timed_kinds[k];
            assert_status(send_by(kind, channel, &refused, CKF_NOW, NULL), CKF_AGAIN);
            assert_status(send_by(kind, channel, &refused, ckf_deadline_after_ns(100000), NULL),
                          CKF_TIMED_OUT);
            assert_status(send_by(kind, channel, &refused, CKF_FOREVER, context), CKF_CANCELED);
        }
        sender_asleep(&sender, channel, CALL_PLAIN, refused);
        assert_status(ckf_channel_close(channel), CKF_OK);
        assert_status(caller_join(&sender), CKF_CLOSED);
        ckf_channel_destroy(channel);
        assert_int_equal(left.next, capacities[c]);
        assert_true(left.in_order);
    }
    ckf_context_release(context);
}

/* ---- who waits, how, and in which order ---- */

static void sleeping_receivers_are_served_first_come_first_served(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        struct caller receivers[WAITING_KINDS];
        for (int k = 0; k < WAITING_KINDS; k++)
            receiver_asleep(&receivers[k], channel, waiting_kinds[k]);
        for (int k = 0; k < WAITING_KINDS; k++) {
            assert_status(send_u64(channel, (uint64_t)k), CKF_OK);
            assert_status(caller_join(&receivers[k]), CKF_OK);
            assert_int_equal(caller_number(&receivers[k]), k);
        }
        ckf_channel_destroy(channel);
    }
}

static void sleeping_senders_are_served_first_come_first_served(void **state)
{
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        struct caller senders[WAITING_KINDS];
        fill(channel);
        for (int k = 0; k < WAITING_KINDS; k++)
            sender_asleep(&senders[k], channel, waiting_kinds[k], capacities[c] + (uint64_t)k);
        for (uint64_t i = 0; i < WAITING_KINDS; i++) {
            assert_int_equal(recv_u64(channel), i);
            assert_status(caller_join(&senders[i]), CKF_OK);
        }
        for (uint64_t i = WAITING_KINDS; i < WAITING_KINDS + capacities[c]; i++)
            assert_int_equal(try_recv_u64(channel), i);
        ckf_channel_destroy(channel);
    }
}

static void a_waiter_that_gives_up_keeps_the_others_in_line(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        struct ckf_context *context = context_of(NULL, CKF_FOREVER);
        struct caller receivers[3];
        receiver_asleep(&receivers[0], channel, CALL_PLAIN);
        caller_start_until(&receivers[1], channel, CKF_RECV, CALL_UNTIL, CKF_FOREVER, context);
        await_sleep(&receivers[1].thread);
        receiver_asleep(&receivers[2], channel, CALL_SELECT);
        ckf_context_cancel(context, 0);
        assert_status(caller_join(&receivers[1]), CKF_CANCELED);
        for (uint64_t i = 0; i < 3; i += 2) {
            assert_status(send_u64(channel, i), CKF_OK);
            assert_status(caller_join(&receivers[i]), CKF_OK);
            assert_int_equal(caller_number(&receivers[i]), i);
        }
        ckf_context_release(context);
        ckf_channel_destroy(channel);
    }
}

static int64_t cpu_time_ns(pthread_t thread)
{
    clockid_t clock;
    struct timespec used;
    assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
    assert_int_equal(clock_gettime(clock, &used), 0);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

static void an_idle_waiter_costs_no_processor_time(void **state)
{
    struct ckf_channel *empty = channel_of(VARIANT(state), 2, 8);
    struct ckf_channel *full = channel_of(VARIANT(state), 2, 8);
    struct ckf_channel *meeting = channel_of(VARIANT(state), 0, 8);
    struct caller waiters[3 * WAITING_KINDS];
    int64_t used[3 * WAITING_KINDS];
    fill(full);
    for (int k = 0; k < WAITING_KINDS; k++) {
        receiver_asleep(&waiters[3 * k], empty, waiting_kinds[k]);
        sender_asleep(&waiters[3 * k + 1], full, waiting_kinds[k], 0);
        sender_asleep(&waiters[3 * k + 2], meeting, waiting_kinds[k], 0);
    }
    for (int i = 0; i < 3 * WAITING_KINDS; i++)
        used[i] = cpu_time_ns(waiters[i].thread.handle);
    spin_ns(20000000);
    for (int i = 0; i < 3 * WAITING_KINDS; i++)
        assert_true(cpu_time_ns(waiters[i].thread.handle) == used[i]);
    ckf_channel_close(empty);
    ckf_channel_close(full);
    ckf_channel_close(meeting);
    for (int i = 0; i < 3 * WAITING_KINDS; i++)
        assert_status(caller_join(&waiters[i]), CKF_CLOSED);
    ckf_channel_destroy(empty);
    ckf_channel_destroy(full);
    ckf_channel_destroy(meeting);
}

/* ---- signals, cancellation, errno, threads, fork ---- */

static atomic_int signals_handled;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals_handled, 1);
}

static void interrupt(struct caller *sleeper)
{
    for (int i = 0; i < 5; i++) {
        int before = atomic_load(&signals_handled);
        assert_int_equal(pthread_kill(sleeper->thread.handle, SIGUSR1), 0);
        AWAIT(THREAD_SANITIZED || atomic_load(&signals_handled) > before);
    }
    await_sleep(&sleeper->thread);
    assert_false(atomic_load(&sleeper->returned));
}

static void signals_do_not_end_a_wait(void **state)
{
    struct sigaction action = {.sa_handler = count_signal}, previous;
    sigaction(SIGUSR1, &action, &previous); /* without SA_RESTART */
    for (int c = 0; c < CAPACITIES; c++)
        for (int k = 0; k < WAITING_KINDS; k++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            struct caller sleeper;
            receiver_asleep(&sleeper, channel, waiting_kinds[k]);
            interrupt(&sleeper);
            assert_status(send_u64(channel, 3), CKF_OK);
            assert_status(caller_join(&sleeper), CKF_OK);
            assert_int_equal(caller_number(&sleeper), 3);
            if (capacities[c] != CKF_UNBOUNDED) {
                fill(channel);
                sender_asleep(&sleeper, channel, waiting_kinds[k], capacities[c]);
                interrupt(&sleeper);
                assert_int_equal(recv_u64(channel), 0);
                assert_status(caller_join(&sleeper), CKF_OK);
            }
            ckf_channel_destroy(channel);
        }
    sigaction(SIGUSR1, &previous, NULL);
}

static void signals_do_not_end_a_wait_with_a_deadline_early(void **state)
{
    struct sigaction action = {.sa_handler = count_signal}, previous;
    sigaction(SIGUSR1, &action, &previous);
    for (int k = 0; k < TIMED_KINDS; k++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), 1, 8);
        struct caller sleeper;
        int64_t deadline_ns = ckf_deadline_after_ns(5000000);
        caller_start_until(&sleeper, channel, CKF_RECV, timed_kinds[k], deadline_ns, NULL);
        while (!atomic_load(&sleeper.returned))
            pthread_kill(sleeper.thread.handle, SIGUSR1);
        assert_true(clock_ns() >= deadline_ns);
        assert_status(caller_join(&sleeper), CKF_TIMED_OUT);
        ckf_channel_destroy(channel);
    }
    sigaction(SIGUSR1, &previous, NULL);
}

struct doomed {
    struct ckf_channel *empty, *full;
    enum call_kind kind;
    atomic_int survived; /* calls from which it came back */
};

/* A function of its own: AddressSanitizer does not see that a cancelled thread leaves the frames of
 * its locals. */
static __attribute__((noinline)) void survive_calls(struct doomed *doomed)
{
    uint64_t number = 9;
    if (recv_by(doomed->kind, doomed->empty, &number, CKF_FOREVER, NULL) == CKF_OK)
        atomic_fetch_add(&doomed->survived, 1);
    if (send_by(doomed->kind, doomed->full, &number, CKF_FOREVER, NULL) == CKF_OK)
        atomic_fetch_add(&doomed->survived, 1);
    if (ckf_channel_close(doomed->full) == CKF_OK)
        atomic_fetch_add(&doomed->survived, 1);
}

static int live_until_asked(void *arg)
{
    struct doomed *doomed = arg;
    survive_calls(doomed);
    pthread_testcancel();
    atomic_store(&doomed->survived, 99);
    return 0;
}

static void no_call_is_a_cancellation_point(void **state)
{
    for (int k = 0; k < WAITING_KINDS; k++) {
        struct doomed doomed = {channel_of(VARIANT(state), k % 2, 8),
                                channel_of(VARIANT(state), 1, 8), waiting_kinds[k], 0};
        struct test_thread thread;
        assert_status(send_u64(doomed.full, 1), CKF_OK);
        thread_start(&thread, live_until_asked, &doomed);
        await_sleep(&thread);
        assert_int_equal(pthread_cancel(thread.handle), 0);
        await_sleep(&thread);
        assert_status(send_u64(doomed.empty, 2), CKF_OK);
        AWAIT(atomic_load(&doomed.survived) == 1);
        await_sleep(&thread);
        assert_int_equal(recv_u64(doomed.full), 1);
        thread_join(&thread);
        assert_int_equal(atomic_load(&doomed.survived), 3);
        assert_int_equal(recv_u64(doomed.full), 2);
        ckf_channel_destroy(doomed.empty);
        ckf_channel_destroy(doomed.full);
    }
}

static void calls_leave_errno_alone(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        enum { MARK = 4711 };
        struct ckf_channel *channel;
        const struct ckf_channel_options options = {
            .variant = VARIANT(state), .capacity = capacities[c], .elem_size = 8};
        uint64_t number = 1;
        int fd;
        errno = MARK;
        assert_status(ckf_channel_create(&channel, &options), CKF_OK);
        for (enum call_kind kind = CALL_TRY; kind < CALL_KINDS; kind++) {
            enum ckf_status sent = send_by(kind, channel, &number, CKF_NOW, NULL);
            assert_status(sent, capacities[c] == 0 ? CKF_AGAIN : CKF_OK);
            enum ckf_status received =
                recv_by(kind, channel, &number, ckf_deadline_after_ns(100000), NULL);
            assert_true(received == CKF_OK || capacities[c] == 0);
            received = recv_by(kind, channel, &number, ckf_deadline_after_ns(100000), NULL);
            assert_true(received == (kind == CALL_TRY ? CKF_AGAIN : CKF_TIMED_OUT));
            assert_int_equal(errno, MARK);
        }
        assert_status(ckf_channel_event_fd(channel, CKF_RECV, &fd), CKF_OK);
        assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
        assert_status(ckf_channel_close(channel), CKF_OK);
        assert_true(ckf_channel_is_ready(channel, CKF_RECV));
        assert_int_equal(errno, MARK);
        ckf_channel_destroy(channel);
        assert_int_equal(errno, MARK);
    }
}

static int send_one_and_go(void *channel)
{
    return send_u64(channel, 1);
}

static void threads_come_and_go_without_a_trace(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        for (int i = 0; i < 30; i++) {
            struct test_thread thread;
            thread_start(&thread, send_one_and_go, channel);
            assert_int_equal(recv_u64(channel), 1);
            assert_int_equal(thread_join(&thread), CKF_OK);
        }
        ckf_channel_destroy(channel);
    }
}

static int use_in_child(struct ckf_channel *inherited, enum ckf_variant variant)
{
    ENSURE(try_recv_u64(inherited) == 0);
    ENSURE(try_send_u64(inherited, 5) == CKF_OK);
    ENSURE(ckf_channel_close(inherited) == CKF_OK);
    ENSURE(try_recv_u64(inherited) == 1);
    ENSURE(try_recv_u64(inherited) == 5);
    ENSURE(try_recv_u64(inherited) == NO_ELEMENT(CKF_CLOSED));
    ckf_channel_destroy(inherited);
    struct ckf_channel *own = NULL;
    const struct ckf_channel_options options = {.variant = variant, .elem_size = 8};
    ENSURE(ckf_channel_create(&own, &options) == CKF_OK);
    ENSURE(try_recv_u64(own) == NO_ELEMENT(CKF_AGAIN));
    if (!THREAD_SANITIZED) {
        struct caller sender;
        elem_fill(sender.elem, 8, 6);
        caller_start(&sender, own, CKF_SEND, CALL_PLAIN);
        ENSURE(recv_u64(own) == 6);
        ENSURE(caller_join(&sender) == CKF_OK);
    }
    ckf_channel_destroy(own);
    return 0;
}

static void a_forked_child_has_working_channels_and_the_parent_keeps_its_own(void **state)
{
    for (int c = 3; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        assert_status(send_u64(channel, 0), CKF_OK);
        assert_status(send_u64(channel, 1), CKF_OK);
        pid_t child = fork();
        if (child == 0)
            _exit(use_in_child(channel, VARIANT(state)));
        assert_child_succeeds(child);
        assert_false(ckf_channel_is_closed(channel));
        assert_holds_only(channel, 2);
        ckf_channel_destroy(channel);
    }
}

static void the_parent_is_unharmed_by_a_fork_while_threads_wait(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        struct caller receiver;
        receiver_asleep(&receiver, channel, CALL_PLAIN);
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        assert_child_succeeds(child);
        assert_status(send_u64(channel, 8), CKF_OK);
        assert_status(caller_join(&receiver), CKF_OK);
        assert_int_equal(caller_number(&receiver), 8);
        ckf_channel_destroy(channel);
    }
}

enum { BUSY_ENDS = 2, FORKS = 5 };

struct busy_channel {
    struct ckf_channel *channel;
    _Atomic(bool) stop;
    _Atomic(uint64_t) sent, received; /* sums */
};

static int send_until_told(void *arg)
{
    struct busy_channel *busy = arg;
    for (uint64_t i = 1; !atomic_load(&busy->stop); i++)
        if (send_u64(busy->channel, i) == CKF_OK)
            atomic_fetch_add(&busy->sent, i);
    return CKF_OK;
}

static int receive_to_the_end(void *arg)
{
    struct busy_channel *busy = arg;
    uint64_t value;
    while (ckf_channel_recv(busy->channel, &value) == CKF_OK)
        atomic_fetch_add(&busy->received, value);
    return CKF_OK;
}

/* The child has channels of its own, and those that nobody was in. */
static void fork_beside(enum ckf_variant variant, size_t capacity)
{
    struct ckf_channel *idle = channel_of(variant, capacity, 8);
    assert_status(send_u64(idle, 0), CKF_OK);
    assert_status(send_u64(idle, 1), CKF_OK);
    pid_t child = fork();
    if (child == 0)
        _exit(CAN_WORK_AFTER_ALLOCATING_FORK ? use_in_child(idle, variant) : 0);
    assert_child_succeeds(child);
    assert_holds_only(idle, 2);
    ckf_channel_destroy(idle);
}

/* AddressSanitizer's allocator (gcc 12) leaves its locks to the child as they are: threads that allocate
 * would sometimes leave it one that is taken. */
#ifdef __SANITIZE_ADDRESS__
enum { BUSY_CAPACITIES = CAPACITIES - 1 }; /* unbounded channels allocate */
#else
enum { BUSY_CAPACITIES = CAPACITIES };
#endif

static void a_fork_amid_traffic_loses_nothing_and_the_child_has_channels(void **state)
{
    for (int c = 0; c < BUSY_CAPACITIES; c++) {
        struct busy_channel busy = {.channel = channel_of(VARIANT(state), capacities[c], 8)};
        struct test_thread senders[BUSY_ENDS], receivers[BUSY_ENDS];
        for (int i = 0; i < BUSY_ENDS; i++) {
            thread_start(&receivers[i], receive_to_the_end, &busy);
            thread_start(&senders[i], send_until_told, &busy);
        }
        for (int i = 0; i < FORKS; i++)
            fork_beside(VARIANT(state), capacities[3 + i % (CAPACITIES - 3)]);
        atomic_store(&busy.stop, true);
        for (int i = 0; i < BUSY_ENDS; i++)
            thread_join(&senders[i]);
        assert_status(ckf_channel_close(busy.channel), CKF_OK);
        for (int i = 0; i < BUSY_ENDS; i++)
            thread_join(&receivers[i]);
        assert_int_equal(atomic_load(&busy.received), atomic_load(&busy.sent));
        ckf_channel_destroy(busy.channel);
    }
}

/* ---- misuse ---- */

static struct ckf_channel *bare(enum ckf_variant variant, size_t capacity)
{
    const struct ckf_channel_options options = {
        .variant = variant, .capacity = capacity, .elem_size = 8, .producers = 1, .consumers = 1};
    struct ckf_channel *channel = NULL;
    if (ckf_channel_create(&channel, &options) != CKF_OK)
        _exit(4);
    return channel;
}

/* A scenario of its own for each line: what a NULL argument does to each function. */
#define NULL_SCENARIOS(X)                                                                          \
    X(create, ckf_channel_create(NULL, NULL))                                                      \
    X(destroy, (ckf_channel_destroy(NULL), CKF_OK))                                                \
    X(send, ckf_channel_send(NULL, &word))                                                         \
    X(try_send, ckf_channel_try_send(NULL, &word))                                                 \
    X(send_until, ckf_channel_send_until(NULL, &word, CKF_NOW, NULL))                              \
    X(send_many, ckf_channel_send_many(NULL, &word, 1, &done, CKF_NOW, NULL))                      \
    X(recv, ckf_channel_recv(NULL, &word))                                                         \
    X(try_recv, ckf_channel_try_recv(NULL, &word))                                                 \
    X(recv_until, ckf_channel_recv_until(NULL, &word, CKF_NOW, NULL))                              \
    X(recv_many, ckf_channel_recv_many(NULL, &word, 1, &done, CKF_NOW, NULL))                      \
    X(close, ckf_channel_close(NULL))                                                              \
    X(is_closed, (enum ckf_status)ckf_channel_is_closed(NULL))                                     \
    X(add_producer, ckf_channel_add_producer(NULL))                                                \
    X(producer_done, (enum ckf_status)ckf_channel_producer_done(NULL))                             \
    X(add_consumer, ckf_channel_add_consumer(NULL))                                                \
    X(consumer_done, (enum ckf_status)ckf_channel_consumer_done(NULL))                             \
    X(len, (enum ckf_status)ckf_channel_len(NULL))                                                 \
    X(capacity, (enum ckf_status)ckf_channel_capacity(NULL))                                       \
    X(event_fd, ckf_channel_event_fd(NULL, CKF_RECV, &fd))                                         \
    X(is_ready, (enum ckf_status)ckf_channel_is_ready(NULL, CKF_RECV))

/* The same with a channel and no element, or nowhere to put the answer. */
#define NO_ELEM_SCENARIOS(X)                                                                       \
    X(send, ckf_channel_send(bare(variant, 1), NULL))                                              \
    X(try_send, ckf_channel_try_send(bare(variant, 1), NULL))                                      \
    X(send_until, ckf_channel_send_until(bare(variant, 1), NULL, CKF_NOW, NULL))                   \
    X(send_many, ckf_channel_send_many(bare(variant, 1), NULL, 1, &done, CKF_NOW, NULL))           \
    X(event_fd, ckf_channel_event_fd(bare(variant, 1), CKF_RECV, NULL))

#define DEFINE_NULL(name, call)                                                                    \
    static void null_##name(enum ckf_variant variant)                                              \
    {                                                                                              \
        uint64_t word = 0;                                                                         \
        size_t done;                                                                               \
        int fd;                                                                                    \
        (void)variant, (void)word, (void)done, (void)fd;                                           \
        enum ckf_status status = call;                                                             \
        fprintf(stderr, "came back with %s\n", ckf_status_name(status));                           \
    }
#define DEFINE_NO_ELEM(name, call) DEFINE_NULL(elem_##name, call)
#define LIST_NULL(name, call)      {"null_" #name, null_##name},
#define LIST_NO_ELEM(name, call)   {"null_elem_" #name, null_elem_##name},
#define EXPECT_NULL(name, call)                                                                    \
    assert_aborts("null_" #name, CKF_VARIANT_ATOMIC, "ckf_channel_" #name);
#define EXPECT_NO_ELEM(name, call)                                                                 \
    assert_aborts("null_elem_" #name, VARIANT(state), "ckf_channel_" #name);

NULL_SCENARIOS(DEFINE_NULL)
NO_ELEM_SCENARIOS(DEFINE_NO_ELEM)

static void one_producer_done_too_many(enum ckf_variant variant)
{
    struct ckf_channel *channel = bare(variant, 1);
    ckf_channel_producer_done(channel);
    ckf_channel_producer_done(channel);
}

static void one_consumer_done_too_many(enum ckf_variant variant)
{
    struct ckf_channel *channel = bare(variant, 1);
    ckf_channel_consumer_done(channel);
    ckf_channel_consumer_done(channel);
}

static void producer_done_without_counting(enum ckf_variant variant)
{
    ckf_channel_producer_done(channel_of(variant, 1, 8));
}

static void consumer_done_without_counting(enum ckf_variant variant)
{
    ckf_channel_consumer_done(channel_of(variant, 1, 8));
}

/* Destroys a channel in which a call of each kind, or of the one kind, sleeps. */
static void destroy_under(enum ckf_variant variant, size_t capacity, enum ckf_direction direction,
                          enum call_kind kind)
{
    static struct caller sleeper;
    struct ckf_channel *channel = bare(variant, capacity);
    if (direction == CKF_SEND) {
        fill(channel);
        sender_asleep(&sleeper, channel, kind, 1);
    } else {
        receiver_asleep(&sleeper, channel, kind);
    }
    ckf_channel_destroy(channel);
}

#define SLEEPER_SCENARIOS(X)                                                                       \
    X(destroy_under_recv, 1, CKF_RECV, CALL_PLAIN)                                                 \
    X(destroy_under_recv_until, 1, CKF_RECV, CALL_UNTIL)                                           \
    X(destroy_under_recv_many, 1, CKF_RECV, CALL_MANY)                                             \
    X(destroy_under_recv_select, 1, CKF_RECV, CALL_SELECT)                                         \
    X(destroy_under_recv_of_a_rendezvous, 0, CKF_RECV, CALL_PLAIN)                                 \
    X(destroy_under_recv_of_an_unbounded, CKF_UNBOUNDED, CKF_RECV, CALL_PLAIN)                     \
    X(destroy_under_send, 1, CKF_SEND, CALL_PLAIN)                                                 \
    X(destroy_under_send_until, 1, CKF_SEND, CALL_UNTIL)                                           \
    X(destroy_under_send_many, 1, CKF_SEND, CALL_MANY)                                             \
    X(destroy_under_send_select, 1, CKF_SEND, CALL_SELECT)                                         \
    X(destroy_under_send_of_a_rendezvous, 0, CKF_SEND, CALL_PLAIN)

#define DEFINE_SLEEPER(name, capacity, direction, kind)                                            \
    static void name(enum ckf_variant variant)                                                     \
    {                                                                                              \
        destroy_under(variant, capacity, direction, kind);                                         \
    }
#define LIST_SLEEPER(name, capacity, direction, kind) {#name, name},
#define EXPECT_SLEEPER(name, capacity, direction, kind)                                            \
    assert_aborts(#name, VARIANT(state), "ckf_channel_destroy");

SLEEPER_SCENARIOS(DEFINE_SLEEPER)

static void null_arguments_abort_and_name_the_function(void **state)
{
    (void)state;
    NULL_SCENARIOS(EXPECT_NULL)
}

static void sending_nothing_aborts_and_names_the_function(void **state)
{
    NO_ELEM_SCENARIOS(EXPECT_NO_ELEM)
}

static void one_done_too_many_aborts(void **state)
{
    assert_aborts("one_producer_done_too_many", VARIANT(state), "ckf_channel_producer_done");
    assert_aborts("one_consumer_done_too_many", VARIANT(state), "ckf_channel_consumer_done");
    assert_aborts("producer_done_without_counting", VARIANT(state), "ckf_channel_producer_done");
    assert_aborts("consumer_done_without_counting", VARIANT(state), "ckf_channel_consumer_done");
}

static void destroy_aborts_while_a_call_sleeps(void **state)
{
    SLEEPER_SCENARIOS(EXPECT_SLEEPER)
}

/* ---- one processor ---- */

enum { PINNED_ROUNDS = 2000, PINNED_NS_PER_ROUND = 100000 };

struct pair {
    struct ckf_channel *there, *back;
};

static int echo(void *arg)
{
    struct pair *pair = arg;
    for (;;) {
        uint64_t number = recv_u64(pair->there);
        if (number == NO_ELEMENT(CKF_CLOSED))
            return 0;
        if (send_u64(pair->back, number) != CKF_OK)
            return 1;
    }
}

static int64_t process_time_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* The library may look at the processors once, so they are taken away before its first call. A
 * spinner that keeps the only processor burns a time slice (milliseconds) in each round. */
static void ping_pong_on_one_processor(enum ckf_variant variant)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        _exit(5);
    for (size_t capacity = 0; capacity < 2; capacity++) {
        struct pair pair = {bare(variant, capacity), bare(variant, capacity)};
        struct test_thread partner;
        thread_start(&partner, echo, &pair);
        int64_t before = process_time_ns();
        for (uint64_t i = 0; i < PINNED_ROUNDS; i++)
            if (send_u64(pair.there, i) != CKF_OK || recv_u64(pair.back) != i)
                _exit(6);
        if (!SANITIZED && process_time_ns() - before > (int64_t)PINNED_ROUNDS * PINNED_NS_PER_ROUND)
            _exit(7);
        ckf_channel_close(pair.there);
        thread_join(&partner);
        ckf_channel_destroy(pair.there);
        ckf_channel_destroy(pair.back);
    }
}

static void a_process_pinned_to_one_processor_is_not_slowed_by_spinning(void **state)
{
    assert_survives("ping_pong_on_one_processor", VARIANT(state));
}

static const struct scenario scenarios[] = {
    /* clang-format off */
    NULL_SCENARIOS(LIST_NULL)
    NO_ELEM_SCENARIOS(LIST_NO_ELEM)
    SLEEPER_SCENARIOS(LIST_SLEEPER)
    /* clang-format on */
    {"one_producer_done_too_many", one_producer_done_too_many},
    {"one_consumer_done_too_many", one_consumer_done_too_many},
    {"producer_done_without_counting", producer_done_without_counting},
    {"consumer_done_without_counting", consumer_done_without_counting},
    {"ping_pong_on_one_processor", ping_pong_on_one_processor},
};

int main(int argc, char **argv)
{
    run_scenario_if_asked(argc, argv, scenarios, COUNT_OF(scenarios));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_options_make_a_rendezvous_of_pointers),
        BOTH_VARIANTS_AND_PROMISED(capacity_is_what_was_asked_for),
        BOTH_VARIANTS(bad_options_are_invalid),
        BOTH_VARIANTS(absurd_capacities_are_refused),
        BOTH_VARIANTS_AND_PROMISED(the_name_is_copied),
        BOTH_VARIANTS(promised_single_ends_keep_the_contract),
        BOTH_VARIANTS_AND_PROMISED(a_channel_holds_exactly_its_capacity),
        BOTH_VARIANTS_AND_PROMISED(order_survives_many_laps),
        BOTH_VARIANTS_AND_PROMISED(an_element_is_copied_when_it_is_sent),
        BOTH_VARIANTS_AND_PROMISED(a_null_buffer_discards_one_element),
        BOTH_VARIANTS_AND_PROMISED(a_sleeping_receiver_may_discard),
        BOTH_VARIANTS_AND_PROMISED(a_rendezvous_hands_over_whole_elements),
        BOTH_VARIANTS_AND_PROMISED(a_try_meets_a_sleeping_peer),
        BOTH_VARIANTS_AND_PROMISED(calls_in_one_direction_do_not_meet),
        BOTH_VARIANTS_AND_PROMISED(a_send_without_room_tells_why),
        BOTH_VARIANTS_AND_PROMISED(a_receive_without_element_tells_why_and_leaves_the_buffer_alone),
        BOTH_VARIANTS_AND_PROMISED(one_attempt_is_made_however_late_it_is),
        BOTH_VARIANTS_AND_PROMISED(one_attempt_meets_a_sleeping_peer_however_late_it_is),
        BOTH_VARIANTS_AND_PROMISED(a_wait_ends_at_its_deadline_and_leaves_nothing_behind),
        BOTH_VARIANTS_AND_PROMISED(a_waiter_with_a_deadline_is_served_before_it),
        BOTH_VARIANTS_AND_PROMISED(a_context_that_is_done_wins_over_everything),
        BOTH_VARIANTS_AND_PROMISED(a_context_that_is_not_done_changes_nothing),
        BOTH_VARIANTS_AND_PROMISED(cancel_wakes_a_sleeping_call_and_leaves_nothing_behind),
        BOTH_VARIANTS_AND_PROMISED(cancelling_a_parent_wakes_calls_in_many_channels),
        BOTH_VARIANTS_AND_PROMISED(the_deadline_of_a_context_ends_a_wait),
        BOTH_VARIANTS_AND_PROMISED(a_deadline_of_the_call_leaves_its_context_alone),
        BOTH_VARIANTS_AND_PROMISED(close_is_told_to_one_caller),
        BOTH_VARIANTS_AND_PROMISED(sends_after_close_are_refused),
        BOTH_VARIANTS_AND_PROMISED(receivers_drain_a_closed_channel_then_see_the_close),
        BOTH_VARIANTS(close_wakes_blocked_senders),
        BOTH_VARIANTS(close_wakes_blocked_receivers),
        BOTH_VARIANTS(an_accepted_element_outlives_a_close_at_once),
        BOTH_VARIANTS_AND_PROMISED(many_of_none_is_ok_and_looks_at_nothing),
        BOTH_VARIANTS_AND_PROMISED(many_moves_what_fits_in_order),
        BOTH_VARIANTS_AND_PROMISED(many_takes_no_more_than_asked),
        BOTH_VARIANTS_AND_PROMISED(many_that_moves_nothing_says_zero),
        BOTH_VARIANTS_AND_PROMISED(many_waits_only_for_the_first),
        BOTH_VARIANTS_AND_PROMISED(many_meets_sleeping_peers_of_a_rendezvous_in_order),
        BOTH_VARIANTS(many_wakes_as_many_sleepers_as_it_serves),
        BOTH_VARIANTS_AND_PROMISED(many_fills_the_room_that_close_leaves),
        BOTH_VARIANTS_AND_PROMISED(many_may_discard),
        BOTH_VARIANTS_AND_PROMISED(ends_are_counted_only_on_demand),
        BOTH_VARIANTS_AND_PROMISED(the_last_producer_closes),
        BOTH_VARIANTS_AND_PROMISED(the_last_consumer_closes_and_wakes_senders),
        BOTH_VARIANTS_AND_PROMISED(the_last_producer_wakes_receivers),
        BOTH_VARIANTS_AND_PROMISED(done_is_owed_after_an_explicit_close),
        BOTH_VARIANTS_AND_PROMISED(nobody_is_added_after_the_last_one_has_gone),
        BOTH_VARIANTS_AND_PROMISED(leftovers_are_handed_over_once_oldest_first_and_aligned),
        BOTH_VARIANTS_AND_PROMISED(leftovers_may_be_dropped),
        BOTH_VARIANTS_AND_PROMISED(refused_elements_are_no_leftovers),
        BOTH_VARIANTS(sleeping_receivers_are_served_first_come_first_served),
        BOTH_VARIANTS(sleeping_senders_are_served_first_come_first_served),
        BOTH_VARIANTS(a_waiter_that_gives_up_keeps_the_others_in_line),
        BOTH_VARIANTS(an_idle_waiter_costs_no_processor_time),
        BOTH_VARIANTS_AND_PROMISED(signals_do_not_end_a_wait),
        BOTH_VARIANTS_AND_PROMISED(signals_do_not_end_a_wait_with_a_deadline_early),
        BOTH_VARIANTS_AND_PROMISED(no_call_is_a_cancellation_point),
        BOTH_VARIANTS_AND_PROMISED(calls_leave_errno_alone),
        BOTH_VARIANTS_AND_PROMISED(threads_come_and_go_without_a_trace),
        BOTH_VARIANTS_AND_PROMISED(
            a_forked_child_has_working_channels_and_the_parent_keeps_its_own),
        BOTH_VARIANTS_AND_PROMISED(the_parent_is_unharmed_by_a_fork_while_threads_wait),
        BOTH_VARIANTS(a_fork_amid_traffic_loses_nothing_and_the_child_has_channels),
        cmocka_unit_test(null_arguments_abort_and_name_the_function),
        BOTH_VARIANTS_AND_PROMISED(sending_nothing_aborts_and_names_the_function),
        BOTH_VARIANTS_AND_PROMISED(one_done_too_many_aborts),
        BOTH_VARIANTS_AND_PROMISED(destroy_aborts_while_a_call_sleeps),
        BOTH_VARIANTS_AND_PROMISED(a_process_pinned_to_one_processor_is_not_slowed_by_spinning),
    };
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
