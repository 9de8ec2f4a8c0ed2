/* tests/test_channel_memory.c - channels and selects without memory: each allocation of each call
 * fails in turn. The call says CKF_NO_MEMORY or manages without, nothing has changed, the channel
 * works on, and all memory comes back.
 */
#include "channel_support.h"

#include <string.h>

#include <ck_filter/context.h>

/* More allocations than any call makes: a test that gets there does not end by itself. */
enum { TOO_MANY = 100000 };

struct shape {
    enum ckf_variant variant;
    size_t capacity, elem_size;
};

static bool failed; /* the allocation that was meant to, while armed */

/* From here on the nth allocation fails. */
static void arm(unsigned nth)
{
    failed = false;
    fail_allocation(nth);
}

static void disarm(void)
{
    failed |= allocation_failed();
    fail_allocation(0);
}

static bool is_ok_or_no_memory(enum ckf_status status)
{
    return status == CKF_OK || (status == CKF_NO_MEMORY && allocation_failed());
}

/* Runs body with the 1st, 2nd, 3rd ... allocation of its armed part failing, until none is left to
 * fail. Body destroys what it makes, so that the library has nothing left in the end. */
static void fail_each(void (*body)(const struct shape *shape, unsigned nth), struct shape shape)
{
    unsigned nth = 1;
    do {
        assert_true(nth < TOO_MANY);
        body(&shape, nth++);
    } while (failed);
    AWAIT(live_allocations() == 0); /* some of it is freed a little later */
}

static void fail_each_for_all_shapes(void (*body)(const struct shape *shape, unsigned nth),
                                     enum ckf_variant variant)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int e = 2; e < ELEM_SIZES; e++)
            fail_each(body, (struct shape){variant, capacities[c], elem_sizes[e]});
}

static struct ckf_channel *channel_in(const struct shape *shape)
{
    return channel_of(shape->variant, shape->capacity, shape->elem_size);
}

/* Sends and receives in one thread, as far as a rendezvous lets it. */
static void assert_works(struct ckf_channel *channel, const struct shape *shape)
{
    unsigned char elem[MAX_ELEM];
    elem_fill(elem, shape->elem_size, 77);
    if (shape->capacity == 0) {
        assert_status(ckf_channel_try_send(channel, elem), CKF_AGAIN);
        assert_status(ckf_channel_try_recv(channel, elem), CKF_AGAIN);
        return;
    }
    assert_status(ckf_channel_try_send(channel, elem), CKF_OK);
    memset(elem, 0, sizeof elem);
    assert_status(ckf_channel_try_recv(channel, elem), CKF_OK);
    assert_true(elem_holds(elem, shape->elem_size, 77));
    assert_status(ckf_channel_try_recv(channel, elem), CKF_AGAIN);
}

/* ---- create and destroy ---- */

static void ignore_leftover(void *elem, void *arg)
{
    (void)elem;
    ++*(unsigned *)arg;
}

static void create_once(const struct shape *shape, unsigned nth)
{
    struct ckf_channel *channel = NULL;
    unsigned leftovers = 0;
    const struct ckf_channel_options options = {.name = "a name that has to be copied",
                                                .variant = shape->variant,
                                                .capacity = shape->capacity,
                                                .elem_size = shape->elem_size,
                                                .producers = 2,
                                                .consumers = 2,
                                                .undelivered = ignore_leftover,
                                                .undelivered_arg = &leftovers};
    arm(nth);
    enum ckf_status status = ckf_channel_create(&channel, &options);
    assert_true(is_ok_or_no_memory(status));
    disarm();
    if (status != CKF_OK) {
        assert_null(channel);
        assert_status(ckf_channel_create(&channel, &options), CKF_OK);
    }
    assert_works(channel, shape);
    ckf_channel_destroy(channel);
}

static void create_without_memory_makes_nothing(void **state)
{
    fail_each_for_all_shapes(create_once, VARIANT(state));
}

/* Enough of them for several segments of an unbounded channel. */
static uint64_t many_elements(const struct shape *shape)
{
    if (shape->capacity != CKF_UNBOUNDED)
        return shape->capacity;
    return SANITIZED || shape->elem_size > 1000 ? 150 : 600;
}

static void fill_up(struct ckf_channel *channel, const struct shape *shape)
{
    unsigned char elem[MAX_ELEM];
    for (uint64_t i = 0; i < many_elements(shape); i++) {
        elem_fill(elem, shape->elem_size, i);
        assert_status(ckf_channel_try_send(channel, elem), CKF_OK);
    }
}

static void destroy_full(const struct shape *shape, unsigned nth)
{
    unsigned leftovers = 0;
    struct ckf_channel *channel =
        channel_with((struct ckf_channel_options){.variant = shape->variant,
                                                  .capacity = shape->capacity,
                                                  .elem_size = shape->elem_size,
                                                  .undelivered = ignore_leftover,
                                                  .undelivered_arg = &leftovers});
    fill_up(channel, shape);
    arm(nth);
    ckf_channel_destroy(channel);
    disarm();
    assert_int_equal(leftovers, many_elements(shape));
}

static void destroy_hands_over_everything_without_memory(void **state)
{
    fail_each_for_all_shapes(destroy_full, VARIANT(state));
}

/* ---- send and receive ---- */

/* The kind is a parameter of the bodies below. */
static enum call_kind kind;

static void send_all(const struct shape *shape, unsigned nth)
{
    struct ckf_channel *channel = channel_in(shape);
    unsigned char elem[MAX_ELEM];
    uint64_t count = many_elements(shape);
    unsigned refused = 0;
    arm(nth);
    for (uint64_t i = 0; i < count;) {
        elem_fill(elem, shape->elem_size, i);
        enum ckf_status status = send_by(kind, channel, elem, CKF_FOREVER, NULL);
        assert_true(is_ok_or_no_memory(status));
        assert_int_equal(ckf_channel_len(channel), status == CKF_OK ? i + 1 : i);
        i += status == CKF_OK;
        refused += status != CKF_OK;
    }
    disarm();
    assert_true(refused <= 1); /* one allocation failed */
    for (uint64_t i = 0; i < count; i++) {
        assert_status(ckf_channel_try_recv(channel, elem), CKF_OK);
        assert_true(elem_holds(elem, shape->elem_size, i));
    }
    assert_works(channel, shape);
    ckf_channel_destroy(channel);
}

static void a_send_without_memory_leaves_the_element_to_the_caller(void **state)
{
    for (kind = CALL_PLAIN; kind < CALL_KINDS; kind++)
        fail_each_for_all_shapes(send_all, VARIANT(state));
}

static void receive_all(const struct shape *shape, unsigned nth)
{
    struct ckf_channel *channel = channel_in(shape);
    unsigned char elem[MAX_ELEM];
    fill_up(channel, shape);
    arm(nth);
    for (uint64_t i = 0; i < many_elements(shape);) {
        elem_fill(elem, shape->elem_size, 199);
        enum ckf_status status = recv_by(kind, channel, elem, CKF_FOREVER, NULL);
        assert_true(is_ok_or_no_memory(status));
        assert_true(elem_holds(elem, shape->elem_size, status == CKF_OK ? i : 199));
        i += status == CKF_OK;
    }
    disarm();
    assert_works(channel, shape);
    ckf_channel_destroy(channel);
}

static void a_receive_without_memory_leaves_the_element_in_the_channel(void **state)
{
    for (kind = CALL_PLAIN; kind < CALL_KINDS; kind++)
        fail_each_for_all_shapes(receive_all, VARIANT(state));
}

static void send_batches(const struct shape *shape, unsigned nth)
{
    struct ckf_channel *channel = channel_in(shape);
    uint64_t count = many_elements(shape);
    unsigned char *elems = calloc(count + 1, shape->elem_size);
    assert_non_null(elems);
    for (uint64_t i = 0; i < count; i++)
        elem_fill(elems + i * shape->elem_size, shape->elem_size, i);
    arm(nth);
    for (uint64_t sent = 0; sent < count;) {
        size_t done = 99;
        enum ckf_status status = ckf_channel_send_many(channel, elems + sent * shape->elem_size,
                                                       count - sent, &done, CKF_FOREVER, NULL);
        assert_true(is_ok_or_no_memory(status));
        assert_int_equal(status == CKF_OK, done > 0);
        sent += done;
        assert_int_equal(ckf_channel_len(channel), sent);
    }
    memset(elems, 0, count * shape->elem_size);
    for (uint64_t received = 0; received < count;) {
        size_t done = 99;
        enum ckf_status status = ckf_channel_recv_many(channel, elems + received * shape->elem_size,
                                                       count - received, &done, CKF_FOREVER, NULL);
        assert_true(is_ok_or_no_memory(status));
        assert_int_equal(status == CKF_OK, done > 0);
        received += done;
    }
    disarm();
    for (uint64_t i = 0; i < count; i++)
        assert_true(elem_holds(elems + i * shape->elem_size, shape->elem_size, i));
    free(elems);
    assert_works(channel, shape);
    ckf_channel_destroy(channel);
}

static void batches_without_memory_move_what_they_say(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        for (int e = 2; e < ELEM_SIZES; e++)
            fail_each(send_batches, (struct shape){VARIANT(state), capacities[c], elem_sizes[e]});
}

/* A thread that is new to the library, whose call has to sleep. */
static void wait_in_a_new_thread(const struct shape *shape, unsigned nth,
                                 enum ckf_direction direction)
{
    struct ckf_channel *channel = channel_in(shape);
    struct ckf_context *context;
    struct caller caller;
    assert_status(ckf_context_create(&context, NULL, CKF_FOREVER), CKF_OK);
    if (direction == CKF_SEND)
        fill_up(channel, shape);
    elem_fill(caller.elem, shape->elem_size, 199);
    arm(nth);
    caller_start_until(&caller, channel, direction, kind, ckf_deadline_after_ns(300000), context);
    enum ckf_status status = caller_join(&caller);
    assert_true(status == CKF_TIMED_OUT || (status == CKF_NO_MEMORY && allocation_failed()));
    disarm();
    assert_true(elem_holds(caller.elem, shape->elem_size, 199));
    if (direction == CKF_SEND)
        for (uint64_t i = 0; i < many_elements(shape); i++)
            assert_status(ckf_channel_try_recv(channel, NULL), CKF_OK);
    assert_works(channel, shape);
    ckf_context_release(context);
    ckf_channel_destroy(channel);
}

static void wait_to_receive(const struct shape *shape, unsigned nth)
{
    wait_in_a_new_thread(shape, nth, CKF_RECV);
}

static void wait_to_send(const struct shape *shape, unsigned nth)
{
    wait_in_a_new_thread(shape, nth, CKF_SEND);
}

static void a_wait_without_memory_leaves_nothing_behind(void **state)
{
    for (int k = 0; k < TIMED_KINDS; k++) {
        kind = timed_kinds[k];
        for (int c = 0; c < CAPACITIES; c++) {
            fail_each(wait_to_receive, (struct shape){VARIANT(state), capacities[c], 24});
            if (capacities[c] != CKF_UNBOUNDED)
                fail_each(wait_to_send, (struct shape){VARIANT(state), capacities[c], 24});
        }
    }
}

static void meet_a_sleeper(const struct shape *shape, unsigned nth)
{
    struct ckf_channel *channel = channel_in(shape);
    unsigned char elem[MAX_ELEM];
    struct caller receiver;
    caller_start(&receiver, channel, CKF_RECV, kind);
    await_sleep(&receiver.thread);
    elem_fill(elem, shape->elem_size, 5);
    arm(nth);
    enum ckf_status status = ckf_channel_send(channel, elem);
    assert_true(is_ok_or_no_memory(status));
    disarm();
    if (status != CKF_OK)
        assert_status(ckf_channel_send(channel, elem), CKF_OK);
    assert_status(caller_join(&receiver), CKF_OK);
    assert_true(elem_holds(receiver.elem, shape->elem_size, 5));
    assert_works(channel, shape);
    ckf_channel_destroy(channel);
}

static void a_sleeper_is_served_after_a_send_without_memory(void **state)
{
    for (int k = 0; k < WAITING_KINDS; k++) {
        kind = waiting_kinds[k];
        fail_each_for_all_shapes(meet_a_sleeper, VARIANT(state));
    }
}

/* ---- the other calls ---- */

static void close_and_look(const struct shape *shape, unsigned nth)
{
    struct ckf_channel *channel =
        channel_with((struct ckf_channel_options){.variant = shape->variant,
                                                  .capacity = shape->capacity,
                                                  .elem_size = shape->elem_size,
                                                  .producers = 1,
                                                  .consumers = 1});
    struct caller receiver;
    caller_start(&receiver, channel, CKF_RECV, CALL_SELECT);
    await_sleep(&receiver.thread);
    arm(nth);
    assert_status(ckf_channel_add_producer(channel), CKF_OK);
    assert_status(ckf_channel_add_consumer(channel), CKF_OK);
    assert_false(ckf_channel_producer_done(channel));
    assert_false(ckf_channel_consumer_done(channel));
    assert_int_equal(ckf_channel_len(channel), 0);
    assert_false(ckf_channel_is_ready(channel, CKF_RECV));
    assert_status(ckf_channel_close(channel), CKF_OK);
    assert_true(ckf_channel_is_ready(channel, CKF_SEND));
    assert_status(ckf_channel_close(channel), CKF_ALREADY);
    assert_true(ckf_channel_is_closed(channel));
    assert_status(caller_join(&receiver), CKF_CLOSED);
    disarm();
    ckf_channel_destroy(channel);
}

static void close_and_counting_need_no_memory(void **state)
{
    fail_each_for_all_shapes(close_and_look, VARIANT(state));
}

static void open_event_fds(const struct shape *shape, unsigned nth)
{
    struct ckf_channel *channel = channel_in(shape);
    arm(nth);
    for (int d = 0; d < 2; d++) {
        int fd = -1;
        enum ckf_status status = ckf_channel_event_fd(channel, (enum ckf_direction)d, &fd);
        assert_true(is_ok_or_no_memory(status));
        if (status != CKF_OK) {
            assert_int_equal(fd, -1);
            assert_status(ckf_channel_event_fd(channel, (enum ckf_direction)d, &fd), CKF_OK);
        }
        assert_true(fd >= 0);
    }
    disarm();
    assert_works(channel, shape);
    ckf_channel_destroy(channel);
}

static void event_fds_without_memory_can_be_made_later(void **state)
{
    fail_each_for_all_shapes(open_event_fds, VARIANT(state));
}

/* ---- select ---- */

enum { MOST_CASES = 60 };

/* Of many channels, all empty, then with one element. */
static void select_among_many(const struct shape *shape, unsigned nth)
{
    static struct ckf_channel *channels[MOST_CASES];
    static struct ckf_select_case cases[MOST_CASES];
    static unsigned char elems[MOST_CASES][24];
    const size_t counts[] = {0, 1, 2, 9, MOST_CASES};
    for (size_t i = 0; i < MOST_CASES; i++)
        channels[i] = channel_of(i % 2 ? !shape->variant : shape->variant, shape->capacity, 24);
    arm(nth);
    for (size_t n = 0; n < COUNT_OF(counts); n++)
        for (int late = 0; late < 2; late++) {
            size_t count = counts[n], chosen = 999;
            for (size_t i = 0; i < count; i++) {
                elem_fill(elems[i], 24, 199);
                cases[i] = (struct ckf_select_case){channels[i], CKF_RECV, elems[i], CKF_IO};
            }
            enum ckf_status status = ckf_select(
                cases, count, &chosen, late ? ckf_deadline_after_ns(200000) : CKF_NOW, NULL);
            assert_true(status == (late ? CKF_TIMED_OUT : CKF_AGAIN) ||
                        (status == CKF_NO_MEMORY && allocation_failed()));
            assert_int_equal(chosen, count);
            for (size_t i = 0; i < count; i++) {
                assert_status(cases[i].status, CKF_IO);
                assert_true(elem_holds(elems[i], 24, 199));
            }
        }
    for (size_t i = 0; i < MOST_CASES; i++) {
        if (shape->capacity > 0) {
            unsigned char elem[24];
            enum ckf_status status;
            size_t chosen;
            elem_fill(elem, 24, i);
            do {
                status = ckf_channel_try_send(channels[i], elem);
                assert_true(is_ok_or_no_memory(status));
            } while (status != CKF_OK);
            do {
                status = ckf_select(cases, MOST_CASES, &chosen, CKF_FOREVER, NULL);
                assert_true(is_ok_or_no_memory(status));
            } while (status != CKF_OK);
            assert_int_equal(chosen, i);
            assert_true(elem_holds(elems[i], 24, i));
        }
        assert_status(ckf_channel_try_recv(channels[i], NULL), CKF_AGAIN);
    }
    disarm();
    for (size_t i = 0; i < MOST_CASES; i++)
        ckf_channel_destroy(channels[i]);
}

static void a_select_without_memory_writes_only_the_choice(void **state)
{
    for (int c = 0; c < CAPACITIES; c += 2)
        fail_each(select_among_many, (struct shape){VARIANT(state), capacities[c], 24});
    fail_each(select_among_many, (struct shape){VARIANT(state), CKF_UNBOUNDED, 24});
}

/* Whichever of many channels it is that has something. */
static void a_select_without_memory_takes_what_is_ready(void **state)
{
    struct ckf_channel *channels[MOST_CASES];
    struct ckf_select_case cases[MOST_CASES];
    size_t chosen;
    int elem = 7, received;
    for (size_t i = 0; i < MOST_CASES; i++) {
        channels[i] = channel_of(VARIANT(state), 1, sizeof elem);
        cases[i] = (struct ckf_select_case){channels[i], CKF_RECV, &received, CKF_IO};
    }
    for (size_t i = 0; i < MOST_CASES; i++) {
        assert_status(ckf_channel_send(channels[i], &elem), CKF_OK);
        received = 0;
        arm(1);
        assert_status(ckf_select(cases, MOST_CASES, &chosen, CKF_FOREVER, NULL), CKF_OK);
        disarm();
        assert_int_equal(chosen, i);
        assert_int_equal(received, elem);
    }
    arm(1);
    assert_status(ckf_select(cases, MOST_CASES, &chosen, 1, NULL), CKF_TIMED_OUT);
    arm(1);
    assert_status(ckf_select(cases, MOST_CASES, &chosen, CKF_FOREVER, NULL), CKF_NO_MEMORY);
    disarm();
    for (size_t i = 0; i < MOST_CASES; i++)
        ckf_channel_destroy(channels[i]);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS_AND_PROMISED(create_without_memory_makes_nothing),
        BOTH_VARIANTS_AND_PROMISED(destroy_hands_over_everything_without_memory),
        BOTH_VARIANTS_AND_PROMISED(a_send_without_memory_leaves_the_element_to_the_caller),
        BOTH_VARIANTS_AND_PROMISED(a_receive_without_memory_leaves_the_element_in_the_channel),
        BOTH_VARIANTS_AND_PROMISED(batches_without_memory_move_what_they_say),
        BOTH_VARIANTS_AND_PROMISED(a_wait_without_memory_leaves_nothing_behind),
        BOTH_VARIANTS_AND_PROMISED(a_sleeper_is_served_after_a_send_without_memory),
        BOTH_VARIANTS_AND_PROMISED(close_and_counting_need_no_memory),
        BOTH_VARIANTS_AND_PROMISED(event_fds_without_memory_can_be_made_later),
        BOTH_VARIANTS_AND_PROMISED(a_select_without_memory_writes_only_the_choice),
        BOTH_VARIANTS_AND_PROMISED(a_select_without_memory_takes_what_is_ready),
    };
    return cmocka_run_group_tests_name("channel_memory", tests, NULL, NULL);
}
