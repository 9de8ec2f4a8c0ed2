/* tests/test_channel_private.c - what the doors of a channel cannot show: the wrap of the indices, and
 * a thread that stops inside a call, whose hands are played here.
 */
#include "support.h"

#include <stdatomic.h>
#include <string.h>

#include <ck_filter/select.h>

#include "base/check.h"
#include "base/wide_cas.h"
#include "channel/core.h"
#include "channel/spares.h"
#include "sync/per_thread.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static struct ckf_channel *channel_at(size_t capacity, size_t elem_size, uint64_t start)
{
    const struct ckf_channel_options options = {.capacity = capacity, .elem_size = elem_size};
    struct ckf_channel *channel = NULL;
    assert_int_equal(ckf_channel_create_at(&channel, &options, start), CKF_OK);
    return channel;
}

struct large {
    uint64_t number, padding[3];
};

static enum ckf_status try_send_number(struct ckf_channel *channel, uint64_t number)
{
    const struct large elem = {number, {number, number, number}};
    return ckf_channel_try_send(channel, &elem);
}

static enum ckf_status try_recv_number(struct ckf_channel *channel, uint64_t *number)
{
    struct large elem = {0};
    enum ckf_status status = ckf_channel_try_recv(channel, &elem);
    *number = elem.number;
    return status;
}

/* ---- the wrap ---- */

static const uint64_t starts[] = {UINT64_MAX, UINT64_C(1) << 63, UINT64_C(1) << 32,
                                  (UINT64_C(1) << 63) - 1, UINT32_MAX};
static const size_t wrap_capacities[] = {1, 2, 3, 4, 5, 64};

static void fill_and_drain(struct ckf_channel *channel, uint64_t *next)
{
    size_t capacity = ckf_channel_capacity(channel);
    uint64_t number;
    for (uint64_t i = 0; i < capacity; i++)
        assert_int_equal(try_send_number(channel, *next + i), CKF_OK);
    assert_int_equal(try_send_number(channel, 0), CKF_AGAIN);
    assert_int_equal(ckf_channel_len(channel), capacity);
    for (uint64_t i = 0; i < capacity; i++) {
        assert_int_equal(try_recv_number(channel, &number), CKF_OK);
        assert_int_equal(number, *next + i);
    }
    assert_int_equal(try_recv_number(channel, &number), CKF_AGAIN);
    assert_int_equal(ckf_channel_len(channel), 0);
    *next += capacity;
}

static void cross_the_wrap(size_t capacity, size_t elem_size, uint64_t start, unsigned rounds)
{
    struct ckf_channel *channel = channel_at(capacity, elem_size, start);
    uint64_t next = 1, number;
    for (unsigned round = 0; round < rounds; round++)
        fill_and_drain(channel, &next);
    for (uint64_t i = 0; i < capacity; i++)
        assert_int_equal(try_send_number(channel, i), CKF_OK);
    assert_false(ckf_channel_is_closed(channel));
    assert_int_equal(ckf_channel_close(channel), CKF_OK);
    assert_int_equal(ckf_channel_close(channel), CKF_ALREADY);
    assert_true(ckf_channel_is_closed(channel));
    assert_int_equal(try_send_number(channel, 0), CKF_CLOSED);
    for (uint64_t i = 0; i < capacity; i++)
        assert_int_equal(try_recv_number(channel, &number), CKF_OK);
    assert_int_equal(try_recv_number(channel, &number), CKF_CLOSED);
    ckf_channel_destroy(channel);
}

static void full_empty_and_closed_are_exact_across_the_wrap(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(starts); s++)
        for (size_t c = 0; c < COUNT_OF(wrap_capacities); c++)
            for (unsigned rounds = 0; rounds < 8; rounds++) {
                cross_the_wrap(wrap_capacities[c], 8, starts[s], rounds);
                cross_the_wrap(wrap_capacities[c], sizeof(struct large), starts[s], rounds);
            }
}

enum { WRAP_PAIRS = 2, WRAP_ELEMENTS = 200 };

struct crossing {
    struct ckf_channel *channel;
    _Atomic(uint64_t) sent, received;
};

static int send_across(void *arg)
{
    struct crossing *crossing = arg;
    for (uint64_t i = 1; i <= WRAP_ELEMENTS; i++) {
        const struct large elem = {i, {i, i, i}};
        if (ckf_channel_send(crossing->channel, &elem) != CKF_OK)
            return 1;
        atomic_fetch_add(&crossing->sent, i);
    }
    return 0;
}

static int receive_across(void *arg)
{
    struct crossing *crossing = arg;
    struct large elem;
    while (ckf_channel_recv(crossing->channel, &elem) == CKF_OK) {
        if (elem.padding[2] != elem.number)
            return 1;
        atomic_fetch_add(&crossing->received, elem.number);
    }
    return 0;
}

static void nothing_is_lost_when_threads_cross_the_wrap(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(starts); s++)
        for (size_t c = 0; c < 4; c++) {
            struct crossing crossing = {
                .channel = channel_at(wrap_capacities[c], sizeof(struct large), starts[s])};
            struct test_thread senders[WRAP_PAIRS], receivers[WRAP_PAIRS];
            for (int i = 0; i < WRAP_PAIRS; i++) {
                thread_start(&senders[i], send_across, &crossing);
                thread_start(&receivers[i], receive_across, &crossing);
            }
            for (int i = 0; i < WRAP_PAIRS; i++)
                assert_int_equal(thread_join(&senders[i]), 0);
            assert_int_equal(ckf_channel_close(crossing.channel), CKF_OK);
            for (int i = 0; i < WRAP_PAIRS; i++)
                assert_int_equal(thread_join(&receivers[i]), 0);
            assert_int_equal(crossing.sent, crossing.received);
            ckf_channel_destroy(crossing.channel);
        }
}

/* ---- a thread that stops ---- */

static int receive_one(void *arg)
{
    uint64_t elem[4];
    return ckf_channel_recv(arg, elem) == CKF_OK ? 0 : 1;
}

static void a_thread_that_stops_in_the_waiters_lock_stops_no_try_call(void **state)
{
    (void)state;
    const size_t capacities[] = {4, CKF_UNBOUNDED};
    for (size_t c = 0; c < COUNT_OF(capacities); c++) {
        struct ckf_channel *channel = channel_at(capacities[c], 8, 0);
        struct test_thread sleepers[2];
        uint64_t number;
        for (int i = 0; i < 2; i++) {
            thread_start(&sleepers[i], receive_one, channel);
            await_sleep(&sleepers[i]);
        }
        ckf_waitlist_lock(&channel->waitlist); /* and stop here */
        for (uint64_t i = 0; i < 100; i++) {
            assert_int_equal(ckf_channel_try_send(channel, &i), CKF_OK);
            assert_int_equal(ckf_channel_try_recv(channel, &number), CKF_OK);
            assert_int_equal(number, i);
        }
        for (uint64_t i = 0; i < 2; i++)
            assert_int_equal(ckf_channel_try_send(channel, &i), CKF_OK);
        ckf_waitlist_unlock(&channel->waitlist); /* what is owed is paid on going on */
        for (int i = 0; i < 2; i++)
            assert_int_equal(thread_join(&sleepers[i]), 0);
        ckf_channel_destroy(channel);
    }
}

static void a_close_does_not_wait_for_the_waiters_lock(void **state)
{
    (void)state;
    struct ckf_channel *channel = channel_at(4, 8, 0);
    struct test_thread sleeper;
    thread_start(&sleeper, receive_one, channel);
    await_sleep(&sleeper);
    ckf_waitlist_lock(&channel->waitlist);
    assert_int_equal(ckf_channel_close(channel), CKF_OK);
    ckf_waitlist_unlock(&channel->waitlist);
    assert_int_equal(thread_join(&sleeper), 1);
    ckf_channel_destroy(channel);
}

/* What follows is done by a thread of that number; returns the one before. */
static unsigned act_as(unsigned number)
{
    unsigned before = ckf_thread_number();
    ckf_thread_number_plus_one = number + 1;
    return before;
}

enum { SHARING = CKF_OWN_NUMBERS }; /* of a thread that keeps no spare block */

static void fill_and_drain_often(struct ckf_channel *channel, unsigned rounds)
{
    uint64_t next = 1;
    while (rounds-- > 0)
        fill_and_drain(channel, &next);
}

static void a_sender_that_stops_with_a_block_takes_no_room(void **state)
{
    (void)state;
    enum { CAPACITY = 4, ROUNDS = 3 * CAPACITY };
    const unsigned numbers[] = {5, SHARING};
    for (size_t n = 0; n < COUNT_OF(numbers); n++) {
        struct ckf_channel *channel = channel_at(CAPACITY, sizeof(struct large), 0);
        struct ckf_spares *spares = channel->ring.blocks.spares;
        unsigned self = act_as(numbers[n]);
        fill_and_drain_often(channel, 1);
        _Atomic(uint64_t) *block = ckf_spares_take(spares);
        act_as(self); /* and stop there */
        assert_non_null(block);
        fill_and_drain_often(channel, ROUNDS);
        act_as(SHARING);
        fill_and_drain_often(channel, ROUNDS);
        act_as(numbers[n]);
        ckf_spares_give(spares, block);
        act_as(self);
        fill_and_drain_often(channel, ROUNDS);
        ckf_channel_destroy(channel);
    }
}

/* As left by many threads that have stopped, each with a block. */
static void use_all_blocks(struct ckf_channel *channel)
{
    channel->ring.blocks.used = channel->ring.blocks.count;
}

static void let_memory_run_out(struct ckf_channel *channel)
{
    channel->ring.blocks.extra_bytes = PTRDIFF_MAX;
}

static void blocks_are_made_when_none_is_left(void **state)
{
    (void)state;
    enum { CAPACITY = 4 };
    for (int looks_first = 0; looks_first < 2; looks_first++) {
        size_t before = live_allocations();
        struct ckf_channel *channel = channel_at(CAPACITY, sizeof(struct large), 0);
        use_all_blocks(channel);
        size_t with_channel = live_allocations();
        unsigned self = act_as(SHARING);
        if (looks_first)
            assert_true(ckf_channel_is_ready(channel, CKF_SEND));
        fill_and_drain_often(channel, 3 * CAPACITY);
        assert_int_equal(live_allocations(), with_channel + 1); /* which goes round like others */
        _Atomic(uint64_t) *block = ckf_spares_take(channel->ring.blocks.spares);
        assert_non_null(block); /* and stop */
        fill_and_drain_often(channel, 3 * CAPACITY);
        assert_int_equal(live_allocations(), with_channel + 2);
        act_as(self);
        fill_and_drain_often(channel, 3 * CAPACITY);
        ckf_channel_destroy(channel);
        assert_int_equal(live_allocations(), before);
    }
}

/* Stops threads that share blocks, each with one, until one of them finds none and no memory. They are at
 * least as many as the channel has room for elements. */
static void a_channel_without_blocks_is_full_and_says_when_it_is_not(void **state)
{
    (void)state;
    const size_t capacities[] = {1, 4, 100};
    for (size_t c = 0; c < COUNT_OF(capacities); c++) {
        struct ckf_channel *channel = channel_at(capacities[c], sizeof(struct large), 0);
        struct ckf_blocks *blocks = &channel->ring.blocks;
        const size_t stopped = blocks->count - blocks->used;
        assert_in_range(stopped, capacities[c], 1000);
        assert_int_equal(try_send_number(channel, 1), CKF_OK); /* now this thread has a spare */
        use_all_blocks(channel);                               /* and stop with all others */
        let_memory_run_out(channel);
        int fd;
        assert_int_equal(ckf_channel_event_fd(channel, CKF_SEND, &fd), CKF_OK);
        unsigned self = act_as(SHARING);
        assert_int_equal(try_send_number(channel, 1), CKF_AGAIN);
        assert_false(ckf_channel_is_ready(channel, CKF_SEND));
        act_as(self);
        if (capacities[c] > 1) {
            assert_true(ckf_channel_is_ready(channel, CKF_SEND));
            assert_int_equal(try_send_number(channel, 2), CKF_OK);
        }
        act_as(SHARING);
        assert_int_equal(try_send_number(channel, 1), CKF_AGAIN);
        assert_int_equal(ckf_channel_close(channel), CKF_OK);
        assert_int_equal(try_send_number(channel, 1), CKF_CLOSED);
        assert_true(ckf_channel_is_ready(channel, CKF_SEND));
        act_as(self);
        ckf_channel_destroy(channel);
    }
}

static int send_sharing(void *arg)
{
    const struct large elem = {7, {7, 7, 7}};
    unsigned self = act_as(SHARING);
    enum ckf_status status = ckf_channel_send(arg, &elem);
    act_as(self);
    return status == CKF_OK ? 0 : 1;
}

/* The only block is in the hands of a sender that has not finished; another waits for it. */
static void a_sender_that_waits_for_a_block_is_woken(void **state)
{
    (void)state;
    struct ckf_channel *channel = channel_at(2, sizeof(struct large), 0);
    struct ckf_blocks *blocks = &channel->ring.blocks;
    unsigned self = act_as(SHARING);
    blocks->used = blocks->count - 1;
    let_memory_run_out(channel);
    assert_int_equal(try_send_number(channel, 1), CKF_OK);
    _Atomic(uint64_t) *block = ckf_spares_take(blocks->spares);
    struct test_thread waiting;
    thread_start(&waiting, send_sharing, channel);
    await_sleep(&waiting);
    ckf_spares_give(blocks->spares, block);
    assert_int_equal(try_send_number(channel, 2), CKF_OK); /* gives it back, and says so */
    uint64_t number;
    assert_int_equal(try_recv_number(channel, &number), CKF_OK);
    assert_int_equal(thread_join(&waiting), 0);
    act_as(self);
    ckf_channel_destroy(channel);
}

static int receive_number(void *arg)
{
    uint64_t number = 0;
    return ckf_channel_recv(arg, &number) == CKF_OK ? (int)number : -1;
}

static void a_held_lock_does_not_stop_a_meeting(void **state)
{
    (void)state;
    struct ckf_channel *channel = channel_at(0, sizeof(uint64_t), 0);
    struct test_thread receivers[2];
    for (int i = 0; i < 2; i++) {
        thread_start(&receivers[i], receive_number, channel);
        await_sleep(&receivers[i]);
    }
    ckf_waitlist_lock(&channel->waitlist);
    assert_true(ckf_channel_is_ready(channel, CKF_SEND));
    assert_int_equal(try_send_number(channel, 1), CKF_OK);
    assert_int_equal(try_send_number(channel, 2), CKF_OK);
    assert_int_equal(try_send_number(channel, 3), CKF_AGAIN);
    assert_false(ckf_channel_is_ready(channel, CKF_SEND));
    assert_int_equal(ckf_channel_close(channel), CKF_OK);
    assert_int_equal(try_send_number(channel, 3), CKF_CLOSED);
    ckf_waitlist_unlock(&channel->waitlist);
    /* who slept first was served first */
    assert_int_equal(thread_join(&receivers[0]), 1);
    assert_int_equal(thread_join(&receivers[1]), 2);
    ckf_channel_destroy(channel);
}

/* ---- batches ---- */

enum { LONGEST_BATCH = 100 };

/* Sends up to `count` numbers from *next on, as many as go. */
static size_t send_numbers(struct ckf_channel *channel, uint64_t *next, size_t count)
{
    uint64_t numbers[LONGEST_BATCH];
    size_t sent;
    for (size_t i = 0; i < count; i++)
        numbers[i] = *next + i;
    enum ckf_status status = ckf_channel_send_many(channel, numbers, count, &sent, CKF_NOW, NULL);
    assert_int_equal(status, sent > 0 ? CKF_OK : CKF_AGAIN);
    *next += sent;
    return sent;
}

static size_t recv_numbers(struct ckf_channel *channel, uint64_t *next, size_t count)
{
    uint64_t numbers[LONGEST_BATCH];
    size_t received;
    enum ckf_status status =
        ckf_channel_recv_many(channel, numbers, count, &received, CKF_NOW, NULL);
    assert_int_equal(status, received > 0 ? CKF_OK : CKF_AGAIN);
    for (size_t i = 0; i < received; i++)
        assert_int_equal(numbers[i], (*next)++);
    return received;
}

/* Whatever has been sent and received in whatever portions: exactly `capacity` elements fit. */
static void portions_fit(size_t capacity, size_t sent_at_once, size_t received_at_once,
                         uint64_t start)
{
    struct ckf_channel *channel = channel_at(capacity, 8, start);
    uint64_t next_sent = 1, next_received = 1;
    for (size_t moved = 0; moved < 6 * capacity + LONGEST_BATCH; moved += received_at_once) {
        while (send_numbers(channel, &next_sent, sent_at_once) > 0)
            continue;
        assert_int_equal(next_sent - next_received, capacity);
        assert_int_equal(ckf_channel_len(channel), capacity);
        assert_int_equal(recv_numbers(channel, &next_received, received_at_once),
                         received_at_once < capacity ? received_at_once : capacity);
        assert_int_equal(ckf_channel_len(channel), next_sent - next_received);
        assert_true(ckf_channel_is_ready(channel, CKF_SEND));
    }
    while (recv_numbers(channel, &next_received, received_at_once) > 0)
        continue;
    assert_int_equal(next_received, next_sent);
    ckf_channel_destroy(channel);
}

static void batches_go_in_any_portions(void **state)
{
    (void)state;
    const size_t portions[] = {1, 2, 3, 4, 7, 8, 31, 32, 33, LONGEST_BATCH};
    const size_t capacities[] = {1, 2, 3, 4, 5, 31, 32, 33, 64, 100};
    for (size_t c = 0; c < COUNT_OF(capacities); c++)
        for (size_t s = 0; s < COUNT_OF(portions); s++)
            for (size_t r = 0; r < COUNT_OF(portions); r++)
                for (size_t i = 0; i < COUNT_OF(starts); i++)
                    portions_fit(capacities[c], portions[s], portions[r], starts[i]);
}

static void a_batch_without_memory_goes_one_by_one(void **state)
{
    (void)state;
    for (unsigned nth = 1; nth <= 2; nth++) {
        struct ckf_channel *channel = channel_at(64, 8, 0);
        uint64_t next_sent = 1, next_received = 1;
        fail_allocation(nth);
        assert_int_equal(send_numbers(channel, &next_sent, 40), 40);
        assert_true(allocation_failed());
        fail_allocation(0);
        assert_int_equal(send_numbers(channel, &next_sent, 40), 24);
        assert_int_equal(recv_numbers(channel, &next_received, LONGEST_BATCH), 64);
        ckf_channel_destroy(channel);
    }
}

/* A thread that was stopped after its success writes back an index of long ago. */
static void an_index_of_long_ago_misleads_nobody(void **state)
{
    (void)state;
    struct ckf_channel *channel = channel_at(3, 8, UINT64_MAX);
    uint64_t old_tail = channel->ring.tail, old_limit = channel->ring.limit, next = 1;
    for (int round = 0; round < 11; round++) {
        fill_and_drain(channel, &next);
        channel->ring.tail = old_tail;
        channel->ring.limit = old_limit;
    }
    /* 36 sends in all, over 6 cells: the mark of the close lies in the cell of the first */
    for (int i = 0; i < 3; i++)
        assert_int_equal(try_send_number(channel, 1), CKF_OK);
    assert_int_equal(ckf_channel_close(channel), CKF_OK);
    channel->ring.tail = old_tail;
    assert_int_equal(ckf_channel_len(channel), 3);
    ckf_channel_destroy(channel);
}

/* ---- segments and memory ---- */

enum { SEVERAL_SEGMENTS = 1000 };

static void a_send_without_memory_changes_nothing(void **state)
{
    (void)state;
    const size_t sizes[] = {8, sizeof(struct large)};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        struct ckf_channel *channel = channel_at(CKF_UNBOUNDED, sizes[s], 0);
        unsigned refused = 0;
        uint64_t number;
        for (uint64_t i = 0; i < SEVERAL_SEGMENTS; i++) {
            fail_allocation(1 + (unsigned)(i % 2));
            enum ckf_status status = try_send_number(channel, i);
            if (status == CKF_NO_MEMORY) {
                refused++;
                fail_allocation(0);
                status = try_send_number(channel, i);
            }
            fail_allocation(0);
            assert_int_equal(status, CKF_OK);
            assert_int_equal(ckf_channel_len(channel), i + 1);
        }
        assert_true(refused > 0);
        for (uint64_t i = 0; i < SEVERAL_SEGMENTS; i++) {
            assert_int_equal(try_recv_number(channel, &number), CKF_OK);
            assert_int_equal(number, i);
        }
        assert_int_equal(try_recv_number(channel, &number), CKF_AGAIN);
        ckf_channel_destroy(channel);
    }
}

static void a_close_needs_no_memory(void **state)
{
    (void)state;
    for (uint64_t filled = 120; filled < 140; filled++) { /* around the end of a segment */
        struct ckf_channel *channel = channel_at(CKF_UNBOUNDED, 8, 0);
        uint64_t number;
        for (uint64_t i = 0; i < filled; i++)
            assert_int_equal(ckf_channel_try_send(channel, &i), CKF_OK);
        fail_allocation(1);
        assert_int_equal(ckf_channel_close(channel), CKF_OK);
        assert_int_equal(ckf_channel_close(channel), CKF_ALREADY);
        assert_true(ckf_channel_is_closed(channel));
        assert_int_equal(ckf_channel_try_send(channel, &filled), CKF_CLOSED);
        fail_allocation(0);
        for (uint64_t i = 0; i < filled; i++) {
            assert_int_equal(ckf_channel_try_recv(channel, &number), CKF_OK);
            assert_int_equal(number, i);
        }
        assert_int_equal(ckf_channel_try_recv(channel, &number), CKF_CLOSED);
        ckf_channel_destroy(channel);
    }
}

static void segments_are_reclaimed(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct ckf_channel *channel = channel_at(CKF_UNBOUNDED, sizeof(struct large), 0);
    uint64_t number;
    for (uint64_t i = 0; i < SEVERAL_SEGMENTS; i++) {
        assert_int_equal(try_send_number(channel, i), CKF_OK);
        assert_int_equal(try_recv_number(channel, &number), CKF_OK);
    }
    ckf_channel_destroy(channel);
    AWAIT(live_allocations() == before);
}

/* ---- below the channel ---- */

enum { MIXERS = 3, MIXES = 20000 };

/* Both words change together here, and the low one alone there: no change may be lost. */
static int mix_widths(void *arg)
{
    struct ckf_wide *words = arg;
    for (int done = 0; done < MIXES;) {
        uint64_t low = load_acquire(&words->low), high = load_relaxed(&words->high);
        if (done % 2 == 0)
            done += cas_seq_cst(&words->low, &low, low + 1);
        else
            done += ckf_wide_cas(words, low, high, low + 1, high + 1);
    }
    return 0;
}

static void wide_and_narrow_changes_mix(void **state)
{
    (void)state;
    struct ckf_wide words = {0};
    struct test_thread mixers[MIXERS];
    for (int i = 0; i < MIXERS; i++)
        thread_start(&mixers[i], mix_widths, &words);
    for (int i = 0; i < MIXERS; i++)
        thread_join(&mixers[i]);
    assert_int_equal(words.low, MIXERS * MIXES);
    assert_int_equal(words.high, MIXERS * MIXES / 2);
}

enum { SHARED = 2, BORROWS = 20000 };

struct borrowing {
    struct ckf_spares *spares;
    _Atomic(uint64_t) blocks[SHARED][2];
    atomic_uint doubly;
    unsigned owners[SHARED]; /* plain: each is somebody's */
};

static int borrow_blocks(void *arg)
{
    struct borrowing *borrowing = arg;
    unsigned self = act_as(SHARING);
    for (int i = 0; i < BORROWS; i++) {
        _Atomic(uint64_t) *block = ckf_spares_take(borrowing->spares);
        if (block == NULL)
            continue;
        unsigned *owners = &borrowing->owners[block == borrowing->blocks[0] ? 0 : 1];
        if (++*owners != 1)
            atomic_fetch_add(&borrowing->doubly, 1);
        --*owners;
        ckf_spares_give(borrowing->spares, block);
    }
    act_as(self);
    return 0;
}

static void a_shared_block_has_one_owner(void **state)
{
    (void)state;
    struct borrowing borrowing = {.spares = ckf_spares_create()};
    struct test_thread borrowers[MIXERS];
    assert_non_null(borrowing.spares);
    unsigned self = act_as(SHARING);
    for (int i = 0; i < SHARED; i++)
        assert_true(ckf_spares_give(borrowing.spares, borrowing.blocks[i]));
    act_as(self);
    for (int i = 0; i < MIXERS; i++)
        thread_start(&borrowers[i], borrow_blocks, &borrowing);
    for (int i = 0; i < MIXERS; i++)
        thread_join(&borrowers[i]);
    assert_int_equal(borrowing.doubly, 0);
    act_as(SHARING);
    for (int i = 0; i < SHARED; i++)
        assert_non_null(ckf_spares_take(borrowing.spares));
    assert_null(ckf_spares_take(borrowing.spares));
    act_as(self);
    ckf_spares_destroy(borrowing.spares, NULL);
}

/* ---- offers to calls that are awake ---- */

enum { NAME = CKF_CLAIMS, NEXT_NAME = 2 * CKF_CLAIMS };

static void an_offer_to_send_is_taken_once(void **state)
{
    (void)state;
    struct ckf_exchanger exchanger = {0};
    uint64_t word = 0, offer = ckf_exchanger_offer(&exchanger, CKF_SEND, NAME, 7);
    assert_int_not_equal(offer, 0);
    assert_int_equal(ckf_exchanger_find(&exchanger, CKF_SEND), 0);
    assert_int_equal(ckf_exchanger_find(&exchanger, CKF_RECV), offer);
    assert_true(ckf_exchanger_is_open(&exchanger, offer));
    assert_true(ckf_exchanger_take(&exchanger, offer, &word));
    assert_int_equal(word, 7);
    assert_false(ckf_exchanger_is_open(&exchanger, offer));
    assert_false(ckf_exchanger_take(&exchanger, offer, &word));
    assert_false(ckf_exchanger_withdraw(&exchanger, offer, &word));
    assert_int_not_equal(ckf_exchanger_offer(&exchanger, CKF_SEND, NEXT_NAME, 8), 0);
}

static void an_offer_to_receive_keeps_the_slot_until_its_element_has_been_read(void **state)
{
    (void)state;
    struct ckf_exchanger exchanger = {0};
    uint64_t word = 7, offer = ckf_exchanger_offer(&exchanger, CKF_RECV, NAME, 0);
    assert_int_equal(ckf_exchanger_find(&exchanger, CKF_RECV), 0);
    assert_int_equal(ckf_exchanger_find(&exchanger, CKF_SEND), offer);
    assert_true(ckf_exchanger_take(&exchanger, offer, &word));
    assert_int_equal(ckf_exchanger_find(&exchanger, CKF_SEND), 0);
    assert_int_equal(ckf_exchanger_find(&exchanger, CKF_RECV), 0);
    assert_int_equal(ckf_exchanger_offer(&exchanger, CKF_SEND, NEXT_NAME, 8), 0);
    word = 0;
    assert_false(ckf_exchanger_withdraw(&exchanger, offer, &word));
    assert_int_equal(word, 7);
    assert_int_not_equal(ckf_exchanger_offer(&exchanger, CKF_SEND, NEXT_NAME, 8), 0);
}

static void an_offer_that_was_withdrawn_cannot_be_taken(void **state)
{
    (void)state;
    struct ckf_exchanger exchanger = {0};
    for (int direction = 0; direction < 2; direction++) {
        uint64_t word = 7;
        uint64_t offer = ckf_exchanger_offer(&exchanger, (enum ckf_direction)direction, NAME, word);
        assert_true(ckf_exchanger_withdraw(&exchanger, offer, &word));
        assert_false(ckf_exchanger_take(&exchanger, offer, &word));
        assert_int_equal(ckf_exchanger_find(&exchanger, CKF_SEND), 0);
        assert_int_equal(ckf_exchanger_find(&exchanger, CKF_RECV), 0);
    }
}

struct counting {
    struct ckf_channel *channel;
    int wanted, received;
};

static int count_received(void *arg)
{
    struct counting *counting = arg;
    uint64_t value;
    while (counting->received < counting->wanted &&
           ckf_channel_recv(counting->channel, &value) == CKF_OK)
        counting->received++;
    return 0;
}

/* As left by a thread that has stopped with its offer in the slot, and by one that was served and has
 * stopped before it read its element. */
static void an_offer_left_behind_stops_nobody(void **state)
{
    (void)state;
    for (int served = 0; served < 2; served++) {
        struct ckf_channel *channel = channel_at(0, sizeof(uint64_t), 0);
        struct ckf_exchanger *exchanger = &channel->handoff.exchanger;
        uint64_t value = 3, offer = ckf_exchanger_offer(exchanger, CKF_RECV, NAME, 0);
        assert_int_not_equal(offer, 0);
        assert_int_equal(ckf_channel_try_recv(channel, &value), CKF_AGAIN);
        if (served)
            assert_int_equal(ckf_channel_try_send(channel, &value), CKF_OK);
        struct test_thread receiver;
        struct counting counting = {channel, 1, 0};
        thread_start(&receiver, count_received, &counting);
        await_sleep(&receiver);
        if (!served)
            assert_int_equal(ckf_channel_try_send(channel, &value), CKF_OK); /* who came first */
        assert_int_equal(ckf_channel_try_send(channel, &value), CKF_OK);
        thread_join(&receiver);
        assert_int_equal(counting.received, 1);
        assert_int_equal(ckf_channel_try_send(channel, &value), CKF_AGAIN);
        ckf_channel_destroy(channel);
    }
}

/* ---- more threads than there are places for ---- */

struct crowded {
    struct ckf_channel *channel;
    bool selects;
    uint64_t received;
};

/* Sleeps in the channel as a thread of which the library has too many to number. */
static int receive_in_crowd(void *arg)
{
    struct crowded *crowded = arg;
    act_as(SHARING);
    if (!crowded->selects)
        return (int)ckf_channel_recv(crowded->channel, &crowded->received);
    struct ckf_select_case only = {
        .channel = crowded->channel, .direction = CKF_RECV, .elem = &crowded->received};
    size_t chosen;
    return (int)ckf_select(&only, 1, &chosen, CKF_FOREVER, NULL);
}

static void destroy_does_not_wait_for_calls_in_other_channels(void **state)
{
    (void)state;
    for (int selects = 0; selects < 2; selects++) {
        struct ckf_channel *channel = channel_at(1, sizeof(uint64_t), 0);
        struct crowded crowded = {.channel = channel, .selects = selects};
        struct test_thread receiver;
        uint64_t value = 7;
        thread_start(&receiver, receive_in_crowd, &crowded);
        await_sleep(&receiver);
        ckf_channel_destroy(channel_at(1, sizeof(uint64_t), 0));
        assert_int_equal(ckf_channel_send(channel, &value), CKF_OK);
        /* The receiver may be on its way out. */
        AWAIT(ckf_channel_len(channel) == 0);
        ckf_channel_destroy(channel);
        assert_int_equal(thread_join(&receiver), CKF_OK);
        assert_int_equal(crowded.received, value);
    }
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_reclaimed), /* first: the others leave some on their way */
        cmocka_unit_test(full_empty_and_closed_are_exact_across_the_wrap),
        cmocka_unit_test(nothing_is_lost_when_threads_cross_the_wrap),
        cmocka_unit_test(a_thread_that_stops_in_the_waiters_lock_stops_no_try_call),
        cmocka_unit_test(a_close_does_not_wait_for_the_waiters_lock),
        cmocka_unit_test(a_held_lock_does_not_stop_a_meeting),
        cmocka_unit_test(a_sender_that_stops_with_a_block_takes_no_room),
        cmocka_unit_test(blocks_are_made_when_none_is_left),
        cmocka_unit_test(a_channel_without_blocks_is_full_and_says_when_it_is_not),
        cmocka_unit_test(a_sender_that_waits_for_a_block_is_woken),
        cmocka_unit_test(batches_go_in_any_portions),
        cmocka_unit_test(a_batch_without_memory_goes_one_by_one),
        cmocka_unit_test(an_index_of_long_ago_misleads_nobody),
        cmocka_unit_test(a_send_without_memory_changes_nothing),
        cmocka_unit_test(a_close_needs_no_memory),
        cmocka_unit_test(wide_and_narrow_changes_mix),
        cmocka_unit_test(a_shared_block_has_one_owner),
        cmocka_unit_test(an_offer_to_send_is_taken_once),
        cmocka_unit_test(an_offer_to_receive_keeps_the_slot_until_its_element_has_been_read),
        cmocka_unit_test(an_offer_that_was_withdrawn_cannot_be_taken),
        cmocka_unit_test(an_offer_left_behind_stops_nobody),
        cmocka_unit_test(destroy_does_not_wait_for_calls_in_other_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
