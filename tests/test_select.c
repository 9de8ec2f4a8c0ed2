/* tests/test_select.c - what ckf_select promises: exactly one case, chosen fairly, in any mixture of
 * channels and directions, and nothing left behind.
 */
#include "channel_support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include <ck_filter/context.h>

/* What a case that was not taken must still hold. */
static const enum ckf_status untouched = CKF_IO;

static struct ckf_select_case recv_case(struct ckf_channel *channel, void *elem)
{
    return (struct ckf_select_case){channel, CKF_RECV, elem, untouched};
}

static struct ckf_select_case send_case(struct ckf_channel *channel, const void *elem)
{
    return (struct ckf_select_case){channel, CKF_SEND, (void *)(uintptr_t)elem, untouched};
}

static struct ckf_channel *pair_member(enum ckf_variant variant, size_t capacity)
{
    return channel_of(variant, capacity, 8);
}

static void fill(struct ckf_channel *channel)
{
    for (uint64_t i = 0; i < ckf_channel_capacity(channel); i++)
        assert_status(try_send_u64(channel, i), CKF_OK);
}

/* A select in a thread of its own. */
struct selecting {
    struct test_thread thread;
    struct ckf_select_case cases[8];
    size_t count, chosen;
    int64_t deadline_ns;
    struct ckf_context *context;
    uint64_t elems[8];
    enum ckf_status status;
    atomic_bool returned;
};

static int select_body(void *arg)
{
    struct selecting *s = arg;
    s->status = ckf_select(s->cases, s->count, &s->chosen, s->deadline_ns, s->context);
    atomic_store(&s->returned, true);
    return 0;
}

/* Adds a case on its own u64 element. */
static void add_case(struct selecting *s, struct ckf_channel *channel, enum ckf_direction direction,
                     uint64_t number)
{
    s->elems[s->count] = number;
    s->cases[s->count] =
        (struct ckf_select_case){channel, direction, &s->elems[s->count], untouched};
    s->count++;
}

static void select_start(struct selecting *s)
{
    thread_start(&s->thread, select_body, s);
}

static void select_asleep(struct selecting *s)
{
    select_start(s);
    await_sleep(&s->thread);
}

#define NEW_SELECT                                                                                 \
    {                                                                                              \
        .deadline_ns = CKF_FOREVER                                                                 \
    }

/* ---- one case ---- */

static void a_ready_case_among_others_is_taken_alone(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        for (size_t ready = 0; ready < 3; ready++) {
            struct ckf_channel *channels[3];
            struct ckf_select_case cases[3];
            uint64_t elems[3] = {90, 91, 92};
            size_t chosen = 99;
            for (size_t i = 0; i < 3; i++) {
                channels[i] = pair_member(VARIANT(state), capacities[c]);
                cases[i] = recv_case(channels[i], &elems[i]);
            }
            assert_status(send_u64(channels[ready], 5), CKF_OK);
            assert_status(ckf_select(cases, 3, &chosen, CKF_FOREVER, NULL), CKF_OK);
            assert_int_equal(chosen, ready);
            for (size_t i = 0; i < 3; i++) {
                assert_status(cases[i].status, i == ready ? CKF_OK : untouched);
                assert_int_equal(elems[i], i == ready ? 5 : 90 + i);
                assert_int_equal(ckf_channel_len(channels[i]), 0);
                ckf_channel_destroy(channels[i]);
            }
        }
}

static void a_select_leaves_its_cases_as_the_caller_wrote_them(void **state)
{
    struct ckf_channel *channel = pair_member(VARIANT(state), 1);
    uint64_t in = 7, out = 0;
    struct ckf_select_case cases[] = {send_case(channel, &in), recv_case(channel, &out)};
    size_t chosen;
    for (size_t expected = 0; expected < 2; expected++) {
        assert_status(ckf_select(cases, 2, &chosen, CKF_FOREVER, NULL), CKF_OK);
        assert_int_equal(chosen, expected);
        assert_ptr_equal(cases[0].channel, channel);
        assert_ptr_equal(cases[0].elem, &in);
        assert_int_equal(cases[0].direction, CKF_SEND);
        assert_ptr_equal(cases[1].channel, channel);
        assert_ptr_equal(cases[1].elem, &out);
        assert_int_equal(cases[1].direction, CKF_RECV);
    }
    assert_int_equal(in, 7);
    assert_int_equal(out, 7);
    ckf_channel_destroy(channel);
}

static void elements_of_every_size_pass_whole(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int e = 0; e < ELEM_SIZES; e++) {
            size_t size = elem_sizes[e];
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], size);
            struct ckf_channel *idle = channel_of(VARIANT(state), 0, size);
            struct caller peer;
            unsigned char elem[MAX_ELEM], other[MAX_ELEM];
            struct ckf_select_case cases[] = {recv_case(idle, other), recv_case(channel, elem)};
            size_t chosen;
            elem_fill(other, size, 44);
            elem_fill(peer.elem, size, 45);
            caller_start(&peer, channel, CKF_SEND, CALL_PLAIN);
            assert_status(ckf_select(cases, 2, &chosen, CKF_FOREVER, NULL), CKF_OK);
            assert_int_equal(chosen, 1);
            assert_true(elem_holds(elem, size, 45));
            assert_true(elem_holds(other, size, 44));
            assert_status(caller_join(&peer), CKF_OK);
            caller_start(&peer, channel, CKF_RECV, CALL_PLAIN);
            elem_fill(elem, size, 46);
            cases[1] = send_case(channel, elem);
            assert_status(ckf_select(cases, 2, &chosen, CKF_FOREVER, NULL), CKF_OK);
            assert_int_equal(chosen, 1);
            assert_status(caller_join(&peer), CKF_OK);
            assert_true(elem_holds(peer.elem, size, 46));
            ckf_channel_destroy(channel);
            ckf_channel_destroy(idle);
        }
}

static void a_taken_receive_may_discard(void **state)
{
    struct ckf_channel *channel = pair_member(VARIANT(state), 2);
    struct ckf_select_case one = recv_case(channel, NULL);
    size_t chosen;
    assert_status(send_u64(channel, 1), CKF_OK);
    assert_status(send_u64(channel, 2), CKF_OK);
    assert_status(ckf_select(&one, 1, &chosen, CKF_FOREVER, NULL), CKF_OK);
    assert_status(one.status, CKF_OK);
    assert_int_equal(recv_u64(channel), 2);
    struct selecting sleeper = NEW_SELECT;
    add_case(&sleeper, channel, CKF_RECV, 0);
    sleeper.cases[0].elem = NULL;
    select_asleep(&sleeper);
    assert_status(send_u64(channel, 3), CKF_OK);
    thread_join(&sleeper.thread);
    assert_status(sleeper.status, CKF_OK);
    assert_int_equal(ckf_channel_len(channel), 0);
    ckf_channel_destroy(channel);
}

static void channels_of_different_kinds_share_a_select(void **state)
{
    unsigned char elems[CAPACITIES][MAX_ELEM], sent[MAX_ELEM];
    struct ckf_channel *channels[CAPACITIES];
    struct ckf_select_case cases[CAPACITIES];
    size_t chosen;
    for (int c = 0; c < CAPACITIES; c++) {
        enum ckf_variant variant = c % 2 == 0 ? VARIANT(state) : !VARIANT(state);
        channels[c] = channel_of(variant, capacities[c], elem_sizes[c % ELEM_SIZES]);
        cases[c] = recv_case(channels[c], elems[c]);
    }
    for (size_t c = 1; c < CAPACITIES; c++) {
        elem_fill(sent, elem_sizes[c % ELEM_SIZES], c);
        assert_status(ckf_channel_send(channels[c], sent), CKF_OK);
        assert_status(ckf_select(cases, CAPACITIES, &chosen, CKF_FOREVER, NULL), CKF_OK);
        assert_int_equal(chosen, c);
        assert_true(elem_holds(elems[c], elem_sizes[c % ELEM_SIZES], c));
    }
    for (int c = 0; c < CAPACITIES; c++)
        ckf_channel_destroy(channels[c]);
}

/* ---- not ready ---- */

static void without_a_ready_case_it_tells_why_and_writes_only_the_choice(void **state)
{
    struct ckf_context *canceled, *timed_out;
    assert_status(ckf_context_create(&canceled, NULL, CKF_FOREVER), CKF_OK);
    assert_status(ckf_context_create(&timed_out, NULL, 1), CKF_OK);
    ckf_context_cancel(canceled, 0);
    const struct {
        int64_t deadline_ns;
        struct ckf_context *context;
        enum ckf_status status;
    } ways[] = {{CKF_NOW, NULL, CKF_AGAIN},         {1, NULL, CKF_TIMED_OUT},
                {INT64_MIN, NULL, CKF_TIMED_OUT},   {CKF_FOREVER, canceled, CKF_CANCELED},
                {CKF_NOW, canceled, CKF_CANCELED},  {CKF_FOREVER, timed_out, CKF_TIMED_OUT},
                {CKF_NOW, timed_out, CKF_TIMED_OUT}};
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++) {
        struct ckf_channel *empty = pair_member(VARIANT(state), capacities[c]);
        struct ckf_channel *full = pair_member(VARIANT(state), capacities[c]);
        fill(full);
        for (size_t w = 0; w < COUNT_OF(ways); w++) {
            uint64_t in = 99, out = 98;
            struct ckf_select_case cases[] = {send_case(full, &in), recv_case(empty, &out),
                                              recv_case(NULL, &out)};
            const struct ckf_select_case before[] = {cases[0], cases[1], cases[2]};
            size_t chosen = 77;
            assert_status(ckf_select(cases, 3, &chosen, ways[w].deadline_ns, ways[w].context),
                          ways[w].status);
            assert_int_equal(chosen, 3);
            for (int i = 0; i < 3; i++) {
                assert_ptr_equal(cases[i].channel, before[i].channel);
                assert_ptr_equal(cases[i].elem, before[i].elem);
                assert_status(cases[i].status, untouched);
            }
            assert_int_equal(in, 99);
            assert_int_equal(out, 98);
        }
        assert_int_equal(ckf_channel_len(empty), 0);
        assert_int_equal(ckf_channel_len(full), capacities[c]);
        ckf_channel_destroy(empty);
        ckf_channel_destroy(full);
    }
    ckf_context_release(canceled);
    ckf_context_release(timed_out);
}

static void a_context_that_is_done_wins_over_a_ready_case(void **state)
{
    struct ckf_context *context;
    struct ckf_channel *ready = pair_member(VARIANT(state), 2);
    struct ckf_channel *closed = pair_member(VARIANT(state), 2);
    uint64_t number = 9;
    struct ckf_select_case cases[] = {recv_case(ready, &number), send_case(ready, &number),
                                      recv_case(closed, &number)};
    size_t chosen;
    assert_status(send_u64(ready, 1), CKF_OK);
    assert_status(ckf_channel_close(closed), CKF_OK);
    assert_status(ckf_context_create(&context, NULL, CKF_FOREVER), CKF_OK);
    ckf_context_cancel(context, 0);
    assert_status(ckf_select(cases, 3, &chosen, CKF_FOREVER, context), CKF_CANCELED);
    assert_int_equal(chosen, 3);
    for (int i = 0; i < 3; i++)
        assert_status(cases[i].status, untouched);
    assert_int_equal(ckf_channel_len(ready), 1);
    assert_int_equal(number, 9);
    ckf_context_release(context);
    ckf_channel_destroy(ready);
    ckf_channel_destroy(closed);
}

static void a_ready_case_is_taken_however_late_it_is(void **state)
{
    const int64_t late[] = {CKF_NOW, 1, INT64_MIN};
    struct ckf_channel *channel = pair_member(VARIANT(state), 1);
    struct ckf_channel *idle = pair_member(VARIANT(state), 0);
    for (size_t l = 0; l < COUNT_OF(late); l++) {
        uint64_t number = 3;
        struct ckf_select_case cases[] = {recv_case(idle, &number), send_case(channel, &number)};
        size_t chosen;
        assert_status(ckf_select(cases, 2, &chosen, late[l], NULL), CKF_OK);
        assert_int_equal(chosen, 1);
        cases[1] = recv_case(channel, &number);
        assert_status(ckf_select(cases, 2, &chosen, late[l], NULL), CKF_OK);
        assert_int_equal(chosen, 1);
    }
    ckf_channel_destroy(channel);
    ckf_channel_destroy(idle);
}

static void a_now_select_meets_a_sleeping_peer(void **state)
{
    struct ckf_channel *channel = pair_member(VARIANT(state), 0);
    struct ckf_channel *idle = pair_member(VARIANT(state), 0);
    for (int k = 0; k < WAITING_KINDS; k++) {
        struct caller peer;
        uint64_t number = 3;
        struct ckf_select_case cases[] = {recv_case(idle, &number), send_case(channel, &number)};
        size_t chosen;
        receiver_asleep(&peer, channel, waiting_kinds[k]);
        assert_status(ckf_select(cases, 2, &chosen, CKF_NOW, NULL), CKF_OK);
        assert_int_equal(chosen, 1);
        assert_status(caller_join(&peer), CKF_OK);
        assert_int_equal(caller_number(&peer), 3);
        cases[1] = recv_case(channel, &number);
        sender_asleep(&peer, channel, waiting_kinds[k], 4);
        assert_status(ckf_select(cases, 2, &chosen, CKF_NOW, NULL), CKF_OK);
        assert_int_equal(chosen, 1);
        assert_int_equal(number, 4);
        assert_status(caller_join(&peer), CKF_OK);
    }
    ckf_channel_destroy(channel);
    ckf_channel_destroy(idle);
}

static void no_case_waits_for_ever(void **state)
{
    (void)state;
    struct ckf_select_case none = {NULL, CKF_RECV, NULL, untouched};
    size_t chosen = 9;
    struct ckf_context *context;
    assert_status(ckf_select(NULL, 0, &chosen, CKF_NOW, NULL), CKF_AGAIN);
    assert_int_equal(chosen, 0);
    chosen = 9;
    assert_status(ckf_select(&none, 0, &chosen, 1, NULL), CKF_TIMED_OUT);
    assert_int_equal(chosen, 0);
    int64_t deadline_ns = ckf_deadline_after_ns(1000000);
    assert_status(ckf_select(NULL, 0, &chosen, deadline_ns, NULL), CKF_TIMED_OUT);
    assert_true(clock_ns() >= deadline_ns);
    assert_status(ckf_context_create(&context, NULL, CKF_FOREVER), CKF_OK);
    struct selecting sleeper = NEW_SELECT;
    sleeper.context = context;
    sleeper.chosen = 9;
    select_asleep(&sleeper);
    ckf_context_cancel(context, 0);
    thread_join(&sleeper.thread);
    assert_status(sleeper.status, CKF_CANCELED);
    assert_int_equal(sleeper.chosen, 0);
    ckf_context_release(context);
}

static void a_null_channel_is_never_ready(void **state)
{
    struct ckf_channel *channel = pair_member(VARIANT(state), 1);
    uint64_t number = 5;
    struct ckf_select_case cases[] = {send_case(NULL, &number), recv_case(NULL, &number),
                                      send_case(NULL, NULL), recv_case(channel, &number)};
    size_t chosen = 9;
    assert_status(ckf_select(cases, 3, &chosen, CKF_NOW, NULL), CKF_AGAIN);
    assert_int_equal(chosen, 3);
    assert_status(ckf_select(cases, 3, &chosen, ckf_deadline_after_ns(500000), NULL),
                  CKF_TIMED_OUT);
    assert_int_equal(chosen, 3);
    assert_status(ckf_select(cases, 4, &chosen, CKF_NOW, NULL), CKF_AGAIN);
    assert_status(send_u64(channel, 6), CKF_OK);
    assert_status(ckf_select(cases, 4, &chosen, CKF_FOREVER, NULL), CKF_OK);
    assert_int_equal(chosen, 3);
    assert_int_equal(number, 6);
    ckf_channel_destroy(channel);
}

static void null_channels_do_not_disturb_a_sleeping_select(void **state)
{
    struct ckf_channel *channel = pair_member(VARIANT(state), 0);
    struct selecting sleeper = NEW_SELECT;
    add_case(&sleeper, NULL, CKF_SEND, 0);
    add_case(&sleeper, channel, CKF_RECV, 0);
    add_case(&sleeper, NULL, CKF_RECV, 0);
    select_asleep(&sleeper);
    assert_status(send_u64(channel, 4), CKF_OK);
    thread_join(&sleeper.thread);
    assert_status(sleeper.status, CKF_OK);
    assert_int_equal(sleeper.chosen, 1);
    assert_int_equal(sleeper.elems[1], 4);
    ckf_channel_destroy(channel);
}

/* ---- sleeping ---- */

static void any_case_wakes_a_sleeping_select_and_the_others_stay_untouched(void **state)
{
    enum { CASES = 4 };
    for (int c = 0; c < CAPACITIES; c++)
        for (size_t ready = 0; ready < CASES; ready++) {
            struct ckf_channel *channels[CASES];
            struct selecting sleeper = NEW_SELECT;
            size_t capacity = capacities[c];
            for (size_t i = 0; i < CASES; i++) {
                /* sends sleep on full channels alone, and unbounded ones are never full */
                bool sends = i % 2 == 1 && capacity != CKF_UNBOUNDED;
                channels[i] = pair_member(i == 3 ? !VARIANT(state) : VARIANT(state), capacity);
                if (sends)
                    fill(channels[i]);
                add_case(&sleeper, channels[i], sends ? CKF_SEND : CKF_RECV, 90 + i);
            }
            select_asleep(&sleeper);
            uint64_t got = 0;
            if (sleeper.cases[ready].direction == CKF_RECV)
                assert_status(send_u64(channels[ready], 7), CKF_OK);
            else
                got = recv_u64(channels[ready]);
            thread_join(&sleeper.thread);
            assert_status(sleeper.status, CKF_OK);
            assert_int_equal(sleeper.chosen, ready);
            for (size_t i = 0; i < CASES; i++) {
                bool taken = i == ready, received = sleeper.cases[i].direction == CKF_RECV;
                assert_status(sleeper.cases[i].status, taken ? CKF_OK : untouched);
                assert_int_equal(sleeper.elems[i], taken && received ? 7 : 90 + i);
                if (taken && !received && capacity == 0)
                    assert_int_equal(got, 90 + i);
                /* nobody is left waiting behind */
                if (received && capacity == 0)
                    assert_status(try_send_u64(channels[i], 1), CKF_AGAIN);
                if (!received)
                    for (uint64_t n = taken; n < capacity; n++)
                        assert_int_equal(try_recv_u64(channels[i]), n);
                if (!received && taken && capacity > 0)
                    assert_int_equal(try_recv_u64(channels[i]), 90 + i);
                assert_true(try_recv_u64(channels[i]) == NO_ELEMENT(CKF_AGAIN));
                ckf_channel_destroy(channels[i]);
            }
        }
}

static void a_select_that_gives_up_leaves_nothing_behind(void **state)
{
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++)
        for (int canceled = 0; canceled < 2; canceled++) {
            struct ckf_channel *empty = pair_member(VARIANT(state), capacities[c]);
            struct ckf_channel *full = pair_member(!VARIANT(state), capacities[c]);
            struct ckf_context *context;
            struct selecting sleeper = NEW_SELECT;
            fill(full);
            assert_status(ckf_context_create(&context, NULL, CKF_FOREVER), CKF_OK);
            sleeper.context = context;
            if (!canceled)
                sleeper.deadline_ns = ckf_deadline_after_ns(2000000);
            add_case(&sleeper, empty, CKF_RECV, 98);
            add_case(&sleeper, full, CKF_SEND, 99);
            if (canceled) {
                select_asleep(&sleeper);
                ckf_context_cancel(context, 0);
            } else {
                select_start(&sleeper);
            }
            thread_join(&sleeper.thread);
            assert_status(sleeper.status, canceled ? CKF_CANCELED : CKF_TIMED_OUT);
            assert_int_equal(sleeper.chosen, 2);
            assert_status(sleeper.cases[0].status, untouched);
            assert_status(sleeper.cases[1].status, untouched);
            assert_int_equal(sleeper.elems[0], 98);
            if (capacities[c] == 0)
                assert_status(try_send_u64(empty, 1), CKF_AGAIN);
            for (uint64_t n = 0; n < capacities[c]; n++)
                assert_int_equal(try_recv_u64(full), n);
            assert_true(try_recv_u64(full) == NO_ELEMENT(CKF_AGAIN));
            ckf_context_release(context);
            ckf_channel_destroy(empty);
            ckf_channel_destroy(full);
        }
}

static void the_deadline_of_a_context_ends_a_sleeping_select(void **state)
{
    struct ckf_channel *channel = pair_member(VARIANT(state), 0);
    struct ckf_context *context;
    int64_t deadline_ns = ckf_deadline_after_ns(2000000);
    uint64_t number;
    struct ckf_select_case one = recv_case(channel, &number);
    size_t chosen;
    assert_status(ckf_context_create(&context, NULL, deadline_ns), CKF_OK);
    assert_status(ckf_select(&one, 1, &chosen, CKF_FOREVER, context), CKF_TIMED_OUT);
    assert_true(clock_ns() >= deadline_ns);
    assert_int_equal(chosen, 1);
    assert_status(ckf_context_status(context), CKF_TIMED_OUT);
    ckf_context_release(context);
    ckf_channel_destroy(channel);
}

static void two_selects_meet(void **state)
{
    for (int c = 0; c < 2; c++)
        for (size_t meeting = 0; meeting < 3; meeting++) {
            struct ckf_channel *channels[3], *idle[3];
            struct selecting sender = NEW_SELECT, receiver = NEW_SELECT;
            for (size_t i = 0; i < 3; i++) {
                channels[i] = pair_member(i == 1 ? !VARIANT(state) : VARIANT(state), capacities[c]);
                idle[i] = pair_member(VARIANT(state), 0);
            }
            for (size_t i = 0; i < 3; i++) {
                add_case(&sender, i == meeting ? channels[i] : idle[i], CKF_SEND, 10 + i);
                add_case(&receiver, channels[i], CKF_RECV, 99);
            }
            select_asleep(&receiver);
            select_start(&sender);
            thread_join(&sender.thread);
            thread_join(&receiver.thread);
            assert_status(sender.status, CKF_OK);
            assert_status(receiver.status, CKF_OK);
            assert_int_equal(sender.chosen, meeting);
            assert_int_equal(receiver.chosen, meeting);
            assert_int_equal(receiver.elems[meeting], 10 + meeting);
            for (size_t i = 0; i < 3; i++) {
                ckf_channel_destroy(channels[i]);
                ckf_channel_destroy(idle[i]);
            }
        }
}

static void a_select_is_served_in_its_turn(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = pair_member(VARIANT(state), capacities[c]);
        struct ckf_channel *idle = pair_member(VARIANT(state), 0);
        struct selecting selects[3];
        for (size_t i = 0; i < 3; i++) {
            selects[i] = (struct selecting)NEW_SELECT;
            add_case(&selects[i], idle, CKF_RECV, 0);
            add_case(&selects[i], channel, CKF_RECV, 0);
            select_asleep(&selects[i]);
        }
        for (size_t i = 0; i < 3; i++) {
            assert_status(send_u64(channel, i), CKF_OK);
            thread_join(&selects[i].thread);
            assert_int_equal(selects[i].chosen, 1);
            assert_int_equal(selects[i].elems[1], i);
        }
        ckf_channel_destroy(channel);
        ckf_channel_destroy(idle);
    }
}

static void a_select_on_many_channels_sleeps_and_wakes(void **state)
{
    enum { MANY = 300 };
    static struct ckf_channel *channels[MANY];
    static struct ckf_select_case cases[MANY];
    static uint64_t elems[MANY];
    for (size_t i = 0; i < MANY; i++)
        channels[i] = pair_member(i % 3 == 0 ? !VARIANT(state) : VARIANT(state), i % 2);
    for (size_t target = 0; target < MANY; target += 61) {
        size_t chosen;
        struct caller sender;
        for (size_t i = 0; i < MANY; i++)
            cases[i] = recv_case(channels[i], &elems[i]);
        assert_status(ckf_select(cases, MANY, &chosen, CKF_NOW, NULL), CKF_AGAIN);
        assert_status(ckf_select(cases, MANY, &chosen, ckf_deadline_after_ns(500000), NULL),
                      CKF_TIMED_OUT);
        assert_int_equal(chosen, MANY);
        elem_fill(sender.elem, 8, target);
        caller_start(&sender, channels[target], CKF_SEND, CALL_PLAIN);
        assert_status(ckf_select(cases, MANY, &chosen, CKF_FOREVER, NULL), CKF_OK);
        assert_int_equal(chosen, target);
        assert_int_equal(elems[target], target);
        assert_status(caller_join(&sender), CKF_OK);
    }
    for (size_t i = 0; i < MANY; i++)
        ckf_channel_destroy(channels[i]);
}

/* ---- close ---- */

static void a_closed_channel_is_ready_in_both_directions(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *closed = pair_member(VARIANT(state), capacities[c]);
        struct ckf_channel *idle = pair_member(VARIANT(state), 0);
        uint64_t number = 99;
        size_t chosen;
        assert_status(ckf_channel_close(closed), CKF_OK);
        struct ckf_select_case receives[] = {recv_case(idle, &number), recv_case(closed, &number)};
        assert_status(ckf_select(receives, 2, &chosen, CKF_NOW, NULL), CKF_OK);
        assert_int_equal(chosen, 1);
        assert_status(receives[1].status, CKF_CLOSED);
        assert_status(receives[0].status, untouched);
        struct ckf_select_case sends[] = {send_case(closed, &number), send_case(idle, &number)};
        assert_status(ckf_select(sends, 2, &chosen, CKF_FOREVER, NULL), CKF_OK);
        assert_int_equal(chosen, 0);
        assert_status(sends[0].status, CKF_CLOSED);
        assert_int_equal(number, 99);
        ckf_channel_destroy(closed);
        ckf_channel_destroy(idle);
    }
}

static void a_select_drains_a_closed_channel_first(void **state)
{
    for (int c = 1; c < CAPACITIES; c++) {
        struct ckf_channel *channel = pair_member(VARIANT(state), capacities[c]);
        uint64_t number = 0;
        struct ckf_select_case one = recv_case(channel, &number);
        size_t chosen;
        assert_status(send_u64(channel, 5), CKF_OK);
        assert_status(ckf_channel_close(channel), CKF_OK);
        assert_status(ckf_select(&one, 1, &chosen, CKF_FOREVER, NULL), CKF_OK);
        assert_status(one.status, CKF_OK);
        assert_int_equal(number, 5);
        number = 99;
        assert_status(ckf_select(&one, 1, &chosen, CKF_FOREVER, NULL), CKF_OK);
        assert_status(one.status, CKF_CLOSED);
        assert_int_equal(number, 99);
        ckf_channel_destroy(channel);
    }
}

static void close_wakes_a_sleeping_select(void **state)
{
    for (int c = 0; capacities[c] != CKF_UNBOUNDED; c++)
        for (size_t closed = 0; closed < 2; closed++) {
            struct ckf_channel *empty = pair_member(VARIANT(state), capacities[c]);
            struct ckf_channel *full = pair_member(VARIANT(state), capacities[c]);
            struct selecting sleeper = NEW_SELECT;
            fill(full);
            add_case(&sleeper, empty, CKF_RECV, 98);
            add_case(&sleeper, full, CKF_SEND, 99);
            select_asleep(&sleeper);
            assert_status(ckf_channel_close(closed == 0 ? empty : full), CKF_OK);
            thread_join(&sleeper.thread);
            assert_status(sleeper.status, CKF_OK);
            assert_int_equal(sleeper.chosen, closed);
            assert_status(sleeper.cases[closed].status, CKF_CLOSED);
            assert_status(sleeper.cases[1 - closed].status, untouched);
            assert_int_equal(sleeper.elems[0], 98);
            assert_int_equal(ckf_channel_len(full), capacities[c]);
            ckf_channel_destroy(empty);
            ckf_channel_destroy(full);
        }
}

static void close_wakes_every_sleeping_select(void **state)
{
    struct ckf_channel *shared = pair_member(VARIANT(state), 0);
    struct ckf_channel *others[4];
    struct selecting sleepers[4];
    for (size_t i = 0; i < 4; i++) {
        others[i] = pair_member(VARIANT(state), i % 2);
        sleepers[i] = (struct selecting)NEW_SELECT;
        add_case(&sleepers[i], others[i], CKF_RECV, 0);
        add_case(&sleepers[i], shared, CKF_RECV, 0);
        select_asleep(&sleepers[i]);
    }
    assert_status(ckf_channel_close(shared), CKF_OK);
    for (size_t i = 0; i < 4; i++) {
        thread_join(&sleepers[i].thread);
        assert_int_equal(sleepers[i].chosen, 1);
        assert_status(sleepers[i].cases[1].status, CKF_CLOSED);
        ckf_channel_destroy(others[i]);
    }
    ckf_channel_destroy(shared);
}

/* ---- itself, and the same channel twice ---- */

static void a_select_never_meets_itself(void **state)
{
    struct ckf_channel *channel = pair_member(VARIANT(state), 0);
    uint64_t in = 1, out = 2;
    struct ckf_select_case cases[] = {send_case(channel, &in), recv_case(channel, &out),
                                      send_case(channel, &in)};
    size_t chosen;
    for (int round = 0; round < 20; round++) {
        assert_status(ckf_select(cases, 3, &chosen, CKF_NOW, NULL), CKF_AGAIN);
        assert_status(ckf_select(cases, 3, &chosen, ckf_deadline_after_ns(100000), NULL),
                      CKF_TIMED_OUT);
    }
    assert_int_equal(out, 2);
    assert_status(try_send_u64(channel, 1), CKF_AGAIN);
    assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
    ckf_channel_destroy(channel);
}

static void two_selects_that_send_and_receive_meet_each_other(void **state)
{
    for (int round = 0; round < ROUNDS(200); round++) {
        struct ckf_channel *channel = pair_member(VARIANT(state), 0);
        struct selecting selects[2] = {NEW_SELECT, NEW_SELECT};
        for (int i = 0; i < 2; i++) {
            add_case(&selects[i], channel, CKF_SEND, 10 + (uint64_t)i);
            add_case(&selects[i], channel, CKF_RECV, 99);
            select_start(&selects[i]);
        }
        for (int i = 0; i < 2; i++) {
            thread_join(&selects[i].thread);
            assert_status(selects[i].status, CKF_OK);
        }
        int receiver = selects[0].chosen == 1 ? 0 : 1;
        assert_int_equal(selects[receiver].chosen, 1);
        assert_int_equal(selects[1 - receiver].chosen, 0);
        assert_int_equal(selects[receiver].elems[1], 10 + (1 - receiver));
        assert_int_equal(selects[1 - receiver].elems[1], 99);
        ckf_channel_destroy(channel);
    }
}

static void a_channel_in_both_directions_is_a_queue_to_itself(void **state)
{
    for (int c = 1; c < CAPACITIES; c++) {
        struct ckf_channel *channel = pair_member(VARIANT(state), capacities[c]);
        uint64_t in = 0, out = 99, sent = 0, received = 0;
        for (int round = 0; round < 500; round++) {
            struct ckf_select_case cases[] = {send_case(channel, &in), recv_case(channel, &out)};
            size_t chosen;
            in = sent;
            assert_status(ckf_select(cases, 2, &chosen, CKF_NOW, NULL), CKF_OK);
            if (chosen == 0)
                sent++;
            else
                assert_int_equal(out, received++);
            assert_int_equal(ckf_channel_len(channel), sent - received);
        }
        ckf_channel_destroy(channel);
    }
}

/* ---- equal chance ---- */

/* Each of the counts lies within six standard deviations of its share. */
static void assert_fair(const unsigned *counts, size_t choices)
{
    uint64_t total = 0;
    for (size_t i = 0; i < choices; i++)
        total += counts[i];
    for (size_t i = 0; i < choices; i++) {
        int64_t off = (int64_t)(counts[i] * choices) - (int64_t)total;
        if ((uint64_t)(off * off) > 36 * total * (choices - 1))
            fail_msg("case %zu of %zu was taken %u times in %llu", i, choices, counts[i],
                     (unsigned long long)total);
    }
}

/* Selects from ready cases alone and puts back what it takes. */
static void choose_often(struct ckf_select_case *cases, size_t count, unsigned *counts, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        size_t chosen;
        assert_status(ckf_select(cases, count, &chosen, CKF_FOREVER, NULL), CKF_OK);
        counts[chosen]++;
        if (cases[chosen].direction == CKF_RECV)
            assert_status(ckf_channel_try_send(cases[chosen].channel, cases[chosen].elem), CKF_OK);
        else
            assert_status(ckf_channel_try_recv(cases[chosen].channel, NULL), CKF_OK);
    }
}

static void ready_cases_have_equal_chance(void **state)
{
    for (size_t count = 2; count <= 5; count++)
        for (int sends = 0; sends < 3; sends++) {
            struct ckf_channel *channels[5];
            struct ckf_select_case cases[5];
            uint64_t elem = 1;
            unsigned counts[5] = {0};
            for (size_t i = 0; i < count; i++) {
                channels[i] = pair_member(i % 2 == 0 ? VARIANT(state) : !VARIANT(state), 4);
                bool send = sends == 2 ? i % 2 == 0 : sends == 1;
                cases[i] = send ? send_case(channels[i], &elem) : recv_case(channels[i], &elem);
                if (!send)
                    assert_status(send_u64(channels[i], 1), CKF_OK);
            }
            choose_often(cases, count, counts, ROUNDS(6000));
            assert_fair(counts, count);
            for (size_t i = 0; i < count; i++)
                ckf_channel_destroy(channels[i]);
        }
}

static void only_ready_cases_share_the_chances(void **state)
{
    struct ckf_channel *ready[3], *idle[4];
    uint64_t elem = 1, unused;
    unsigned counts[7] = {0};
    for (int i = 0; i < 3; i++) {
        ready[i] = pair_member(VARIANT(state), 2);
        assert_status(send_u64(ready[i], 1), CKF_OK);
    }
    for (int i = 0; i < 4; i++)
        idle[i] = pair_member(VARIANT(state), (size_t)i);
    /* unready cases before, between and after: a rotating scan would favour whoever follows them */
    struct ckf_select_case cases[] = {recv_case(ready[0], &elem),  recv_case(idle[0], &unused),
                                      recv_case(idle[1], &unused), recv_case(idle[2], &unused),
                                      recv_case(ready[1], &elem),  recv_case(NULL, &unused),
                                      recv_case(ready[2], &elem)};
    choose_often(cases, COUNT_OF(cases), counts, ROUNDS(6000));
    const unsigned of_ready[] = {counts[0], counts[4], counts[6]};
    assert_int_equal(counts[1] + counts[2] + counts[3] + counts[5], 0);
    assert_fair(of_ready, 3);
    for (int i = 0; i < 3; i++)
        ckf_channel_destroy(ready[i]);
    for (int i = 0; i < 4; i++)
        ckf_channel_destroy(idle[i]);
}

static void duplicates_have_a_chance_each(void **state)
{
    struct ckf_channel *twice = pair_member(VARIANT(state), 2);
    struct ckf_channel *once = pair_member(VARIANT(state), 2);
    uint64_t elem = 1;
    unsigned counts[3] = {0};
    struct ckf_select_case cases[] = {recv_case(twice, &elem), recv_case(once, &elem),
                                      recv_case(twice, &elem)};
    assert_status(send_u64(twice, 1), CKF_OK);
    assert_status(send_u64(once, 1), CKF_OK);
    choose_often(cases, 3, counts, ROUNDS(6000));
    assert_fair(counts, 3);
    ckf_channel_destroy(twice);
    ckf_channel_destroy(once);
}

static void closed_channels_have_equal_chance_too(void **state)
{
    struct ckf_channel *closed = pair_member(VARIANT(state), 2);
    struct ckf_channel *open = pair_member(VARIANT(state), 2);
    uint64_t elem = 1;
    unsigned counts[3] = {0};
    assert_status(ckf_channel_close(closed), CKF_OK);
    struct ckf_select_case cases[] = {recv_case(closed, &elem), send_case(open, &elem),
                                      send_case(closed, &elem)};
    for (int round = 0; round < ROUNDS(6000); round++) {
        size_t chosen;
        assert_status(ckf_select(cases, 3, &chosen, CKF_FOREVER, NULL), CKF_OK);
        counts[chosen]++;
        if (chosen == 1)
            assert_status(ckf_channel_try_recv(open, NULL), CKF_OK);
    }
    assert_fair(counts, 3);
    ckf_channel_destroy(closed);
    ckf_channel_destroy(open);
}

static void sleeping_peers_of_a_rendezvous_have_equal_chance(void **state)
{
    enum { PEERS = 3, TRIALS = 400 };
    struct ckf_channel *channels[PEERS];
    struct caller *senders = calloc(PEERS, sizeof *senders);
    unsigned counts[PEERS] = {0};
    assert_non_null(senders);
    for (int i = 0; i < PEERS; i++) {
        channels[i] = pair_member(VARIANT(state), 0);
        sender_asleep(&senders[i], channels[i], CALL_PLAIN, 1);
    }
    for (int round = 0; round < ROUNDS(TRIALS); round++) {
        struct ckf_select_case cases[PEERS];
        size_t chosen;
        for (int i = 0; i < PEERS; i++)
            cases[i] = recv_case(channels[i], NULL);
        assert_status(ckf_select(cases, PEERS, &chosen, CKF_NOW, NULL), CKF_OK);
        counts[chosen]++;
        assert_status(caller_join(&senders[chosen]), CKF_OK);
        sender_asleep(&senders[chosen], channels[chosen], CALL_PLAIN, 1);
    }
    assert_fair(counts, PEERS);
    for (int i = 0; i < PEERS; i++) {
        assert_status(ckf_channel_close(channels[i]), CKF_OK);
        assert_status(caller_join(&senders[i]), CKF_CLOSED);
        ckf_channel_destroy(channels[i]);
    }
    free(senders);
}

/* One event makes several cases of a sleeping select ready at once. */
static void duplicates_that_become_ready_while_it_sleeps_have_a_chance_each(void **state)
{
    enum { TRIALS = 300 };
    for (size_t capacity = 0; capacity < 2; capacity++) {
        struct ckf_channel *channel = pair_member(VARIANT(state), capacity);
        struct ckf_channel *idle = pair_member(VARIANT(state), 0);
        unsigned counts[3] = {0};
        for (int round = 0; round < ROUNDS(TRIALS); round++) {
            struct selecting sleeper = NEW_SELECT;
            add_case(&sleeper, channel, CKF_RECV, 99);
            add_case(&sleeper, channel, CKF_RECV, 99);
            add_case(&sleeper, idle, CKF_RECV, 99);
            add_case(&sleeper, channel, CKF_RECV, 99);
            select_asleep(&sleeper);
            assert_status(send_u64(channel, 1), CKF_OK);
            thread_join(&sleeper.thread);
            assert_status(sleeper.status, CKF_OK);
            assert_int_equal(sleeper.elems[sleeper.chosen], 1);
            for (size_t i = 0; i < 4; i++)
                assert_status(sleeper.cases[i].status, i == sleeper.chosen ? CKF_OK : untouched);
            assert_int_not_equal(sleeper.chosen, 2);
            counts[sleeper.chosen == 3 ? 2 : sleeper.chosen]++;
            assert_int_equal(ckf_channel_len(channel), 0);
            if (capacity == 0)
                assert_status(try_send_u64(channel, 1), CKF_AGAIN);
        }
        assert_fair(counts, 3);
        ckf_channel_destroy(channel);
        ckf_channel_destroy(idle);
    }
}

static void duplicate_sends_that_become_ready_while_it_sleeps_have_a_chance_each(void **state)
{
    enum { TRIALS = 300 };
    for (size_t capacity = 0; capacity < 2; capacity++) {
        struct ckf_channel *channel = pair_member(VARIANT(state), capacity);
        unsigned counts[2] = {0};
        for (int round = 0; round < ROUNDS(TRIALS); round++) {
            struct selecting sleeper = NEW_SELECT;
            fill(channel);
            add_case(&sleeper, channel, CKF_SEND, 10);
            add_case(&sleeper, channel, CKF_SEND, 11);
            select_asleep(&sleeper);
            uint64_t number = recv_u64(channel);
            thread_join(&sleeper.thread);
            assert_status(sleeper.status, CKF_OK);
            counts[sleeper.chosen]++;
            if (capacity > 0)
                number = recv_u64(channel);
            assert_int_equal(number, 10 + sleeper.chosen);
            assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
        }
        assert_fair(counts, 2);
        ckf_channel_destroy(channel);
    }
}

static void both_directions_that_close_makes_ready_have_equal_chance(void **state)
{
    enum { TRIALS = 300 };
    unsigned counts[2] = {0};
    for (int round = 0; round < ROUNDS(TRIALS); round++) {
        struct ckf_channel *channel = pair_member(VARIANT(state), 0);
        struct selecting sleeper = NEW_SELECT;
        add_case(&sleeper, channel, CKF_SEND, 1);
        add_case(&sleeper, channel, CKF_RECV, 99);
        select_asleep(&sleeper);
        assert_status(ckf_channel_close(channel), CKF_OK);
        thread_join(&sleeper.thread);
        assert_status(sleeper.status, CKF_OK);
        assert_status(sleeper.cases[sleeper.chosen].status, CKF_CLOSED);
        assert_status(sleeper.cases[1 - sleeper.chosen].status, untouched);
        counts[sleeper.chosen]++;
        ckf_channel_destroy(channel);
    }
    assert_fair(counts, 2);
}

/* ---- exactly one, under contention ---- */

enum { CHAOS_CHANNELS = 4, CHAOS_SENDERS = 3, CHAOS_RECEIVERS = 3, CHAOS_EACH = 400 };

struct chaos {
    struct ckf_channel *channels[CHAOS_CHANNELS];
    size_t elem_size;
    int64_t patience_ns; /* of one select: CKF_FOREVER or a short time */
    atomic_uchar seen[CHAOS_SENDERS][CHAOS_EACH];
    atomic_uint senders_left;
};

struct chaos_actor {
    struct chaos *chaos;
    unsigned number;
    struct test_thread thread;
};

static int64_t chaos_deadline(const struct chaos *chaos)
{
    return chaos->patience_ns == CKF_FOREVER ? CKF_FOREVER
                                             : ckf_deadline_after_ns(chaos->patience_ns);
}

static int chaos_sender(void *arg)
{
    struct chaos_actor *me = arg;
    struct chaos *chaos = me->chaos;
    unsigned char elem[64];
    struct ckf_select_case cases[CHAOS_CHANNELS];
    for (uint64_t i = 0; i < ROUNDS(CHAOS_EACH);) {
        size_t chosen;
        elem_fill(elem, chaos->elem_size, (uint64_t)me->number << 16 | i);
        for (unsigned c = 0; c < CHAOS_CHANNELS; c++)
            cases[(c + me->number) % CHAOS_CHANNELS] = send_case(chaos->channels[c], elem);
        enum ckf_status status =
            ckf_select(cases, CHAOS_CHANNELS, &chosen, chaos_deadline(chaos), NULL);
        if (status == CKF_OK) {
            ENSURE(cases[chosen].status == CKF_OK);
            i++;
        } else {
            ENSURE(status == CKF_TIMED_OUT && chaos->patience_ns != CKF_FOREVER);
        }
    }
    if (atomic_fetch_sub(&chaos->senders_left, 1) == 1)
        for (int c = 0; c < CHAOS_CHANNELS; c++)
            ENSURE(ckf_channel_close(chaos->channels[c]) == CKF_OK);
    return 0;
}

static int chaos_receiver(void *arg)
{
    struct chaos_actor *me = arg;
    struct chaos *chaos = me->chaos;
    unsigned char elem[CHAOS_CHANNELS][64];
    struct ckf_select_case cases[CHAOS_CHANNELS];
    int64_t last[CHAOS_CHANNELS][CHAOS_SENDERS];
    memset(last, -1, sizeof last);
    for (unsigned c = 0; c < CHAOS_CHANNELS; c++)
        cases[c] = recv_case(chaos->channels[c], elem[c]);
    for (int open = CHAOS_CHANNELS; open > 0;) {
        size_t chosen;
        uint64_t number;
        enum ckf_status status =
            ckf_select(cases, CHAOS_CHANNELS, &chosen, chaos_deadline(chaos), NULL);
        if (status == CKF_TIMED_OUT && chaos->patience_ns != CKF_FOREVER)
            continue;
        ENSURE(status == CKF_OK);
        if (cases[chosen].status == CKF_CLOSED) {
            cases[chosen].channel = NULL;
            open--;
            continue;
        }
        ENSURE(cases[chosen].status == CKF_OK);
        ENSURE(elem_read(elem[chosen], chaos->elem_size, &number));
        unsigned sender = (unsigned)(number >> 16), i = number & 0xffff;
        ENSURE(sender < CHAOS_SENDERS && i < CHAOS_EACH);
        ENSURE(atomic_fetch_add(&chaos->seen[sender][i], 1) == 0);
        ENSURE(last[chosen][sender] < (int64_t)i);
        last[chosen][sender] = i;
    }
    return 0;
}

static void run_chaos(const size_t *shape, enum ckf_variant first, bool mixed, size_t elem_size,
                      int64_t patience_ns)
{
    struct chaos *chaos = calloc(1, sizeof *chaos);
    struct chaos_actor actors[CHAOS_SENDERS + CHAOS_RECEIVERS];
    assert_non_null(chaos);
    chaos->elem_size = elem_size;
    chaos->patience_ns = patience_ns;
    atomic_store(&chaos->senders_left, CHAOS_SENDERS);
    for (int c = 0; c < CHAOS_CHANNELS; c++)
        chaos->channels[c] = channel_of(mixed && c % 2 ? !first : first, shape[c], elem_size);
    for (unsigned i = 0; i < COUNT_OF(actors); i++) {
        bool sends = i < CHAOS_SENDERS;
        actors[i].chaos = chaos;
        actors[i].number = sends ? i : i - CHAOS_SENDERS;
        thread_start(&actors[i].thread, sends ? chaos_sender : chaos_receiver, &actors[i]);
    }
    for (unsigned i = 0; i < COUNT_OF(actors); i++)
        assert_int_equal(thread_join(&actors[i].thread), 0);
    for (int s = 0; s < CHAOS_SENDERS; s++)
        for (int i = 0; i < ROUNDS(CHAOS_EACH); i++)
            assert_int_equal(atomic_load(&chaos->seen[s][i]), 1);
    for (int c = 0; c < CHAOS_CHANNELS; c++) {
        assert_int_equal(ckf_channel_len(chaos->channels[c]), 0);
        ckf_channel_destroy(chaos->channels[c]);
    }
    free(chaos);
}

static const size_t chaos_shapes[][CHAOS_CHANNELS] = {
    {0, 0, 0, 0}, {1, 1, 1, 1}, {0, 1, 2, 3}, {3, 64, 0, CKF_UNBOUNDED}};

static void selects_among_selects_lose_and_double_nothing(void **state)
{
    for (size_t s = 0; s < COUNT_OF(chaos_shapes); s++)
        for (size_t elem_size = 4; elem_size <= 24; elem_size += 20)
            run_chaos(chaos_shapes[s], VARIANT(state), false, elem_size, CKF_FOREVER);
}

static void selects_over_both_variants_lose_and_double_nothing(void **state)
{
    for (size_t s = 0; s < COUNT_OF(chaos_shapes); s++)
        run_chaos(chaos_shapes[s], VARIANT(state), true, 8, CKF_FOREVER);
}

static void selects_that_time_out_lose_and_double_nothing(void **state)
{
    for (size_t s = 0; s < COUNT_OF(chaos_shapes); s++)
        run_chaos(chaos_shapes[s], VARIANT(state), true, 24, 20000);
}

/* Two selects name the same two channels in opposite order and opposite directions. */
struct opposite {
    struct ckf_channel *a, *b;
    bool reversed;
    unsigned sent_a, sent_b, got_a, got_b;
    struct test_thread thread;
};

static int exchange(void *arg)
{
    struct opposite *me = arg;
    for (int i = 0; i < ROUNDS(2000); i++) {
        uint64_t out = 1, in = 0;
        struct ckf_select_case cases[4];
        size_t chosen;
        cases[me->reversed ? 3 : 0] = send_case(me->a, &out);
        cases[me->reversed ? 2 : 1] = recv_case(me->b, &in);
        cases[me->reversed ? 1 : 2] = recv_case(me->a, &in);
        cases[me->reversed ? 0 : 3] = send_case(me->b, &out);
        ENSURE(ckf_select(cases, 4, &chosen, CKF_FOREVER, NULL) == CKF_OK);
        ENSURE(cases[chosen].status == CKF_OK);
        bool is_send = cases[chosen].direction == CKF_SEND, is_a = cases[chosen].channel == me->a;
        ENSURE(is_send || in == 1);
        *(is_send ? is_a ? &me->sent_a : &me->sent_b : is_a ? &me->got_a : &me->got_b) += 1;
    }
    return 0;
}

static void selects_in_opposite_order_do_not_deadlock(void **state)
{
    const size_t shapes[][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 2}};
    for (size_t s = 0; s < COUNT_OF(shapes); s++)
        for (int mixed = 0; mixed < 2; mixed++) {
            enum ckf_variant other = mixed ? !VARIANT(state) : VARIANT(state);
            struct ckf_channel *a = pair_member(VARIANT(state), shapes[s][0]);
            struct ckf_channel *b = pair_member(other, shapes[s][1]);
            struct opposite actors[2] = {{.a = a, .b = b}, {.a = a, .b = b, .reversed = true}};
            thread_start(&actors[0].thread, exchange, &actors[0]);
            thread_start(&actors[1].thread, exchange, &actors[1]);
            for (int i = 0; i < 2; i++)
                assert_int_equal(thread_join(&actors[i].thread), 0);
            assert_int_equal(actors[0].sent_a + actors[1].sent_a,
                             actors[0].got_a + actors[1].got_a + ckf_channel_len(a));
            assert_int_equal(actors[0].sent_b + actors[1].sent_b,
                             actors[0].got_b + actors[1].got_b + ckf_channel_len(b));
            ckf_channel_destroy(a);
            ckf_channel_destroy(b);
        }
}

/* Each actor adds one element and takes one, wherever they are: from its own send to its own receive
 * at least one element lies in one of the channels, so that CKF_AGAIN would be a lie. */
enum { PLACES = 6, MOVERS = 3 };

struct truth {
    struct ckf_channel *channels[PLACES];
    struct test_thread thread;
    uint32_t seed;
};

static int put_one_take_one(void *arg)
{
    struct truth *me = arg;
    for (int i = 0; i < ROUNDS(8000); i++) {
        struct ckf_select_case cases[PLACES];
        size_t chosen;
        unsigned char elem[24] = {0}, got[24];
        struct ckf_channel *target = me->channels[random_u32(&me->seed) % PLACES];
        ENSURE(ckf_channel_try_send(target, elem) == CKF_OK);
        for (int c = 0; c < PLACES; c++)
            cases[c] = recv_case(me->channels[c], got);
        ENSURE(ckf_select(cases, PLACES, &chosen, CKF_NOW, NULL) == CKF_OK);
        ENSURE(cases[chosen].status == CKF_OK);
    }
    return 0;
}

static void again_means_that_no_case_was_ready_at_one_moment(void **state)
{
    for (int c = 3; c < CAPACITIES; c++)
        for (int e = 2; e < 4; e++)
            for (int mixed = 0; mixed < 2; mixed++) {
                struct truth actors[MOVERS];
                struct ckf_channel *channels[PLACES];
                for (int i = 0; i < PLACES; i++)
                    channels[i] = channel_of(mixed && i % 2 == 1 ? !VARIANT(state) : VARIANT(state),
                                             capacities[c], elem_sizes[e]);
                for (unsigned i = 0; i < MOVERS; i++) {
                    memcpy(actors[i].channels, channels, sizeof channels);
                    actors[i].seed = i + 1;
                    thread_start(&actors[i].thread, put_one_take_one, &actors[i]);
                }
                for (int i = 0; i < MOVERS; i++)
                    assert_int_equal(thread_join(&actors[i].thread), 0);
                for (int i = 0; i < PLACES; i++) {
                    assert_int_equal(ckf_channel_len(channels[i]), 0);
                    ckf_channel_destroy(channels[i]);
                }
            }
}

static void a_select_now_meets_no_other_call_that_does_not_wait(void **state)
{
    struct ckf_channel *channel = pair_member(VARIANT(state), 0);
    struct ckf_channel *idle = pair_member(VARIANT(state), 0);
    uint64_t number = 1;
    struct ckf_select_case cases[] = {recv_case(channel, &number), recv_case(idle, &number)};
    size_t chosen;
    assert_status(try_send_u64(channel, 1), CKF_AGAIN);
    assert_status(ckf_select(cases, 2, &chosen, CKF_NOW, NULL), CKF_AGAIN);
    assert_status(try_send_u64(channel, 1), CKF_AGAIN);
    ckf_channel_destroy(channel);
    ckf_channel_destroy(idle);
}

/* A select loses the race for each of its channels now and then, and must not eat what it lost. */
static void a_select_that_times_out_takes_no_wake_up_away(void **state)
{
    for (int round = 0; round < ROUNDS(600); round++) {
        struct ckf_channel *channel = pair_member(VARIANT(state), (size_t)(round % 3));
        struct ckf_channel *idle = pair_member(VARIANT(state), 0);
        struct selecting hasty = NEW_SELECT;
        struct caller patient;
        uint32_t seed = (uint32_t)round + 1;
        add_case(&hasty, idle, CKF_RECV, 99);
        add_case(&hasty, channel, CKF_RECV, 99);
        hasty.deadline_ns = ckf_deadline_after_ns(60000 + random_u32(&seed) % 60000);
        select_start(&hasty);
        caller_start(&patient, channel, CKF_RECV, CALL_PLAIN);
        spin_ns(random_u32(&seed) % 80000);
        assert_status(send_u64(channel, 5), CKF_OK);
        thread_join(&hasty.thread);
        if (hasty.status == CKF_OK) {
            assert_int_equal(hasty.chosen, 1);
            assert_int_equal(hasty.elems[1], 5);
            assert_status(send_u64(channel, 6), CKF_OK);
        } else {
            assert_status(hasty.status, CKF_TIMED_OUT);
        }
        assert_status(caller_join(&patient), CKF_OK);
        assert_int_equal(caller_number(&patient), hasty.status == CKF_OK ? 6 : 5);
        ckf_channel_destroy(channel);
        ckf_channel_destroy(idle);
    }
}

/* The select is woken for one channel and may take the other: then whoever else sleeps on the first
 * has to learn of what is there. */
static void a_wake_up_that_a_select_does_not_use_is_passed_on(void **state)
{
    for (int round = 0; round < ROUNDS(240); round++) {
        bool sends = round % 2 == 1;
        struct ckf_channel *a = pair_member(VARIANT(state), 1);
        struct ckf_channel *b = pair_member(round % 4 < 2 ? VARIANT(state) : !VARIANT(state), 1);
        struct selecting woken = NEW_SELECT;
        struct caller second;
        if (sends) {
            fill(a);
            fill(b);
        }
        add_case(&woken, a, sends ? CKF_SEND : CKF_RECV, 5);
        add_case(&woken, b, sends ? CKF_SEND : CKF_RECV, 5);
        select_asleep(&woken);
        if (sends)
            sender_asleep(&second, a, waiting_kinds[round / 4 % WAITING_KINDS], 6);
        else
            receiver_asleep(&second, a, waiting_kinds[round / 4 % WAITING_KINDS]);
        for (int i = 0; i < 2; i++) {
            struct ckf_channel *channel = i == 0 ? a : b;
            if (sends)
                assert_int_equal(recv_u64(channel), 0);
            else
                assert_status(send_u64(channel, 7), CKF_OK);
        }
        thread_join(&woken.thread);
        assert_status(woken.status, CKF_OK);
        if (woken.chosen == 0) {
            if (sends)
                assert_int_equal(recv_u64(a), 5);
            else
                assert_status(send_u64(a, 7), CKF_OK);
        }
        assert_status(caller_join(&second), CKF_OK);
        ckf_channel_destroy(a);
        ckf_channel_destroy(b);
    }
}

/* ---- on the way out ---- */

/* The select has given its element away; its other channels go with the first. */
static void destroy_waits_for_a_select_on_its_way_out(void **state)
{
    for (int round = 0; round < ROUNDS(500); round++) {
        struct ckf_channel *channels[3];
        struct selecting sender = NEW_SELECT;
        for (size_t i = 0; i < 3; i++) {
            channels[i] = pair_member(i == 2 ? !VARIANT(state) : VARIANT(state), 0);
            add_case(&sender, channels[i], CKF_SEND, i);
        }
        select_start(&sender);
        size_t target = (size_t)round % 3;
        assert_int_equal(recv_u64(channels[target]), target);
        for (int i = 0; i < 3; i++)
            ckf_channel_destroy(channels[i]);
        thread_join(&sender.thread);
        assert_status(sender.status, CKF_OK);
        assert_int_equal(sender.chosen, target);
    }
}

static void destroy_waits_for_a_receiving_select_on_its_way_out(void **state)
{
    for (int round = 0; round < ROUNDS(500); round++) {
        struct ckf_channel *channels[3];
        struct selecting receiver = NEW_SELECT;
        for (size_t i = 0; i < 3; i++) {
            channels[i] = pair_member(i == 2 ? !VARIANT(state) : VARIANT(state), 0);
            add_case(&receiver, channels[i], CKF_RECV, 99);
        }
        select_start(&receiver);
        size_t target = (size_t)round % 3;
        assert_status(send_u64(channels[target], 7), CKF_OK);
        for (int i = 0; i < 3; i++)
            ckf_channel_destroy(channels[2 - i]);
        thread_join(&receiver.thread);
        assert_status(receiver.status, CKF_OK);
        assert_int_equal(receiver.elems[target], 7);
    }
}

/* ---- signals, cancellation, errno ---- */

static atomic_int signals_handled;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals_handled, 1);
}

static void signals_do_not_end_a_select(void **state)
{
    struct sigaction action = {.sa_handler = count_signal}, previous;
    struct ckf_channel *channel = pair_member(VARIANT(state), 0);
    struct ckf_channel *other = pair_member(!VARIANT(state), 2);
    struct selecting sleeper = NEW_SELECT;
    sigaction(SIGUSR1, &action, &previous);
    add_case(&sleeper, channel, CKF_SEND, 4);
    add_case(&sleeper, other, CKF_RECV, 99);
    select_asleep(&sleeper);
    for (int i = 0; i < 5; i++) {
        int before = atomic_load(&signals_handled);
        pthread_kill(sleeper.thread.handle, SIGUSR1);
        AWAIT(THREAD_SANITIZED || atomic_load(&signals_handled) > before);
    }
    await_sleep(&sleeper.thread);
    assert_false(atomic_load(&sleeper.returned));
    assert_int_equal(recv_u64(channel), 4);
    thread_join(&sleeper.thread);
    assert_status(sleeper.status, CKF_OK);
    sigaction(SIGUSR1, &previous, NULL);
    ckf_channel_destroy(channel);
    ckf_channel_destroy(other);
}

enum { SURVIVED = 5 };

static int select_doomed(void *arg)
{
    struct ckf_select_case cases[] = {{.channel = arg, .direction = CKF_RECV},
                                      {.channel = arg, .direction = CKF_RECV}};
    size_t chosen = 2;
    pthread_cancel(pthread_self()); /* takes effect at the first cancellation point */
    enum ckf_status status = ckf_select(cases, 2, &chosen, CKF_NOW, NULL);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    return status == CKF_OK && chosen < 2 ? SURVIVED : 0;
}

/* Its first one has to ask for randomness. */
static void a_threads_first_select_is_no_cancellation_point(void **state)
{
    struct ckf_channel *channel = channel_of(VARIANT(state), 1, 8);
    struct test_thread thread = {0};
    assert_status(send_u64(channel, 1), CKF_OK);
    thread_start(&thread, select_doomed, channel);
    assert_int_equal(thread_join(&thread), SURVIVED);
    ckf_channel_destroy(channel);
}

static void a_select_leaves_errno_alone(void **state)
{
    enum { MARK = 4711 };
    struct ckf_channel *channel = pair_member(VARIANT(state), 0);
    uint64_t number;
    struct ckf_select_case cases[] = {recv_case(channel, &number), recv_case(NULL, NULL)};
    size_t chosen;
    errno = MARK;
    assert_status(ckf_select(cases, 2, &chosen, CKF_NOW, NULL), CKF_AGAIN);
    assert_status(ckf_select(cases, 2, &chosen, ckf_deadline_after_ns(200000), NULL),
                  CKF_TIMED_OUT);
    assert_status(ckf_select(NULL, 0, &chosen, ckf_deadline_after_ns(200000), NULL), CKF_TIMED_OUT);
    assert_int_equal(errno, MARK);
    ckf_channel_destroy(channel);
}

/* ---- misuse ---- */

static void null_cases(enum ckf_variant variant)
{
    size_t chosen;
    enum ckf_status status = ckf_select(NULL, 1, &chosen, CKF_NOW, NULL);
    fprintf(stderr, "variant %d came back with %s\n", (int)variant, ckf_status_name(status));
}

static void null_chosen(enum ckf_variant variant)
{
    struct ckf_select_case one = recv_case(channel_of(variant, 1, 8), NULL);
    enum ckf_status status = ckf_select(&one, 1, NULL, CKF_NOW, NULL);
    fprintf(stderr, "came back with %s\n", ckf_status_name(status));
}

static void send_of_nothing(enum ckf_variant variant)
{
    struct ckf_select_case one = send_case(channel_of(variant, 1, 8), NULL);
    size_t chosen;
    enum ckf_status status = ckf_select(&one, 1, &chosen, CKF_NOW, NULL);
    fprintf(stderr, "came back with %s\n", ckf_status_name(status));
}

static void destroy_under_select(enum ckf_variant variant)
{
    static struct selecting sleeper = NEW_SELECT;
    struct ckf_channel *channels[2];
    for (int i = 0; i < 2; i++) {
        channels[i] = channel_of(variant, 1, 8);
        add_case(&sleeper, channels[i], CKF_RECV, 0);
    }
    select_asleep(&sleeper);
    ckf_channel_destroy(channels[1]);
}

static const struct scenario scenarios[] = {
    {"null_cases", null_cases},
    {"null_chosen", null_chosen},
    {"send_of_nothing", send_of_nothing},
    {"destroy_under_select", destroy_under_select},
};

static void misuse_aborts_and_names_the_function(void **state)
{
    assert_aborts("null_cases", VARIANT(state), "ckf_select");
    assert_aborts("null_chosen", VARIANT(state), "ckf_select");
    assert_aborts("send_of_nothing", VARIANT(state), "ckf_select");
    assert_aborts("destroy_under_select", VARIANT(state), "ckf_channel_destroy");
}

int main(int argc, char **argv)
{
    run_scenario_if_asked(argc, argv, scenarios, COUNT_OF(scenarios));
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS_AND_PROMISED(a_ready_case_among_others_is_taken_alone),
        BOTH_VARIANTS_AND_PROMISED(a_select_leaves_its_cases_as_the_caller_wrote_them),
        BOTH_VARIANTS_AND_PROMISED(elements_of_every_size_pass_whole),
        BOTH_VARIANTS_AND_PROMISED(a_taken_receive_may_discard),
        BOTH_VARIANTS_AND_PROMISED(channels_of_different_kinds_share_a_select),
        BOTH_VARIANTS_AND_PROMISED(without_a_ready_case_it_tells_why_and_writes_only_the_choice),
        BOTH_VARIANTS_AND_PROMISED(a_context_that_is_done_wins_over_a_ready_case),
        BOTH_VARIANTS_AND_PROMISED(a_ready_case_is_taken_however_late_it_is),
        BOTH_VARIANTS(a_now_select_meets_a_sleeping_peer),
        cmocka_unit_test(no_case_waits_for_ever),
        BOTH_VARIANTS_AND_PROMISED(a_null_channel_is_never_ready),
        BOTH_VARIANTS_AND_PROMISED(null_channels_do_not_disturb_a_sleeping_select),
        BOTH_VARIANTS_AND_PROMISED(any_case_wakes_a_sleeping_select_and_the_others_stay_untouched),
        BOTH_VARIANTS_AND_PROMISED(a_select_that_gives_up_leaves_nothing_behind),
        BOTH_VARIANTS_AND_PROMISED(the_deadline_of_a_context_ends_a_sleeping_select),
        BOTH_VARIANTS(two_selects_meet),
        BOTH_VARIANTS(a_select_is_served_in_its_turn),
        BOTH_VARIANTS(a_select_on_many_channels_sleeps_and_wakes),
        BOTH_VARIANTS_AND_PROMISED(a_closed_channel_is_ready_in_both_directions),
        BOTH_VARIANTS_AND_PROMISED(a_select_drains_a_closed_channel_first),
        BOTH_VARIANTS_AND_PROMISED(close_wakes_a_sleeping_select),
        BOTH_VARIANTS(close_wakes_every_sleeping_select),
        BOTH_VARIANTS(a_select_never_meets_itself),
        BOTH_VARIANTS(two_selects_that_send_and_receive_meet_each_other),
        BOTH_VARIANTS(a_channel_in_both_directions_is_a_queue_to_itself),
        BOTH_VARIANTS_AND_PROMISED(ready_cases_have_equal_chance),
        BOTH_VARIANTS_AND_PROMISED(only_ready_cases_share_the_chances),
        BOTH_VARIANTS_AND_PROMISED(duplicates_have_a_chance_each),
        BOTH_VARIANTS_AND_PROMISED(closed_channels_have_equal_chance_too),
        BOTH_VARIANTS(sleeping_peers_of_a_rendezvous_have_equal_chance),
        BOTH_VARIANTS(duplicates_that_become_ready_while_it_sleeps_have_a_chance_each),
        BOTH_VARIANTS(duplicate_sends_that_become_ready_while_it_sleeps_have_a_chance_each),
        BOTH_VARIANTS(both_directions_that_close_makes_ready_have_equal_chance),
        BOTH_VARIANTS(selects_among_selects_lose_and_double_nothing),
        BOTH_VARIANTS(selects_over_both_variants_lose_and_double_nothing),
        BOTH_VARIANTS(selects_that_time_out_lose_and_double_nothing),
        BOTH_VARIANTS(selects_in_opposite_order_do_not_deadlock),
        BOTH_VARIANTS(again_means_that_no_case_was_ready_at_one_moment),
        BOTH_VARIANTS(a_select_now_meets_no_other_call_that_does_not_wait),
        BOTH_VARIANTS(a_select_that_times_out_takes_no_wake_up_away),
        BOTH_VARIANTS(a_wake_up_that_a_select_does_not_use_is_passed_on),
        BOTH_VARIANTS(destroy_waits_for_a_select_on_its_way_out),
        BOTH_VARIANTS(destroy_waits_for_a_receiving_select_on_its_way_out),
        BOTH_VARIANTS_AND_PROMISED(signals_do_not_end_a_select),
        BOTH_VARIANTS_AND_PROMISED(a_threads_first_select_is_no_cancellation_point),
        BOTH_VARIANTS_AND_PROMISED(a_select_leaves_errno_alone),
        BOTH_VARIANTS(misuse_aborts_and_names_the_function),
    };
    return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
