/* tests/test_trace.c - the recorder: what it notes, its bound, and that it starts anew. */
#include "support.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ck_filter/channel.h>
#include <ck_filter/context.h>
#include <ck_filter/filter.h>
#include <ck_filter/group.h>
#include <ck_filter/trace.h>

/* The recording as text; the caller frees it. */
static char *written(void)
{
    int fd = memfd_create("trace", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ckf_trace_write(fd), CKF_OK);
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(pread(fd, text, (size_t)size, 0), size);
    close(fd);
    return text;
}

static unsigned count(const char *text, const char *what)
{
    unsigned found = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        found++;
    return found;
}

static struct ckf_trace_stats stats_now(void)
{
    struct ckf_trace_stats stats;
    ckf_trace_read_stats(&stats);
    return stats;
}

static void nothing_is_noted_before_start_or_after_stop(void **state)
{
    (void)state;
    ckf_trace_mark("before", 0);
    assert_int_equal(stats_now().recorded, 0);
    assert_int_equal(ckf_trace_start(0), CKF_OK);
    assert_int_equal(ckf_trace_start(0), CKF_ALREADY);
    ckf_trace_mark("within", 7);
    ckf_trace_stop();
    ckf_trace_stop();
    ckf_trace_mark("after", 0);
    assert_int_equal(stats_now().recorded, 1);
    char *text = written();
    assert_int_equal(count(text, "\"name\":\"within\""), 1);
    assert_int_equal(count(text, "\"value\":7"), 1);
    assert_int_equal(count(text, "before") + count(text, "after"), 0);
    free(text);
}

static void a_new_start_forgets_the_old_recording(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ckf_trace_start(0), CKF_OK);
        ckf_trace_mark("mark", 0);
        ckf_trace_stop();
        assert_int_equal(stats_now().recorded, 1);
    }
}

static int receive(void *channel)
{
    return (int)ckf_channel_recv(channel, NULL);
}

static int do_nothing(struct ckf_context *context, void *arg)
{
    (void)context;
    (void)arg;
    return 0;
}

static void waits_wakes_and_ends_are_noted(void **state)
{
    struct ckf_channel *channel;
    struct ckf_channel_options options = {
        .name = "orders \"1\"", .variant = VARIANT(state), .capacity = 1};
    struct test_thread receiver;
    assert_int_equal(ckf_trace_start(0), CKF_OK);
    assert_int_equal(ckf_channel_create(&channel, &options), CKF_OK);
    thread_start(&receiver, receive, channel);
    await_sleep(&receiver);
    assert_int_equal(ckf_channel_close(channel), CKF_OK);
    assert_int_equal(thread_join(&receiver), CKF_CLOSED);
    ckf_channel_destroy(channel);
    ckf_trace_stop();
    char *text = written();
    assert_int_equal(count(text, "\"name\":\"recv orders \\\"1\\\"\""), 1);
    assert_int_equal(count(text, "\"name\":\"close orders \\\"1\\\"\""), 1);
    if (VARIANT(state) == CKF_VARIANT_ATOMIC)
        assert_true(count(text, "\"name\":\"wake\"") >= 1);
    free(text);
}

static void tasks_cancels_and_publishes_are_noted(void **state)
{
    (void)state;
    struct ckf_group *group;
    struct ckf_filter *filter;
    struct ckf_ruleset *ruleset;
    assert_int_equal(ckf_trace_start(0), CKF_OK);
    assert_int_equal(ckf_group_create(&group, NULL), CKF_OK);
    assert_int_equal(ckf_group_go(group, do_nothing, NULL, "errand"), CKF_OK);
    ckf_context_cancel(ckf_group_context(group), 5);
    ckf_group_destroy(group);
    assert_int_equal(ckf_filter_create(&filter, NULL), CKF_OK);
    assert_int_equal(ckf_ruleset_create(&ruleset), CKF_OK);
    assert_int_equal(ckf_filter_publish(filter, ruleset, 0, NULL), CKF_OK);
    ckf_ruleset_destroy(ruleset);
    ckf_filter_destroy(filter);
    struct ckf_trace_span span = ckf_trace_begin();
    ckf_trace_end(span, "a name that is longer than names may be", 1);
    ckf_trace_stop();
    char *text = written();
    assert_int_equal(count(text, "\"name\":\"task errand\""), 1);
    assert_int_equal(count(text, "\"name\":\"go errand\""), 1);
    assert_true(count(text, "\"name\":\"cancel\"") >= 1);
    assert_int_equal(count(text, "\"name\":\"publish\""), 1);
    assert_int_equal(count(text, "\"name\":\"a name that is longer t\""), 1);
    free(text);
}

static int mark_often(void *marks)
{
    for (unsigned i = 0; i < *(unsigned *)marks; i++)
        ckf_trace_mark("m", i);
    return 0;
}

static void beyond_the_bound_events_are_counted(void **state)
{
    (void)state;
    enum { THREADS = 3 };
    unsigned marks = 5000;
    struct test_thread threads[THREADS];
    assert_int_equal(ckf_trace_start(1 << 16), CKF_OK);
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], mark_often, &marks);
    for (int i = 0; i < 20; i++)
        free(written()); /* while it goes on */
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    ckf_trace_stop();
    struct ckf_trace_stats stats = stats_now();
    assert_int_equal(stats.recorded + stats.dropped, THREADS * marks);
    assert_true(stats.recorded > 0 && stats.recorded <= (1 << 16) / 64);
    char *text = written();
    assert_int_equal(count(text, "\"name\":\"m\""), stats.recorded);
    free(text);
}

static void without_memory_events_are_dropped(void **state)
{
    (void)state;
    assert_int_equal(ckf_trace_start(0), CKF_OK);
    ckf_trace_mark("first", 0);
    for (int i = 1; i < 128; i++)
        ckf_trace_mark("filling", 0);
    fail_allocation(1);
    ckf_trace_mark("without room", 0);
    assert_true(allocation_failed());
    fail_allocation(0);
    ckf_trace_stop();
    assert_int_equal(stats_now().recorded, 128);
    assert_int_equal(stats_now().dropped, 1);
}

static void a_child_records_anew(void **state)
{
    (void)state;
    assert_int_equal(ckf_trace_start(0), CKF_OK);
    ckf_trace_mark("parent", 0);
    pid_t child = fork();
    if (child == 0) {
        bool fine = ckf_trace_start(0) == CKF_OK;
        ckf_trace_mark("child", 0);
        _exit(fine && stats_now().recorded == 1 ? 0 : 1);
    }
    assert_child_succeeds(child);
    ckf_trace_mark("parent again", 0);
    ckf_trace_stop();
    assert_int_equal(stats_now().recorded, 2);
}

static int write_and_close(void *arg)
{
    int fd = *(int *)arg;
    enum ckf_status status = ckf_trace_write(fd);
    close(fd);
    return (int)status;
}

static int mark_once(void *arg)
{
    (void)arg;
    ckf_trace_mark("newcomer", 0);
    return 0;
}

static void drain(int fd)
{
    char text[4096];
    while (read(fd, text, sizeof text) > 0)
        ;
}

/* A pipe that is full, say: its reader may itself be waiting for one of the others. */
static void a_file_that_takes_its_time_holds_nobody_up(void **state)
{
    (void)state;
    struct test_thread writer, newcomer;
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(ckf_trace_start(0), CKF_OK);
    for (int i = 0; i < 4000; i++)
        ckf_trace_mark("more than a pipe holds", 0);
    thread_start(&writer, write_and_close, &ends[1]);
    await_sleep(&writer);
    thread_start(&newcomer, mark_once, NULL);
    thread_join(&newcomer);
    assert_int_equal(stats_now().recorded, 4001);
    pid_t child = fork();
    if (child == 0) {
        bool fine = ckf_trace_start(0) == CKF_OK;
        _exit(fine ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ckf_trace_stop();
    drain(ends[0]);
    assert_int_equal(thread_join(&writer), CKF_OK);
    close(ends[0]);
}

static void times_have_a_point_in_every_locale(void **state)
{
    (void)state;
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL &&
        setlocale(LC_NUMERIC, "fr_FR.UTF-8") == NULL)
        skip();
    assert_int_equal(ckf_trace_start(0), CKF_OK);
    struct ckf_trace_span span = ckf_trace_begin();
    ckf_trace_end(span, "span", 1);
    ckf_trace_stop();
    char *text = written();
    double ts, dur;
    setlocale(LC_NUMERIC, "C");
    assert_int_equal(sscanf(strstr(text, "\"ts\""), "\"ts\":%lf,\"dur\":%lf,", &ts, &dur), 2);
    free(text);
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    assert_int_equal(ckf_trace_write(-1), CKF_IO);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_noted_before_start_or_after_stop),
        cmocka_unit_test(a_new_start_forgets_the_old_recording),
        BOTH_VARIANTS(waits_wakes_and_ends_are_noted),
        cmocka_unit_test(tasks_cancels_and_publishes_are_noted),
        cmocka_unit_test(beyond_the_bound_events_are_counted),
        cmocka_unit_test(without_memory_events_are_dropped),
        cmocka_unit_test(a_child_records_anew),
        cmocka_unit_test(a_file_that_takes_its_time_holds_nobody_up),
        cmocka_unit_test(times_have_a_point_in_every_locale),
        cmocka_unit_test(a_file_that_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
