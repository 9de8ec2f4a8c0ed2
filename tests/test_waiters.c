/* tests/test_waiters.c - the list of blocked calls, its dumps, and leak baselines. */
#include "support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ck_filter/channel.h>
#include <ck_filter/context.h>
#include <ck_filter/filter.h>
#include <ck_filter/group.h>
#include <ck_filter/waiters.h>

#include "misuse.h"

static int wait_for_ever(void *arg)
{
    return (int)ckf_context_wait(arg, CKF_FOREVER);
}

/* Threads that wait for one context until they are released. */
enum { WAITERS = 3 };

struct crowd {
    struct ckf_context *context;
    struct test_thread threads[WAITERS];
};

static void gather(struct crowd *crowd)
{
    assert_int_equal(ckf_context_create(&crowd->context, NULL, CKF_FOREVER), CKF_OK);
    for (int i = 0; i < WAITERS; i++)
        thread_start(&crowd->threads[i], wait_for_ever, crowd->context);
    for (int i = 0; i < WAITERS; i++)
        await_sleep(&crowd->threads[i]);
}

static void dismiss(struct crowd *crowd)
{
    ckf_context_cancel(crowd->context, 0);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(thread_join(&crowd->threads[i]), CKF_OK);
    ckf_context_release(crowd->context);
}

struct visited {
    size_t count, limit;
    uint64_t thread_ids[2 * WAITERS];
    int64_t since_ns[2 * WAITERS];
    char objects[2 * WAITERS][16], operations[2 * WAITERS][16], names[2 * WAITERS][16];
    bool has_site;
};

static bool remember(const struct ckf_waiter *waiter, void *arg)
{
    struct visited *visited = arg;
    size_t at = visited->count++;
    assert_true(at < 2 * WAITERS);
    visited->thread_ids[at] = waiter->thread_id;
    visited->since_ns[at] = waiter->since_ns;
    snprintf(visited->objects[at], 16, "%s", waiter->object);
    snprintf(visited->operations[at], 16, "%s", waiter->operation);
    snprintf(visited->names[at], 16, "%s", waiter->name);
    visited->has_site = waiter->site != NULL && strchr(waiter->site, '+') != NULL;
    return visited->count != visited->limit;
}

static bool saw(const struct visited *visited, int thread_id)
{
    for (size_t i = 0; i < visited->count; i++)
        if (visited->thread_ids[i] == (uint64_t)thread_id)
            return true;
    return false;
}

static void blocked_calls_are_listed_while_they_sleep(void **state)
{
    (void)state;
    struct crowd crowd;
    struct visited visited = {0}, none = {0};
    int64_t before = clock_ns();
    gather(&crowd);
    assert_int_equal(ckf_waiters_for_each(remember, &visited), CKF_OK);
    int64_t after = clock_ns();
    dismiss(&crowd);
    assert_int_equal(visited.count, WAITERS);
    assert_true(visited.has_site);
    for (int i = 0; i < WAITERS; i++) {
        assert_true(saw(&visited, crowd.threads[i].tid));
        assert_string_equal(visited.objects[i], "context");
        assert_string_equal(visited.operations[i], "wait");
        assert_string_equal(visited.names[i], "");
        assert_true(visited.since_ns[i] >= before && visited.since_ns[i] <= after);
    }
    assert_int_equal(ckf_waiters_for_each(remember, &none), CKF_OK);
    assert_int_equal(none.count, 0);
}

static void a_visit_can_be_stopped(void **state)
{
    (void)state;
    struct crowd crowd;
    struct visited visited = {.limit = 2};
    gather(&crowd);
    assert_int_equal(ckf_waiters_for_each(remember, &visited), CKF_OK);
    dismiss(&crowd);
    assert_int_equal(visited.count, 2);
}

static bool dismiss_from_visitor(const struct ckf_waiter *waiter, void *arg)
{
    dismiss(arg);
    assert_string_equal(waiter->object, "context");
    return false;
}

static void no_lock_is_held_during_a_visit(void **state)
{
    (void)state;
    struct crowd crowd;
    gather(&crowd);
    assert_int_equal(ckf_waiters_for_each(dismiss_from_visitor, &crowd), CKF_OK);
}

/* What a dump writes; freed by the caller. */
static char *dump(enum ckf_dump_level level)
{
    int ends[2];
    static char text[4096];
    assert_int_equal(pipe(ends), 0);
    errno = 0;
    assert_int_equal(ckf_waiters_dump(ends[1], level), CKF_OK);
    assert_int_equal(errno, 0);
    close(ends[1]);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    assert_true(length >= 0);
    text[length] = 0;
    close(ends[0]);
    return text;
}

static int count_lines(const char *text)
{
    int lines = 0;
    for (; *text != 0; text++)
        lines += *text == '\n';
    return lines;
}

static void dumps_say_who_waits_where(void **state)
{
    (void)state;
    struct crowd crowd;
    char who[32];
    assert_string_equal(dump(CKF_DUMP_EACH), "");
    gather(&crowd);
    const char *text = dump(CKF_DUMP_EACH);
    assert_int_equal(count_lines(text), WAITERS);
    for (int i = 0; i < WAITERS; i++) {
        snprintf(who, sizeof who, "thread %d waits", crowd.threads[i].tid);
        assert_non_null(strstr(text, who));
    }
    text = dump(CKF_DUMP_GROUPED);
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "3 threads wait"));
    assert_non_null(strstr(text, "wait of context, called at "));
    dismiss(&crowd);
}

static int receive_until_done(struct ckf_context *context, void *channel)
{
    void *elem;
    return ckf_channel_recv_until(channel, &elem, CKF_FOREVER, context) == CKF_CANCELED ? 0 : 1;
}

static bool any_waiter(const struct ckf_waiter *waiter, void *arg)
{
    (void)waiter;
    *(bool *)arg = true;
    return false;
}

static void a_name_keeps_to_its_line_of_a_dump(void **state)
{
    (void)state;
    struct ckf_channel *channel;
    struct ckf_group *group;
    const struct ckf_channel_options options = {.name = "a\nthread 1 waits\x1b[2J\x7f"};
    assert_int_equal(ckf_channel_create(&channel, &options), CKF_OK);
    assert_int_equal(ckf_group_create(&group, NULL), CKF_OK);
    assert_int_equal(ckf_group_go(group, receive_until_done, channel, NULL), CKF_OK);
    bool asleep = false;
    while (!asleep)
        assert_int_equal(ckf_waiters_for_each(any_waiter, &asleep), CKF_OK);
    for (int level = CKF_DUMP_GROUPED; level <= CKF_DUMP_EACH; level++) {
        const char *text = dump((enum ckf_dump_level)level);
        assert_int_equal(count_lines(text), 1);
        assert_non_null(strstr(text, "channel \"a?thread 1 waits?[2J?\""));
    }
    ckf_group_destroy(group);
    ckf_channel_destroy(channel);
}

static void dumps_that_cannot_be_written_say_so(void **state)
{
    (void)state;
    struct crowd crowd;
    assert_int_equal(ckf_waiters_dump(STDERR_FILENO, (enum ckf_dump_level)7), CKF_INVALID);
    gather(&crowd);
    errno = 0;
    assert_int_equal(ckf_waiters_dump(-1, CKF_DUMP_EACH), CKF_IO);
    assert_int_equal(ckf_waiters_dump(-1, CKF_DUMP_GROUPED), CKF_IO);
    assert_int_equal(errno, 0);
    dismiss(&crowd);
}

/* --- baselines --- */

static struct ckf_leak_baseline *take(void)
{
    struct ckf_leak_baseline *baseline = NULL;
    assert_int_equal(ckf_leak_baseline_take(&baseline), CKF_OK);
    return baseline;
}

static void nothing_new_is_no_leak(void **state)
{
    (void)state;
    AWAIT(live_allocations() == 0); /* what earlier tests retired */
    struct ckf_leak_baseline *baseline = take();
    struct crowd crowd;
    gather(&crowd);
    dismiss(&crowd);
    assert_int_equal(
        ckf_leak_baseline_check(baseline, ckf_deadline_after_ns(PATIENCE_NS), NULL, NULL), CKF_OK);
    ckf_leak_baseline_destroy(baseline);
    AWAIT(live_allocations() == 0);
}

static void what_was_there_before_is_no_leak(void **state)
{
    (void)state;
    struct crowd crowd;
    gather(&crowd);
    struct ckf_leak_baseline *baseline = take();
    assert_int_equal(ckf_leak_baseline_check(baseline, CKF_NOW, NULL, NULL), CKF_OK);
    dismiss(&crowd);
    assert_int_equal(ckf_leak_baseline_check(baseline, CKF_NOW, NULL, NULL), CKF_OK);
    ckf_leak_baseline_destroy(baseline);
}

static void calls_left_behind_are_named(void **state)
{
    (void)state;
    struct crowd crowd;
    struct visited visited = {0};
    struct ckf_leak_baseline *baseline = take();
    gather(&crowd);
    assert_int_equal(ckf_leak_baseline_check(baseline, 1, remember, &visited), CKF_BUSY);
    assert_int_equal(visited.count, WAITERS);
    for (int i = 0; i < WAITERS; i++) {
        assert_true(saw(&visited, crowd.threads[i].tid));
        assert_string_equal(visited.objects[i], "context");
    }
    visited = (struct visited){.limit = 1};
    int64_t deadline = ckf_deadline_after_ns(5000000);
    assert_int_equal(ckf_leak_baseline_check(baseline, deadline, remember, &visited), CKF_BUSY);
    assert_true(clock_ns() >= deadline);
    assert_int_equal(visited.count, 1);
    assert_int_equal(ckf_leak_baseline_check(baseline, CKF_NOW, NULL, NULL), CKF_BUSY);
    dismiss(&crowd);
    ckf_leak_baseline_destroy(baseline);
}

struct worker {
    atomic_bool named, may_end;
};

static int run_until_told(void *arg)
{
    struct worker *worker = arg;
    pthread_setname_np(pthread_self(), "a worker) (left");
    atomic_store(&worker->named, true);
    while (!atomic_load(&worker->may_end))
        give_way();
    return 0;
}

static void threads_left_behind_are_named(void **state)
{
    (void)state;
    struct worker worker = {false, false};
    struct test_thread thread;
    struct visited visited = {0};
    int64_t before = clock_ns();
    struct ckf_leak_baseline *baseline = take();
    thread_start(&thread, run_until_told, &worker);
    AWAIT(atomic_load(&worker.named));
    assert_int_equal(ckf_leak_baseline_check(baseline, CKF_NOW, remember, &visited), CKF_BUSY);
    assert_int_equal(visited.count, 1);
    assert_int_equal(visited.thread_ids[0], thread.tid);
    assert_string_equal(visited.objects[0], "thread");
    assert_string_equal(visited.operations[0], "run");
    assert_string_equal(visited.names[0], "a worker) (left");
    int64_t second = INT64_C(1000000000);
    assert_true(visited.since_ns[0] > before - second && visited.since_ns[0] < clock_ns() + second);
    atomic_store(&worker.may_end, true);
    thread_join(&thread);
    assert_int_equal(
        ckf_leak_baseline_check(baseline, ckf_deadline_after_ns(PATIENCE_NS), NULL, NULL), CKF_OK);
    ckf_leak_baseline_destroy(baseline);
}

static void threads_of_the_library_are_no_leak(void **state)
{
    (void)state;
    struct ckf_leak_baseline *baseline = take();
    struct ckf_ruleset *rules = NULL;
    struct ckf_filter *filter = NULL;
    assert_int_equal(ckf_ruleset_create(&rules), CKF_OK);
    assert_int_equal(ckf_filter_create(&filter, NULL), CKF_OK);
    assert_int_equal(ckf_filter_publish(filter, rules, 0, NULL), CKF_OK);
    ckf_ruleset_destroy(rules);
    assert_int_equal(ckf_leak_baseline_check(baseline, CKF_NOW, NULL, NULL), CKF_OK);
    ckf_filter_destroy(filter);
    ckf_leak_baseline_destroy(baseline);
}

static int check_for_ever(void *arg)
{
    return (int)ckf_leak_baseline_check(arg, CKF_FOREVER, NULL, NULL);
}

static void a_check_waits_for_stragglers(void **state)
{
    (void)state;
    struct crowd crowd;
    struct test_thread checker;
    struct ckf_leak_baseline *baseline = NULL;
    struct worker worker = {false, false};
    struct test_thread resident;
    thread_start(&resident, run_until_told, &worker);
    baseline = take();
    gather(&crowd);
    thread_start(&checker, check_for_ever, baseline);
    await_sleep(&crowd.threads[0]);
    dismiss(&crowd);
    assert_int_equal(thread_join(&checker), CKF_OK);
    atomic_store(&worker.may_end, true);
    thread_join(&resident);
    ckf_leak_baseline_destroy(baseline);
}

/* --- failures --- */

static void without_memory_nothing_is_visited(void **state)
{
    (void)state;
    struct crowd crowd;
    struct visited visited = {0};
    struct ckf_leak_baseline *baseline = NULL;
    unsigned nth = 0;
    AWAIT(live_allocations() == 0); /* what earlier tests retired */
    do {
        assert_null(baseline);
        fail_allocation(++nth);
    } while (ckf_leak_baseline_take(&baseline) == CKF_NO_MEMORY);
    fail_allocation(0);
    assert_true(nth >= 3);
    gather(&crowd);
    for (nth = 1; nth <= 2; nth++) {
        fail_allocation(nth);
        assert_int_equal(ckf_waiters_dump(STDERR_FILENO, CKF_DUMP_GROUPED), CKF_NO_MEMORY);
    }
    fail_allocation(1);
    assert_int_equal(ckf_waiters_for_each(remember, &visited), CKF_NO_MEMORY);
    fail_allocation(1);
    assert_int_equal(ckf_leak_baseline_check(baseline, CKF_NOW, remember, &visited), CKF_NO_MEMORY);
    fail_allocation(2);
    assert_int_equal(ckf_leak_baseline_check(baseline, CKF_NOW, remember, &visited), CKF_NO_MEMORY);
    fail_allocation(0);
    assert_int_equal(visited.count, 0);
    dismiss(&crowd);
    ckf_leak_baseline_destroy(baseline);
    AWAIT(live_allocations() == 0);
}

static void visit_nothing(void *arg)
{
    ckf_waiters_for_each(NULL, arg);
}

static void destroy_nothing(void *arg)
{
    ckf_leak_baseline_destroy(arg);
}

static void misuse_aborts_with_a_sentence(void **state)
{
    (void)state;
    assert_true(aborts_in("ckf_waiters_for_each", visit_nothing, NULL));
    assert_true(aborts_in("ckf_leak_baseline_destroy", destroy_nothing, NULL));
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        /* first: it forks, which ThreadSanitizer wants done while there is one thread */
        cmocka_unit_test(misuse_aborts_with_a_sentence),
        cmocka_unit_test(blocked_calls_are_listed_while_they_sleep),
        cmocka_unit_test(a_visit_can_be_stopped),
        cmocka_unit_test(no_lock_is_held_during_a_visit),
        cmocka_unit_test(dumps_say_who_waits_where),
        cmocka_unit_test(a_name_keeps_to_its_line_of_a_dump),
        cmocka_unit_test(dumps_that_cannot_be_written_say_so),
        cmocka_unit_test(nothing_new_is_no_leak),
        cmocka_unit_test(what_was_there_before_is_no_leak),
        cmocka_unit_test(calls_left_behind_are_named),
        cmocka_unit_test(threads_left_behind_are_named),
        cmocka_unit_test(threads_of_the_library_are_no_leak),
        cmocka_unit_test(a_check_waits_for_stragglers),
        cmocka_unit_test(without_memory_nothing_is_visited),
    };
    return cmocka_run_group_tests_name("waiters", tests, NULL, NULL);
}
