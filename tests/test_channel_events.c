/* tests/test_channel_events.c - event fds: a channel in somebody else's poll loop.
 *
 * An fd may be readable for no reason, so none of the tests takes "readable" for "ready"; but after
 * enough answers of CKF_AGAIN among which nothing happens it has to become quiet.
 */
#include "channel_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

static int event_fd(struct ckf_channel *channel, enum ckf_direction direction)
{
    int fd = -1;
    assert_status(ckf_channel_event_fd(channel, direction, &fd), CKF_OK);
    assert_true(fd >= 0);
    return fd;
}

static bool readable(int fd, int timeout_ms)
{
    struct pollfd event = {fd, POLLIN, 0};
    return poll(&event, 1, timeout_ms) == 1 && (event.revents & POLLIN) != 0;
}

static void fill(struct ckf_channel *channel)
{
    for (uint64_t i = 0; i < ckf_channel_capacity(channel); i++)
        assert_status(try_send_u64(channel, i), CKF_OK);
}

/* The ways to learn that nothing can be done, each of which arms and clears. */
enum asking { BY_TRY, BY_UNTIL, BY_MANY, BY_SELECT, BY_IS_READY, ASKINGS };

static bool progress_is_possible(struct ckf_channel *channel, enum ckf_direction direction,
                                 enum asking asking)
{
    static const enum call_kind kinds[] = {CALL_TRY, CALL_UNTIL, CALL_MANY, CALL_SELECT};
    uint64_t number = 99;
    if (asking == BY_IS_READY)
        return ckf_channel_is_ready(channel, direction);
    if (direction == CKF_RECV)
        return recv_by(kinds[asking], channel, &number, CKF_NOW, NULL) != CKF_AGAIN;
    return send_by(kinds[asking], channel, &number, CKF_NOW, NULL) != CKF_AGAIN;
}

static void assert_becomes_quiet(struct ckf_channel *channel, enum ckf_direction direction, int fd,
                                 enum asking asking)
{
    for (int i = 0; i < 10; i++) {
        assert_false(progress_is_possible(channel, direction, asking));
        if (!readable(fd, 0))
            return;
    }
    fail_msg("readable however often it is told that nothing can be done");
}

/* ---- readiness ---- */

static void is_ready_tells_what_a_try_would_do(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int with_fds = 0; with_fds < 2; with_fds++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            if (with_fds) {
                event_fd(channel, CKF_SEND);
                event_fd(channel, CKF_RECV);
            }
            assert_int_equal(ckf_channel_is_ready(channel, CKF_SEND), capacities[c] > 0);
            assert_false(ckf_channel_is_ready(channel, CKF_RECV));
            if (capacities[c] > 0) {
                assert_status(send_u64(channel, 0), CKF_OK);
                assert_true(ckf_channel_is_ready(channel, CKF_RECV));
                assert_int_equal(ckf_channel_is_ready(channel, CKF_SEND), capacities[c] > 1);
                assert_int_equal(ckf_channel_len(channel), 1);
                assert_int_equal(recv_u64(channel), 0);
            }
            if (capacities[c] != CKF_UNBOUNDED) {
                fill(channel);
                assert_false(ckf_channel_is_ready(channel, CKF_SEND));
            }
            assert_status(ckf_channel_close(channel), CKF_OK);
            assert_true(ckf_channel_is_ready(channel, CKF_SEND));
            assert_true(ckf_channel_is_ready(channel, CKF_RECV));
            ckf_channel_destroy(channel);
        }
}

static void a_sleeping_peer_makes_a_rendezvous_ready(void **state)
{
    for (int k = 0; k < WAITING_KINDS; k++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), 0, 8);
        struct caller peer;
        sender_asleep(&peer, channel, waiting_kinds[k], 3);
        assert_true(ckf_channel_is_ready(channel, CKF_RECV));
        assert_false(ckf_channel_is_ready(channel, CKF_SEND));
        assert_int_equal(try_recv_u64(channel), 3);
        assert_status(caller_join(&peer), CKF_OK);
        receiver_asleep(&peer, channel, waiting_kinds[k]);
        assert_true(ckf_channel_is_ready(channel, CKF_SEND));
        assert_false(ckf_channel_is_ready(channel, CKF_RECV));
        assert_status(try_send_u64(channel, 4), CKF_OK);
        assert_status(caller_join(&peer), CKF_OK);
        ckf_channel_destroy(channel);
    }
}

/* ---- the fds themselves ---- */

static void each_direction_has_one_fd(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        int send_fd = event_fd(channel, CKF_SEND), recv_fd = event_fd(channel, CKF_RECV);
        assert_int_not_equal(send_fd, recv_fd);
        assert_int_equal(event_fd(channel, CKF_SEND), send_fd);
        assert_int_equal(event_fd(channel, CKF_RECV), recv_fd);
        assert_true((fcntl(recv_fd, F_GETFD) & FD_CLOEXEC) != 0);
        ckf_channel_destroy(channel);
        assert_int_equal(fcntl(send_fd, F_GETFD), -1);
        assert_int_equal(fcntl(recv_fd, F_GETFD), -1);
    }
}

static unsigned open_fds(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void a_channel_without_event_fds_opens_none(void **state)
{
    unsigned before = open_fds();
    struct ckf_channel *channel = channel_of(VARIANT(state), 1, 8);
    assert_false(ckf_channel_is_ready(channel, CKF_RECV));
    assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
    assert_status(send_u64(channel, 1), CKF_OK);
    assert_int_equal(open_fds(), before);
    event_fd(channel, CKF_RECV);
    assert_true(open_fds() > before);
    ckf_channel_destroy(channel);
    assert_int_equal(open_fds(), before);
}

static void a_process_without_fds_is_told_and_may_try_again(void **state)
{
    struct ckf_channel *channel = channel_of(VARIANT(state), 1, 8);
    struct rlimit limit, none;
    int fd = -1;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum ckf_status status = ckf_channel_event_fd(channel, CKF_RECV, &fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(status != CKF_OK);
    assert_string_not_equal(ckf_status_name(status), "CKF_UNKNOWN");
    assert_int_equal(fd, -1);
    assert_status(send_u64(channel, 1), CKF_OK);
    assert_int_equal(recv_u64(channel), 1);
    fd = event_fd(channel, CKF_RECV);
    assert_becomes_quiet(channel, CKF_RECV, fd, BY_TRY);
    ckf_channel_destroy(channel);
}

/* ---- becoming readable, becoming quiet ---- */

static void an_element_makes_the_receiving_fd_readable(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        for (enum asking asking = 0; asking < ASKINGS; asking++)
            for (enum call_kind kind = CALL_PLAIN; kind < CALL_KINDS; kind++) {
                struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
                int fd = event_fd(channel, CKF_RECV);
                const uint64_t number = 6;
                for (int round = 0; round < 3; round++) {
                    assert_becomes_quiet(channel, CKF_RECV, fd, asking);
                    assert_status(send_by(kind, channel, &number, CKF_FOREVER, NULL), CKF_OK);
                    assert_true(readable(fd, PATIENCE_MS));
                    assert_int_equal(try_recv_u64(channel), 6);
                }
                assert_becomes_quiet(channel, CKF_RECV, fd, asking);
                ckf_channel_destroy(channel);
            }
}

static void room_makes_the_sending_fd_readable(void **state)
{
    for (int c = 1; capacities[c] != CKF_UNBOUNDED; c++)
        for (enum asking asking = 0; asking < ASKINGS; asking++)
            for (enum call_kind kind = CALL_PLAIN; kind < CALL_KINDS; kind++) {
                struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
                int fd = event_fd(channel, CKF_SEND);
                fill(channel);
                for (int round = 0; round < 3; round++) {
                    assert_becomes_quiet(channel, CKF_SEND, fd, asking);
                    assert_status(recv_by(kind, channel, NULL, CKF_FOREVER, NULL), CKF_OK);
                    assert_true(readable(fd, PATIENCE_MS));
                    assert_status(try_send_u64(channel, 1), CKF_OK);
                }
                ckf_channel_destroy(channel);
            }
}

static void a_peer_that_comes_to_wait_makes_the_fd_of_a_rendezvous_readable(void **state)
{
    for (int k = 0; k < WAITING_KINDS; k++)
        for (enum asking asking = 0; asking < ASKINGS; asking++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), 0, 8);
            int send_fd = event_fd(channel, CKF_SEND), recv_fd = event_fd(channel, CKF_RECV);
            struct caller peer;
            uint64_t number = NO_ELEMENT(CKF_AGAIN);
            assert_becomes_quiet(channel, CKF_RECV, recv_fd, asking);
            elem_fill(peer.elem, 8, 5);
            caller_start(&peer, channel, CKF_SEND, waiting_kinds[k]);
            while (number == NO_ELEMENT(CKF_AGAIN)) {
                assert_true(readable(recv_fd, PATIENCE_MS));
                number = try_recv_u64(channel);
            }
            assert_int_equal(number, 5);
            assert_status(caller_join(&peer), CKF_OK);
            assert_becomes_quiet(channel, CKF_SEND, send_fd, asking);
            caller_start(&peer, channel, CKF_RECV, waiting_kinds[k]);
            enum ckf_status status = CKF_AGAIN;
            while (status == CKF_AGAIN) {
                assert_true(readable(send_fd, PATIENCE_MS));
                status = try_send_u64(channel, 6);
            }
            assert_status(status, CKF_OK);
            assert_status(caller_join(&peer), CKF_OK);
            assert_int_equal(caller_number(&peer), 6);
            assert_becomes_quiet(channel, CKF_SEND, send_fd, asking);
            assert_becomes_quiet(channel, CKF_RECV, recv_fd, asking);
            ckf_channel_destroy(channel);
        }
}

static void closed_means_readable_for_ever(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        for (int early = 0; early < 2; early++) {
            struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
            int fds[2] = {-1, -1};
            if (early)
                for (int d = 0; d < 2; d++)
                    fds[d] = event_fd(channel, (enum ckf_direction)d);
            assert_false(ckf_channel_is_ready(channel, CKF_RECV));
            assert_status(ckf_channel_close(channel), CKF_OK);
            if (!early)
                for (int d = 0; d < 2; d++)
                    fds[d] = event_fd(channel, (enum ckf_direction)d);
            for (int round = 0; round < 3; round++) {
                for (int d = 0; d < 2; d++) {
                    assert_true(readable(fds[d], 0));
                    assert_true(ckf_channel_is_ready(channel, (enum ckf_direction)d));
                }
                assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_CLOSED));
                assert_status(try_send_u64(channel, 1), CKF_CLOSED);
            }
            ckf_channel_destroy(channel);
        }
}

static void the_last_done_makes_the_fd_readable(void **state)
{
    struct ckf_channel *channel = channel_with((struct ckf_channel_options){
        .variant = VARIANT(state), .capacity = 1, .elem_size = 8, .producers = 1});
    int fd = event_fd(channel, CKF_RECV);
    assert_becomes_quiet(channel, CKF_RECV, fd, BY_TRY);
    assert_true(ckf_channel_producer_done(channel));
    assert_true(readable(fd, 0));
    ckf_channel_destroy(channel);
}

/* An fd made after an answer of CKF_AGAIN must not miss what happened in between. */
static void an_fd_that_comes_late_knows_what_is_there(void **state)
{
    for (int c = 1; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_of(VARIANT(state), capacities[c], 8);
        assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
        assert_status(send_u64(channel, 1), CKF_OK);
        int fd = event_fd(channel, CKF_RECV);
        if (!ckf_channel_is_ready(channel, CKF_RECV))
            assert_true(readable(fd, PATIENCE_MS));
        assert_int_equal(try_recv_u64(channel), 1);
        assert_becomes_quiet(channel, CKF_RECV, fd, BY_TRY);
        assert_status(send_u64(channel, 2), CKF_OK);
        assert_true(readable(fd, PATIENCE_MS));
        ckf_channel_destroy(channel);
    }
}

static void two_that_only_poll_never_meet(void **state)
{
    struct ckf_channel *channel = channel_of(VARIANT(state), 0, 8);
    int send_fd = event_fd(channel, CKF_SEND), recv_fd = event_fd(channel, CKF_RECV);
    for (int round = 0; round < 20; round++) {
        assert_false(ckf_channel_is_ready(channel, CKF_SEND));
        assert_false(ckf_channel_is_ready(channel, CKF_RECV));
        assert_status(try_send_u64(channel, 1), CKF_AGAIN);
        assert_true(try_recv_u64(channel) == NO_ELEMENT(CKF_AGAIN));
    }
    assert_becomes_quiet(channel, CKF_SEND, send_fd, BY_TRY);
    assert_becomes_quiet(channel, CKF_RECV, recv_fd, BY_TRY);
    ckf_channel_destroy(channel);
}

static void a_peer_that_leaves_lets_the_fd_of_a_rendezvous_become_quiet(void **state)
{
    struct ckf_channel *channel = channel_of(VARIANT(state), 0, 8);
    int fd = event_fd(channel, CKF_RECV);
    uint64_t number = 1;
    assert_becomes_quiet(channel, CKF_RECV, fd, BY_IS_READY);
    assert_status(ckf_channel_send_until(channel, &number, ckf_deadline_after_ns(3000000), NULL),
                  CKF_TIMED_OUT);
    assert_becomes_quiet(channel, CKF_RECV, fd, BY_TRY);
    ckf_channel_destroy(channel);
}

/* ---- loops ---- */

enum { LOOP_ELEMENTS = 3000, LOOP_THREADS = 2 };

struct loop {
    struct ckf_channel *channel;
    unsigned count;
    bool by_is_ready, with_epoll;
    atomic_uint *moved;
    struct test_thread thread;
};

static bool await_event(const struct loop *me, int fd)
{
    if (!me->with_epoll)
        return readable(fd, PATIENCE_MS);
    struct epoll_event interest = {.events = EPOLLIN}, event;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    bool come = epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest) == 0 &&
                epoll_wait(epoll, &event, 1, PATIENCE_MS) == 1;
    close(epoll);
    return come;
}

static int receive_in_a_loop(void *arg)
{
    struct loop *me = arg;
    int fd;
    ENSURE(ckf_channel_event_fd(me->channel, CKF_RECV, &fd) == CKF_OK);
    for (;;) {
        if (me->by_is_ready && !ckf_channel_is_ready(me->channel, CKF_RECV)) {
            ENSURE(await_event(me, fd));
            continue;
        }
        uint64_t number = try_recv_u64(me->channel);
        if (number == NO_ELEMENT(CKF_CLOSED))
            return 0;
        if (number == NO_ELEMENT(CKF_AGAIN))
            ENSURE(await_event(me, fd));
        else
            atomic_fetch_add(me->moved, 1);
    }
}

static int send_in_a_loop(void *arg)
{
    struct loop *me = arg;
    int fd;
    ENSURE(ckf_channel_event_fd(me->channel, CKF_SEND, &fd) == CKF_OK);
    for (unsigned sent = 0; sent < me->count;) {
        if (me->by_is_ready && !ckf_channel_is_ready(me->channel, CKF_SEND)) {
            ENSURE(await_event(me, fd));
            continue;
        }
        enum ckf_status status = try_send_u64(me->channel, sent);
        ENSURE(status == CKF_OK || status == CKF_AGAIN);
        if (status == CKF_AGAIN)
            ENSURE(await_event(me, fd));
        else
            sent++;
    }
    ckf_channel_producer_done(me->channel);
    return 0;
}

static int send_and_wait(void *arg)
{
    struct loop *me = arg;
    for (uint64_t n = 0; n < me->count; n++)
        ENSURE(send_u64(me->channel, n) == CKF_OK);
    ckf_channel_producer_done(me->channel);
    return 0;
}

static int receive_and_wait(void *arg)
{
    struct loop *me = arg;
    while (ckf_channel_recv(me->channel, NULL) == CKF_OK)
        atomic_fetch_add(me->moved, 1);
    return 0;
}

static void run_loops(enum ckf_variant variant, size_t capacity, int (*sender)(void *),
                      int (*receiver)(void *), bool with_epoll)
{
    struct ckf_channel *channel = channel_with((struct ckf_channel_options){
        .variant = variant, .capacity = capacity, .elem_size = 8, .producers = LOOP_THREADS});
    struct loop senders[LOOP_THREADS], receivers[LOOP_THREADS];
    atomic_uint moved = 0;
    for (int i = 0; i < LOOP_THREADS; i++) {
        senders[i] = receivers[i] =
            (struct loop){channel, ROUNDS(LOOP_ELEMENTS), i % 2 == 1, with_epoll, &moved, {0}};
        thread_start(&receivers[i].thread, receiver, &receivers[i]);
        thread_start(&senders[i].thread, sender, &senders[i]);
    }
    for (int i = 0; i < LOOP_THREADS; i++) {
        assert_int_equal(thread_join(&senders[i].thread), 0);
        assert_int_equal(thread_join(&receivers[i].thread), 0);
    }
    assert_int_equal(atomic_load(&moved), LOOP_THREADS * ROUNDS(LOOP_ELEMENTS));
    ckf_channel_destroy(channel);
}

static void polling_receivers_miss_nothing(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        run_loops(VARIANT(state), capacities[c], send_and_wait, receive_in_a_loop, c % 2 == 1);
}

static void polling_senders_miss_nothing(void **state)
{
    for (int c = 0; c < CAPACITIES; c++)
        run_loops(VARIANT(state), capacities[c], send_in_a_loop, receive_and_wait, c % 2 == 1);
}

static void polling_at_both_ends_misses_nothing(void **state)
{
    for (int c = 1; c < CAPACITIES; c++)
        run_loops(VARIANT(state), capacities[c], send_in_a_loop, receive_in_a_loop, c % 2 == 1);
}

/* One poller, one sleeper: whoever does not get the element must hear of the next. */
static void a_poller_and_a_sleeper_share_a_channel(void **state)
{
    for (int c = 0; c < CAPACITIES; c++) {
        struct ckf_channel *channel = channel_with((struct ckf_channel_options){
            .variant = VARIANT(state), .capacity = capacities[c], .elem_size = 8, .producers = 1});
        atomic_uint moved = 0;
        struct loop poller = {channel, 0, false, false, &moved, {0}}, sleeper = poller;
        struct loop sender = {channel, ROUNDS(LOOP_ELEMENTS), false, false, &moved, {0}};
        thread_start(&poller.thread, receive_in_a_loop, &poller);
        thread_start(&sleeper.thread, receive_and_wait, &sleeper);
        thread_start(&sender.thread, send_and_wait, &sender);
        assert_int_equal(thread_join(&sender.thread), 0);
        assert_int_equal(thread_join(&poller.thread), 0);
        assert_int_equal(thread_join(&sleeper.thread), 0);
        assert_int_equal(atomic_load(&moved), sender.count);
        ckf_channel_destroy(channel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_VARIANTS_AND_PROMISED(is_ready_tells_what_a_try_would_do),
        BOTH_VARIANTS_AND_PROMISED(a_sleeping_peer_makes_a_rendezvous_ready),
        BOTH_VARIANTS_AND_PROMISED(each_direction_has_one_fd),
        BOTH_VARIANTS_AND_PROMISED(a_channel_without_event_fds_opens_none),
        BOTH_VARIANTS_AND_PROMISED(a_process_without_fds_is_told_and_may_try_again),
        BOTH_VARIANTS_AND_PROMISED(an_element_makes_the_receiving_fd_readable),
        BOTH_VARIANTS_AND_PROMISED(room_makes_the_sending_fd_readable),
        BOTH_VARIANTS_AND_PROMISED(a_peer_that_comes_to_wait_makes_the_fd_of_a_rendezvous_readable),
        BOTH_VARIANTS_AND_PROMISED(closed_means_readable_for_ever),
        BOTH_VARIANTS_AND_PROMISED(the_last_done_makes_the_fd_readable),
        BOTH_VARIANTS_AND_PROMISED(an_fd_that_comes_late_knows_what_is_there),
        BOTH_VARIANTS_AND_PROMISED(two_that_only_poll_never_meet),
        BOTH_VARIANTS_AND_PROMISED(a_peer_that_leaves_lets_the_fd_of_a_rendezvous_become_quiet),
        BOTH_VARIANTS(polling_receivers_miss_nothing),
        BOTH_VARIANTS(polling_senders_miss_nothing),
        BOTH_VARIANTS(polling_at_both_ends_misses_nothing),
        BOTH_VARIANTS(a_poller_and_a_sleeper_share_a_channel),
    };
    return cmocka_run_group_tests_name("channel_events", tests, NULL, NULL);
}
