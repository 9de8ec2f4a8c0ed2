/* tests/test_breaker.c - when a breaker opens, whom it lets through, and what it says of it; both
 * variants. Time is made by options: what lasts 1 ns is over, what lasts an hour is not.
 */
#include "channel_support.h"

#include <unistd.h>

#include <ck_filter/breaker.h>

#include "misuse.h"

#define OVER_AT_ONCE_NS INT64_C(1)
#define AN_HOUR_NS      INT64_C(3600000000000)

static struct ckf_breaker *make(void **state, struct ckf_breaker_options options)
{
    struct ckf_breaker *breaker = NULL;
    options.name = "backend";
    options.variant = VARIANT(state);
    if (options.window_ns == 0)
        options.window_ns = AN_HOUR_NS;
    if (options.probe_ns == 0)
        options.probe_ns = AN_HOUR_NS;
    assert_status(ckf_breaker_create(&breaker, &options), CKF_OK);
    return breaker;
}

static struct ckf_permit enter(struct ckf_breaker *breaker)
{
    struct ckf_permit permit;
    assert_status(ckf_breaker_try_enter(breaker, &permit), CKF_OK);
    return permit;
}

static void assert_refuses(struct ckf_breaker *breaker)
{
    struct ckf_permit permit = {.epoch = 77};
    assert_status(ckf_breaker_try_enter(breaker, &permit), CKF_BUSY);
    assert_int_equal(permit.epoch, 77);
}

static void call(struct ckf_breaker *breaker, enum ckf_result result)
{
    assert_status(ckf_breaker_leave(breaker, enter(breaker), result), CKF_OK);
}

/* One that a single failure opens. */
static struct ckf_breaker *make_opened(void **state, unsigned probes, int64_t open_ns,
                                       int64_t probe_ns)
{
    struct ckf_breaker *breaker = make(
        state, (struct ckf_breaker_options){
                   .min_calls = 1, .probes = probes, .open_ns = open_ns, .probe_ns = probe_ns});
    call(breaker, CKF_FAILED);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_OPEN);
    return breaker;
}

static void it_opens_at_the_percentage_and_not_below(void **state)
{
    static const struct {
        unsigned percent, failures, successes;
        bool opens;
    } examples[] = {{0, 10, 10, true},
                    {0, 9, 11, false},
                    {5, 1, 19, true},
                    {100, 19, 1, false},
                    {100, 20, 0, true}};
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct ckf_breaker *breaker =
            make(state, (struct ckf_breaker_options){.failure_percent = examples[i].percent});
        for (unsigned n = 0; n < examples[i].failures + examples[i].successes; n++) {
            assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_CLOSED);
            call(breaker, n < examples[i].failures ? CKF_FAILED : CKF_SUCCEEDED);
        }
        assert_int_equal(ckf_breaker_state(breaker),
                         examples[i].opens ? CKF_BREAKER_OPEN : CKF_BREAKER_CLOSED);
        ckf_breaker_destroy(breaker);
    }
}

static void few_calls_and_abandoned_ones_prove_nothing(void **state)
{
    struct ckf_breaker *breaker = make(state, (struct ckf_breaker_options){.min_calls = 3});
    call(breaker, CKF_FAILED);
    call(breaker, CKF_FAILED);
    for (int i = 0; i < 10; i++)
        call(breaker, CKF_ABANDONED);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_CLOSED);
    call(breaker, CKF_FAILED);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_OPEN);
    ckf_breaker_destroy(breaker);
}

static void what_failed_in_an_earlier_window_is_forgotten(void **state)
{
    struct ckf_breaker *breaker =
        make(state, (struct ckf_breaker_options){.min_calls = 2, .window_ns = OVER_AT_ONCE_NS});
    for (int i = 0; i < 20; i++)
        call(breaker, CKF_FAILED);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_CLOSED);
    ckf_breaker_destroy(breaker);
}

static void a_window_ends_with_its_results_too(void **state)
{
    struct ckf_breaker *breaker = make(state, (struct ckf_breaker_options){.failure_percent = 60});
    for (int i = 0; i < 70000; i++)
        call(breaker, CKF_SUCCEEDED);
    for (int i = 0; i < 20000 && ckf_breaker_state(breaker) == CKF_BREAKER_CLOSED; i++)
        call(breaker, CKF_FAILED);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_OPEN);
    ckf_breaker_destroy(breaker);
}

static void an_open_one_refuses_until_its_time_is_over(void **state)
{
    struct ckf_breaker *breaker = make_opened(state, 1, AN_HOUR_NS, 0);
    assert_refuses(breaker);
    ckf_breaker_destroy(breaker);
    breaker = make_opened(state, 1, OVER_AT_ONCE_NS, 0);
    enter(breaker);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_HALF_OPEN);
    ckf_breaker_destroy(breaker);
}

static void it_closes_when_all_probes_have_succeeded(void **state)
{
    struct ckf_breaker *breaker = make_opened(state, 2, OVER_AT_ONCE_NS, 0);
    struct ckf_permit probes[2];
    for (int i = 0; i < 2; i++)
        probes[i] = enter(breaker);
    assert_refuses(breaker);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_HALF_OPEN);
        assert_status(ckf_breaker_leave(breaker, probes[i], CKF_SUCCEEDED), CKF_OK);
        if (i == 0)
            assert_refuses(breaker); /* a success is no new permit */
    }
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_CLOSED);
    ckf_breaker_destroy(breaker);
}

static void the_first_probe_that_fails_opens_it_again(void **state)
{
    struct ckf_breaker *breaker = make_opened(state, 2, OVER_AT_ONCE_NS, 0);
    struct ckf_permit first = enter(breaker), second = enter(breaker);
    assert_status(ckf_breaker_leave(breaker, first, CKF_FAILED), CKF_OK);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_OPEN);
    assert_status(ckf_breaker_leave(breaker, second, CKF_SUCCEEDED), CKF_STALE);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_OPEN);
    ckf_breaker_destroy(breaker);
}

static void an_abandoned_probe_makes_room_for_another(void **state)
{
    struct ckf_breaker *breaker = make_opened(state, 1, OVER_AT_ONCE_NS, 0);
    struct ckf_permit probe = enter(breaker);
    assert_refuses(breaker);
    assert_status(ckf_breaker_leave(breaker, probe, CKF_ABANDONED), CKF_OK);
    call(breaker, CKF_SUCCEEDED);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_CLOSED);
    ckf_breaker_destroy(breaker);
}

static void probes_that_do_not_come_back_are_given_up(void **state)
{
    struct ckf_breaker *breaker = make_opened(state, 1, OVER_AT_ONCE_NS, OVER_AT_ONCE_NS);
    struct ckf_permit lost = enter(breaker), next = enter(breaker);
    assert_status(ckf_breaker_leave(breaker, lost, CKF_SUCCEEDED), CKF_STALE);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_HALF_OPEN);
    assert_status(ckf_breaker_leave(breaker, next, CKF_SUCCEEDED), CKF_OK);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_CLOSED);
    ckf_breaker_destroy(breaker);
}

static void a_result_from_before_changes_nothing(void **state)
{
    struct ckf_breaker *breaker =
        make(state, (struct ckf_breaker_options){.min_calls = 1, .open_ns = OVER_AT_ONCE_NS});
    struct ckf_permit old[2] = {enter(breaker), enter(breaker)};
    call(breaker, CKF_FAILED);
    struct ckf_permit probe = enter(breaker);
    assert_status(ckf_breaker_leave(breaker, old[0], CKF_SUCCEEDED), CKF_STALE);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_HALF_OPEN);
    assert_status(ckf_breaker_leave(breaker, probe, CKF_SUCCEEDED), CKF_OK);
    assert_status(ckf_breaker_leave(breaker, old[1], CKF_FAILED), CKF_STALE);
    assert_int_equal(ckf_breaker_state(breaker), CKF_BREAKER_CLOSED);
    ckf_breaker_destroy(breaker);
}

static void statistics_account_for_every_attempt(void **state)
{
    struct ckf_breaker *breaker =
        make(state, (struct ckf_breaker_options){.min_calls = 2, .open_ns = AN_HOUR_NS});
    struct ckf_permit slow = enter(breaker);
    struct ckf_breaker_stats stats;
    call(breaker, CKF_SUCCEEDED);
    call(breaker, CKF_ABANDONED);
    call(breaker, CKF_FAILED);
    assert_refuses(breaker);
    ckf_breaker_read_stats(breaker, &stats);
    assert_int_equal(stats.attempts, 5);
    assert_int_equal(stats.succeeded, 1);
    assert_int_equal(stats.abandoned, 1);
    assert_int_equal(stats.failed, 1);
    assert_int_equal(stats.rejected, 1);
    assert_int_equal(stats.in_progress, 1);
    assert_int_equal(stats.opened, 1);
    assert_status(ckf_breaker_leave(breaker, slow, CKF_FAILED), CKF_STALE);
    ckf_breaker_read_stats(breaker, &stats);
    assert_int_equal(stats.failed, 2); /* it did end */
    assert_int_equal(stats.in_progress, 0);
    ckf_breaker_destroy(breaker);
}

/* ---- many threads ---- */

enum { CALLERS = 4, CALLS = 20000, PROBES = 2 };

struct storm {
    struct ckf_breaker *breaker;
    atomic_int probes;
    atomic_bool too_many;
};

/* Fails half the time, so that the breaker changes its state all the time. */
static int make_calls(void *arg)
{
    struct storm *storm = arg;
    struct ckf_breaker_stats stats;
    for (unsigned i = 0; i < ROUNDS(CALLS); i++) {
        struct ckf_permit permit;
        if (ckf_breaker_try_enter(storm->breaker, &permit) == CKF_OK)
            ckf_breaker_leave(storm->breaker, permit, i % 2 == 0 ? CKF_FAILED : CKF_SUCCEEDED);
        if (i % 16 != 0)
            continue;
        ckf_breaker_read_stats(storm->breaker, &stats);
        ENSURE(stats.attempts == stats.rejected + stats.succeeded + stats.failed + stats.abandoned +
                                     stats.in_progress);
    }
    return 0;
}

static void statistics_are_exact_after_a_storm(void **state)
{
    struct storm storm = {
        .breaker = make(state, (struct ckf_breaker_options){.min_calls = 2, .open_ns = 1000})};
    struct test_thread threads[CALLERS];
    struct ckf_breaker_stats stats;
    for (int i = 0; i < CALLERS; i++)
        thread_start(&threads[i], make_calls, &storm);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(thread_join(&threads[i]), 0);
    ckf_breaker_read_stats(storm.breaker, &stats);
    assert_int_equal(stats.attempts, CALLERS * ROUNDS(CALLS));
    assert_int_equal(stats.in_progress, 0);
    assert_int_equal(stats.attempts, stats.rejected + stats.succeeded + stats.failed);
    assert_true(stats.opened > 0);
    ckf_breaker_destroy(storm.breaker);
}

static int probe(void *arg)
{
    struct storm *storm = arg;
    struct ckf_permit permit;
    if (ckf_breaker_try_enter(storm->breaker, &permit) == CKF_OK)
        atomic_fetch_add(&storm->probes, 1);
    return 0;
}

static void a_stampede_gets_as_many_permits_as_there_are_probes(void **state)
{
    for (unsigned round = 0; round < ROUNDS(40); round++) {
        struct storm storm = {.breaker = make_opened(state, PROBES, OVER_AT_ONCE_NS, 0)};
        struct test_thread threads[CALLERS];
        for (int i = 0; i < CALLERS; i++)
            thread_start(&threads[i], probe, &storm);
        for (int i = 0; i < CALLERS; i++)
            assert_int_equal(thread_join(&threads[i]), 0);
        assert_int_equal(storm.probes, PROBES);
        ckf_breaker_destroy(storm.breaker);
    }
}

/* ---- creation and misuse ---- */

static void bad_options_are_refused(void **state)
{
    (void)state;
    const struct ckf_breaker_options bad[] = {
        {.min_calls = 32768},
        {.failure_percent = 101},
        {.probes = 32768},
        {.window_ns = -1},
        {.open_ns = -1},
        {.probe_ns = -1},
        {.reserved = {1}},
        {.reserved = {0, 0, 0, 1}},
        {.variant = (enum ckf_variant)2},
    };
    struct ckf_breaker *untouched = NULL;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_status(ckf_breaker_create(&untouched, &bad[i]), CKF_INVALID);
    assert_null(untouched);
    assert_status(ckf_breaker_create(&untouched, NULL), CKF_OK);
    ckf_breaker_destroy(untouched);
}

static void without_memory_nothing_is_made(void **state)
{
    (void)state;
    const struct ckf_breaker_options options = {.name = "backend"};
    struct ckf_breaker *untouched = NULL;
    const size_t before = live_allocations();
    for (unsigned nth = 1; nth <= 2; nth++) {
        fail_allocation(nth);
        assert_status(ckf_breaker_create(&untouched, &options), CKF_NO_MEMORY);
        assert_true(allocation_failed());
    }
    fail_allocation(0);
    assert_null(untouched);
    assert_int_equal(live_allocations(), before);
}

static void make_up_a_result(void *arg)
{
    struct ckf_breaker *breaker;
    struct ckf_permit permit = {0};
    (void)arg;
    if (ckf_breaker_create(&breaker, NULL) == CKF_OK)
        ckf_breaker_leave(breaker, permit, (enum ckf_result)3);
}

static void enter_nothing(void *arg)
{
    struct ckf_permit permit;
    (void)arg;
    if (ckf_breaker_try_enter(NULL, &permit) != CKF_OK)
        return;
}

static void misuse_of_a_breaker_aborts_with_a_sentence(void **state)
{
    (void)state;
    assert_true(aborts_in("ckf_breaker_leave", make_up_a_result, NULL));
    assert_true(aborts_in("ckf_breaker_try_enter", enter_nothing, NULL));
}

struct traffic {
    struct ckf_breaker *breaker;
    _Atomic(bool) stop;
};

static int call_until_told(void *arg)
{
    struct traffic *traffic = arg;
    struct ckf_permit permit;
    for (unsigned i = 0; !atomic_load(&traffic->stop); i++)
        if (ckf_breaker_try_enter(traffic->breaker, &permit) == CKF_OK)
            ckf_breaker_leave(traffic->breaker, permit, i % 3 == 0 ? CKF_FAILED : CKF_SUCCEEDED);
    return 0;
}

/* Enters and leaves as often as there is a permit, reads, destroys. */
static int use_in_child(struct ckf_breaker *breaker)
{
    struct ckf_permit permit;
    struct ckf_breaker_stats stats;
    for (int i = 0; i < 50; i++)
        if (ckf_breaker_try_enter(breaker, &permit) == CKF_OK)
            ckf_breaker_leave(breaker, permit, CKF_SUCCEEDED);
    ckf_breaker_read_stats(breaker, &stats);
    ckf_breaker_destroy(breaker);
    return stats.attempts == stats.rejected + stats.succeeded + stats.failed + stats.abandoned +
                                 stats.in_progress
               ? 0
               : 1;
}

static void fork_and_use(struct ckf_breaker *breaker, bool beside_threads)
{
    pid_t child = fork();
    if (child == 0)
        _exit(beside_threads && !CAN_WORK_AFTER_BUSY_FORK ? 0 : use_in_child(breaker));
    assert_child_succeeds(child);
}

static void a_forked_child_may_use_its_breaker(void **state)
{
    struct ckf_breaker *breaker = make(state, (struct ckf_breaker_options){.probes = 1});
    call(breaker, CKF_SUCCEEDED);
    fork_and_use(breaker, false);
    ckf_breaker_destroy(breaker);
}

static void a_child_forked_amid_traffic_may_use_its_lock_free_breaker(void **state)
{
    enum { THREADS = 2, FORKS = 20 };
    struct traffic traffic = {
        .breaker =
            make(state, (struct ckf_breaker_options){
                            .min_calls = 5, .failure_percent = 20, .open_ns = OVER_AT_ONCE_NS})};
    struct test_thread threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], call_until_told, &traffic);
    for (int i = 0; i < FORKS; i++)
        fork_and_use(traffic.breaker, true);
    atomic_store(&traffic.stop, true);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    ckf_breaker_destroy(traffic.breaker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first: it forks, which ThreadSanitizer wants done while there is one thread */
        BOTH_VARIANTS(a_forked_child_may_use_its_breaker),
        BOTH_VARIANTS(it_opens_at_the_percentage_and_not_below),
        BOTH_VARIANTS(few_calls_and_abandoned_ones_prove_nothing),
        BOTH_VARIANTS(what_failed_in_an_earlier_window_is_forgotten),
        BOTH_VARIANTS(a_window_ends_with_its_results_too),
        BOTH_VARIANTS(an_open_one_refuses_until_its_time_is_over),
        BOTH_VARIANTS(it_closes_when_all_probes_have_succeeded),
        BOTH_VARIANTS(the_first_probe_that_fails_opens_it_again),
        BOTH_VARIANTS(an_abandoned_probe_makes_room_for_another),
        BOTH_VARIANTS(probes_that_do_not_come_back_are_given_up),
        BOTH_VARIANTS(a_result_from_before_changes_nothing),
        BOTH_VARIANTS(statistics_account_for_every_attempt),
        BOTH_VARIANTS(statistics_are_exact_after_a_storm),
        BOTH_VARIANTS(a_stampede_gets_as_many_permits_as_there_are_probes),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(without_memory_nothing_is_made),
        cmocka_unit_test(misuse_of_a_breaker_aborts_with_a_sentence),
        {"a_child_forked_amid_traffic_may_use_its_lock_free_breaker",
         a_child_forked_amid_traffic_may_use_its_lock_free_breaker, NULL, NULL,
         (void *)(uintptr_t)&atomic_variant},
    };
    install_failing_allocator();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
