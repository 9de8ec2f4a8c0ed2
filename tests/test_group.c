/* tests/test_group.c - starting, limiting, failing, waiting for and destroying groups of tasks. */
#include "support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ck_filter/group.h>
#include <ck_filter/waiters.h>

#include "misuse.h"

static struct ckf_group *make(unsigned limit, struct ckf_context *parent)
{
    struct ckf_group *group = NULL;
    const struct ckf_group_options options = {.name = "group", .limit = limit, .parent = parent};
    assert_int_equal(ckf_group_create(&group, &options), CKF_OK);
    return group;
}

/* What tasks share: they count themselves, and wait for a gate if there is one. */
struct work {
    struct ckf_group *group;
    atomic_int started, ended, most_at_once;
    atomic_bool gate_is_open;
    int result;
};

static int count(struct ckf_context *context, void *arg)
{
    (void)context;
    struct work *work = arg;
    atomic_fetch_add(&work->started, 1);
    atomic_fetch_add(&work->ended, 1);
    return work->result;
}

static int wait_at_gate(struct ckf_context *context, void *arg)
{
    (void)context;
    struct work *work = arg;
    int now = atomic_fetch_add(&work->started, 1) + 1 - atomic_load(&work->ended);
    int most = atomic_load(&work->most_at_once);
    while (now > most && !atomic_compare_exchange_weak(&work->most_at_once, &most, now))
        ;
    while (!atomic_load(&work->gate_is_open))
        give_way();
    atomic_fetch_add(&work->ended, 1);
    return work->result;
}

static int wait_for_context(struct ckf_context *context, void *arg)
{
    struct work *work = arg;
    atomic_fetch_add(&work->started, 1);
    assert_int_equal(ckf_context_wait(context, CKF_FOREVER), CKF_OK);
    atomic_fetch_add(&work->ended, 1);
    return work->result;
}

/* --- running and waiting --- */

enum { TASKS = 20 };

static void every_accepted_task_runs(void **state)
{
    (void)state;
    size_t before = live_allocations();
    for (unsigned limit = 0; limit < 4; limit++) {
        struct work work = {.group = make(limit, NULL)};
        int error = -1;
        for (int i = 0; i < TASKS; i++)
            assert_int_equal(ckf_group_go(work.group, count, &work, "counter"), CKF_OK);
        assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, &error), CKF_OK);
        assert_int_equal(work.ended, TASKS);
        assert_int_equal(error, 0);
        ckf_group_destroy(work.group);
    }
    assert_int_equal(live_allocations(), before);
}

static void an_empty_group_has_nothing_to_wait_for(void **state)
{
    (void)state;
    struct ckf_group *group = NULL;
    assert_int_equal(ckf_group_create(&group, NULL), CKF_OK);
    assert_int_equal(ckf_context_status(ckf_group_context(group)), CKF_OK);
    assert_int_equal(ckf_group_wait(group, CKF_NOW, NULL), CKF_OK);
    assert_int_equal(ckf_group_wait(group, CKF_NOW, NULL), CKF_OK);
    ckf_group_destroy(group);
}

static void a_wait_that_succeeded_closes_and_cancels(void **state)
{
    (void)state;
    struct work work = {.group = make(0, NULL)};
    assert_int_equal(ckf_group_wait(work.group, 1, NULL), CKF_OK);
    assert_int_equal(ckf_context_status(ckf_group_context(work.group)), CKF_CANCELED);
    assert_int_equal(ckf_context_reason(ckf_group_context(work.group)), 0);
    assert_int_equal(ckf_group_go(work.group, count, &work, NULL), CKF_CLOSED);
    assert_int_equal(ckf_group_try_go(work.group, count, &work, NULL), CKF_CLOSED);
    assert_int_equal(work.started, 0);
    ckf_group_destroy(work.group);
}

static void a_wait_that_timed_out_leaves_the_group_open(void **state)
{
    (void)state;
    struct work work = {.group = make(0, NULL)};
    int error = -1;
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, NULL), CKF_OK);
    assert_int_equal(ckf_group_wait(work.group, CKF_NOW, &error), CKF_AGAIN);
    assert_int_equal(ckf_group_wait(work.group, 1, &error), CKF_TIMED_OUT);
    int64_t deadline = ckf_deadline_after_ns(1000000);
    errno = 0;
    assert_int_equal(ckf_group_wait(work.group, deadline, &error), CKF_TIMED_OUT);
    assert_true(clock_ns() >= deadline);
    assert_int_equal(errno, 0);
    assert_int_equal(error, -1);
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, NULL), CKF_OK);
    atomic_store(&work.gate_is_open, true);
    assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, &error), CKF_OK);
    assert_int_equal(work.ended, 2);
    assert_int_equal(error, 0);
    ckf_group_destroy(work.group);
}

static int wait_for_group(void *arg)
{
    int error = -1;
    return ckf_group_wait(arg, CKF_FOREVER, &error) == CKF_OK ? error : -2;
}

static void several_threads_may_wait(void **state)
{
    (void)state;
    struct work work = {.group = make(0, NULL), .result = 7};
    struct test_thread waiters[3];
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, NULL), CKF_OK);
    for (int i = 0; i < 3; i++)
        thread_start(&waiters[i], wait_for_group, work.group);
    for (int i = 0; i < 3; i++)
        await_sleep(&waiters[i]);
    atomic_store(&work.gate_is_open, true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(thread_join(&waiters[i]), 7);
    ckf_group_destroy(work.group);
}

static int start_another(struct ckf_context *context, void *arg)
{
    struct work *work = arg;
    if (atomic_fetch_add(&work->started, 1) < TASKS)
        assert_int_equal(ckf_group_go(work->group, start_another, work, "chain"), CKF_OK);
    assert_int_equal(ckf_context_status(context), CKF_OK);
    atomic_fetch_add(&work->ended, 1);
    return 0;
}

static void tasks_may_start_tasks_while_another_thread_waits(void **state)
{
    (void)state;
    struct work work = {.group = make(2, NULL)};
    assert_int_equal(ckf_group_go(work.group, start_another, &work, NULL), CKF_OK);
    assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, NULL), CKF_OK);
    assert_int_equal(work.ended, TASKS + 1);
    ckf_group_destroy(work.group);
}

/* --- the limit --- */

static int go_at_gate(void *arg)
{
    struct work *work = arg;
    return (int)ckf_group_go(work->group, wait_at_gate, work, NULL);
}

static void the_limit_is_kept(void **state)
{
    (void)state;
    struct work work = {.group = make(2, NULL)};
    struct test_thread starters[3];
    assert_int_equal(ckf_group_try_go(work.group, wait_at_gate, &work, NULL), CKF_OK);
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, NULL), CKF_OK);
    assert_int_equal(ckf_group_try_go(work.group, wait_at_gate, &work, NULL), CKF_AGAIN);
    for (int i = 0; i < 3; i++)
        thread_start(&starters[i], go_at_gate, &work);
    for (int i = 0; i < 3; i++)
        await_sleep(&starters[i]);
    atomic_store(&work.gate_is_open, true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(thread_join(&starters[i]), CKF_OK);
    assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, NULL), CKF_OK);
    assert_int_equal(work.ended, 5);
    assert_true(work.most_at_once <= 2);
    ckf_group_destroy(work.group);
}

static void a_cancel_ends_the_wait_at_the_limit(void **state)
{
    (void)state;
    struct ckf_context *parent = NULL;
    assert_int_equal(ckf_context_create(&parent, NULL, CKF_FOREVER), CKF_OK);
    struct work work = {.group = make(1, parent)};
    struct test_thread starters[2];
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, NULL), CKF_OK);
    for (int i = 0; i < 2; i++)
        thread_start(&starters[i], go_at_gate, &work);
    for (int i = 0; i < 2; i++)
        await_sleep(&starters[i]);
    ckf_context_cancel(parent, 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(thread_join(&starters[i]), CKF_CANCELED);
    atomic_store(&work.gate_is_open, true);
    ckf_group_destroy(work.group);
    assert_int_equal(work.started, 1);
    ckf_context_release(parent);
}

static void a_deadline_ends_the_wait_at_the_limit(void **state)
{
    (void)state;
    struct ckf_context *parent = NULL;
    assert_int_equal(ckf_context_create(&parent, NULL, ckf_deadline_after_ns(20000000)), CKF_OK);
    struct work work = {.group = make(1, parent)};
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, NULL), CKF_OK);
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, NULL), CKF_TIMED_OUT);
    assert_int_equal(ckf_group_try_go(work.group, wait_at_gate, &work, NULL), CKF_TIMED_OUT);
    atomic_store(&work.gate_is_open, true);
    ckf_group_destroy(work.group);
    ckf_context_release(parent);
    assert_int_equal(work.started, 1);
}

struct hammer {
    struct work work;
    atomic_int accepted;
};

static int start_many(void *arg)
{
    struct hammer *hammer = arg;
    for (int i = 0; i < 200; i++)
        if (ckf_group_go(hammer->work.group, count, &hammer->work, NULL) == CKF_OK)
            atomic_fetch_add(&hammer->accepted, 1);
    return 0;
}

static void nothing_accepted_is_lost_whenever_the_cancel_comes(void **state)
{
    (void)state;
    size_t before = live_allocations();
    for (int round = 0; round < 10; round++) {
        struct hammer hammer = {.work.group = make(1 + (unsigned)round % 3, NULL)};
        struct test_thread starters[3];
        for (int i = 0; i < 3; i++)
            thread_start(&starters[i], start_many, &hammer);
        AWAIT(atomic_load(&hammer.accepted) >= 20 * round);
        ckf_context_cancel(ckf_group_context(hammer.work.group), 1);
        for (int i = 0; i < 3; i++)
            thread_join(&starters[i]);
        assert_int_equal(ckf_group_wait(hammer.work.group, CKF_FOREVER, NULL), CKF_OK);
        assert_int_equal(hammer.work.ended, hammer.accepted);
        ckf_group_destroy(hammer.work.group);
    }
    assert_int_equal(live_allocations(), before);
}

/* --- errors --- */

static void the_first_error_cancels_and_is_reported(void **state)
{
    (void)state;
    struct work waiting = {.group = make(0, NULL), .result = 99}, failing = {.result = 42};
    int error = -1;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ckf_group_go(waiting.group, wait_for_context, &waiting, NULL), CKF_OK);
    assert_int_equal(ckf_group_go(waiting.group, count, &failing, NULL), CKF_OK);
    AWAIT(ckf_context_status(ckf_group_context(waiting.group)) != CKF_OK);
    assert_int_equal(ckf_context_reason(ckf_group_context(waiting.group)), 42);
    assert_int_equal(ckf_group_go(waiting.group, count, &failing, NULL), CKF_CANCELED);
    assert_int_equal(ckf_group_wait(waiting.group, CKF_FOREVER, &error), CKF_OK);
    assert_int_equal(error, 42);
    assert_int_equal(waiting.ended, 3);
    assert_int_equal(ckf_group_go(waiting.group, count, &failing, NULL), CKF_CLOSED);
    assert_int_equal(failing.started, 1);
    ckf_group_destroy(waiting.group);
}

static int leave_by_exit(struct ckf_context *context, void *arg)
{
    (void)context;
    atomic_fetch_add(&((struct work *)arg)->ended, 1);
    pthread_exit(NULL);
}

static void a_task_that_exits_its_thread_has_failed(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct work work = {.group = make(0, NULL)};
    int error = 0;
    assert_int_equal(ckf_group_go(work.group, leave_by_exit, &work, NULL), CKF_OK);
    assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, &error), CKF_OK);
    assert_int_equal(error, ECANCELED);
    assert_int_equal(work.ended, 1);
    ckf_group_destroy(work.group);
    assert_int_equal(live_allocations(), before);
}

/* --- destroying --- */

static void destroy_cancels_and_waits(void **state)
{
    (void)state;
    struct ckf_context *parent = NULL;
    assert_int_equal(ckf_context_create(&parent, NULL, CKF_FOREVER), CKF_OK);
    struct work work = {.group = make(0, parent)};
    for (int i = 0; i < 3; i++)
        assert_int_equal(ckf_group_go(work.group, wait_for_context, &work, NULL), CKF_OK);
    ckf_group_destroy(work.group);
    assert_int_equal(work.started, 3);
    assert_int_equal(work.ended, 3);
    assert_int_equal(ckf_context_status(parent), CKF_OK);
    ckf_context_release(parent);
}

static int go_on_until_refused(struct ckf_context *context, void *arg)
{
    (void)context;
    struct work *work = arg;
    atomic_fetch_add(&work->started, 1);
    enum ckf_status status = ckf_group_go(work->group, wait_for_context, work, NULL);
    atomic_fetch_add(&work->ended, 1);
    return status == CKF_CANCELED ? 0 : -1;
}

static bool note_call(const struct ckf_waiter *waiter, void *arg)
{
    char line[64];
    snprintf(line, sizeof line, "%s %s %s %d;", waiter->object, waiter->name, waiter->operation,
             waiter->site != NULL);
    strcat(arg, line);
    return true;
}

static bool is_listed(const char *call)
{
    char calls[256] = "";
    ckf_waiters_for_each(note_call, calls);
    return strstr(calls, call) != NULL;
}

static void destroy_wakes_tasks_that_wait_at_the_limit(void **state)
{
    (void)state;
    struct work work = {.group = make(1, NULL)};
    assert_int_equal(ckf_group_go(work.group, go_on_until_refused, &work, NULL), CKF_OK);
    AWAIT(is_listed("group group go 1;"));
    ckf_group_destroy(work.group);
    assert_int_equal(work.started, 1);
    assert_int_equal(work.ended, 1);
}

static int destroy_listed(struct ckf_context *context, void *arg)
{
    (void)context;
    struct work *work = arg;
    AWAIT(is_listed("group group destroy 1;"));
    atomic_fetch_add(&work->ended, 1);
    return 0;
}

static void a_waiting_destroy_is_listed(void **state)
{
    (void)state;
    struct work work = {.group = make(0, NULL)};
    assert_int_equal(ckf_group_go(work.group, destroy_listed, &work, NULL), CKF_OK);
    ckf_group_destroy(work.group);
    assert_int_equal(work.ended, 1);
}

static void who_waited_may_destroy_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct work work = {.group = make(0, NULL)};
        struct test_thread waiter;
        assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, NULL), CKF_OK);
        thread_start(&waiter, wait_for_group, work.group);
        if (round % 4 == 0)
            await_sleep(&waiter);
        else
            AWAIT(is_listed("group group wait 1;"));
        atomic_store(&work.gate_is_open, true);
        assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, NULL), CKF_OK);
        ckf_group_destroy(work.group);
        assert_int_equal(thread_join(&waiter), 0);
    }
}

static void a_waiting_call_is_listed(void **state)
{
    (void)state;
    struct work work = {.group = make(0, NULL)};
    struct test_thread waiter;
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, NULL), CKF_OK);
    thread_start(&waiter, wait_for_group, work.group);
    AWAIT(is_listed("group group wait 1;"));
    atomic_store(&work.gate_is_open, true);
    thread_join(&waiter);
    assert_false(is_listed("group"));
    ckf_group_destroy(work.group);
}

/* --- threads --- */

static int read_own_name(struct ckf_context *context, void *arg)
{
    (void)context;
    pthread_getname_np(pthread_self(), arg, 16);
    return 0;
}

static void threads_are_named_after_their_tasks(void **state)
{
    (void)state;
    char name[16] = "";
    struct ckf_group *group = make(0, NULL);
    assert_int_equal(ckf_group_go(group, read_own_name, name, "a rather long name"), CKF_OK);
    assert_int_equal(ckf_group_wait(group, CKF_FOREVER, NULL), CKF_OK);
    assert_string_equal(name, "a rather long n");
    ckf_group_destroy(group);
}

struct seen {
    char names[8][16];
    uint64_t thread_ids[8];
    int count, most;
    int64_t last_ns;
};

static bool see_task(const struct ckf_running_task *task, void *arg)
{
    struct seen *seen = arg;
    strcpy(seen->names[seen->count], task->name);
    seen->thread_ids[seen->count] = task->thread_id;
    assert_true(task->since_ns >= seen->last_ns && task->since_ns <= clock_ns());
    seen->last_ns = task->since_ns;
    return ++seen->count < seen->most;
}

static struct seen look(struct ckf_group *group, int most)
{
    struct seen seen = {.most = most};
    assert_int_equal(ckf_group_for_each_running(group, see_task, &seen), CKF_OK);
    return seen;
}

static void tasks_that_run_are_named(void **state)
{
    (void)state;
    struct work work = {.group = make(0, NULL)};
    assert_int_equal(look(work.group, 8).count, 0);
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, "the first of them all"),
                     CKF_OK);
    assert_int_equal(ckf_group_go(work.group, count, &work, "short"), CKF_OK);
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, NULL), CKF_OK);
    assert_int_equal(ckf_group_go(work.group, wait_at_gate, &work, "last"), CKF_OK);
    assert_int_equal(ckf_group_wait(work.group, 1, NULL), CKF_TIMED_OUT);
    AWAIT(look(work.group, 8).count == 3);
    AWAIT(look(work.group, 8).thread_ids[2] != 0);
    struct seen seen = look(work.group, 8);
    assert_string_equal(seen.names[0], "the first of th");
    assert_string_equal(seen.names[1], "");
    assert_string_equal(seen.names[2], "last");
    assert_true(seen.thread_ids[0] != seen.thread_ids[2]);
    assert_int_equal(look(work.group, 2).count, 2);
    fail_allocation(1);
    assert_int_equal(ckf_group_for_each_running(work.group, see_task, &seen), CKF_NO_MEMORY);
    atomic_store(&work.gate_is_open, true);
    assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, NULL), CKF_OK);
    assert_int_equal(look(work.group, 8).count, 0);
    ckf_group_destroy(work.group);
}

static int look_until_told(void *arg)
{
    struct work *work = arg;
    while (!atomic_load(&work->gate_is_open)) {
        struct seen seen = look(work->group, 8);
        for (int i = 0; i < seen.count; i++)
            assert_true(strcmp(seen.names[i], "counter") == 0);
    }
    return 0;
}

static void tasks_may_be_looked_at_while_they_come_and_go(void **state)
{
    (void)state;
    struct work work = {.group = make(4, NULL)};
    struct test_thread looker;
    thread_start(&looker, look_until_told, &work);
    for (int i = 0; i < 500; i++)
        assert_int_equal(ckf_group_go(work.group, count, &work, "counter"), CKF_OK);
    assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, NULL), CKF_OK);
    atomic_store(&work.gate_is_open, true);
    thread_join(&looker);
    ckf_group_destroy(work.group);
}

enum { MANY = 3000 };

static void ended_threads_do_not_pile_up(void **state)
{
    (void)state;
    struct ckf_leak_baseline *baseline = NULL;
    assert_int_equal(ckf_leak_baseline_take(&baseline), CKF_OK);
    struct work work = {.group = make(2, NULL)};
    for (int i = 0; i < MANY; i++)
        assert_int_equal(ckf_group_go(work.group, count, &work, NULL), CKF_OK);
    AWAIT(atomic_load(&work.ended) == MANY);
    assert_int_equal(
        ckf_leak_baseline_check(baseline, ckf_deadline_after_ns(PATIENCE_NS), NULL, NULL), CKF_OK);
    assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, NULL), CKF_OK);
    ckf_group_destroy(work.group);
    ckf_leak_baseline_destroy(baseline);
}

/* --- failures --- */

static void without_memory_nothing_is_started(void **state)
{
    (void)state;
    size_t before = live_allocations();
    struct work work = {0};
    const struct ckf_group_options options = {.name = "group"};
    for (unsigned nth = 1; nth <= 3; nth++) {
        fail_allocation(nth);
        assert_int_equal(ckf_group_create(&work.group, &options), CKF_NO_MEMORY);
        assert_null(work.group);
        assert_int_equal(live_allocations(), before);
    }
    work.group = make(1, NULL);
    fail_allocation(1);
    assert_int_equal(ckf_group_go(work.group, count, &work, NULL), CKF_NO_MEMORY);
    fail_allocation(1);
    assert_int_equal(ckf_group_try_go(work.group, count, &work, NULL), CKF_NO_MEMORY);
    assert_int_equal(ckf_group_go(work.group, count, &work, NULL), CKF_OK);
    assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, NULL), CKF_OK);
    assert_int_equal(work.started, 1);
    ckf_group_destroy(work.group);
    assert_int_equal(live_allocations(), before);
}

static void without_a_thread_nothing_is_started(void **state)
{
    (void)state;
    struct work work = {.group = make(1, NULL)};
    size_t before = live_allocations();
    pthread_attr_t usual, excessive;
    pthread_getattr_default_np(&usual);
    pthread_attr_init(&excessive);
    pthread_attr_setstacksize(&excessive, SIZE_MAX / 4);
    assert_int_equal(pthread_setattr_default_np(&excessive), 0);
    errno = 4711;
    assert_int_equal(ckf_group_go(work.group, count, &work, NULL), CKF_NO_MEMORY);
    assert_int_equal(errno, 4711);
    assert_int_equal(pthread_setattr_default_np(&usual), 0);
    assert_int_equal(live_allocations(), before);
    assert_int_equal(ckf_group_try_go(work.group, count, &work, NULL), CKF_OK);
    assert_int_equal(ckf_group_wait(work.group, CKF_FOREVER, NULL), CKF_OK);
    ckf_group_destroy(work.group);
    assert_int_equal(work.started, 1);
}

static void reserved_options_are_refused(void **state)
{
    (void)state;
    struct ckf_group *group = NULL;
    const struct ckf_group_options options = {.reserved = {0, 0, 0, 1}};
    assert_int_equal(ckf_group_create(&group, &options), CKF_INVALID);
    assert_null(group);
}

static int wait_for_own_group(struct ckf_context *context, void *arg)
{
    (void)context;
    return (int)ckf_group_wait(arg, CKF_FOREVER, NULL);
}

static void start_waiting_task(void *arg)
{
    if (ckf_group_go(arg, wait_for_own_group, arg, NULL) == CKF_OK)
        ckf_group_destroy(arg);
}

static int destroy_own_group(struct ckf_context *context, void *arg)
{
    (void)context;
    ckf_group_destroy(arg);
    return 0;
}

static void start_destroying_task(void *arg)
{
    if (ckf_group_go(arg, destroy_own_group, arg, NULL) == CKF_OK)
        (void)!ckf_group_wait(arg, CKF_FOREVER, NULL);
}

static void destroy_under_a_waiter(void *arg)
{
    struct work work = {.group = arg};
    struct test_thread waiter;
    if (ckf_group_go(arg, wait_at_gate, &work, NULL) != CKF_OK)
        return;
    thread_start(&waiter, wait_for_group, arg);
    await_sleep(&waiter);
    ckf_group_destroy(arg);
}

static void destroy_nothing(void *arg)
{
    ckf_group_destroy(arg);
}

static void go_without_task(void *arg)
{
    (void)!ckf_group_go(arg, NULL, NULL, NULL);
}

static void look_at_nothing(void *arg)
{
    ckf_group_for_each_running(arg, see_task, NULL);
}

static void look_without_visitor(void *arg)
{
    ckf_group_for_each_running(arg, NULL, NULL);
}

static void misuse_aborts_with_a_sentence(void **state)
{
    (void)state;
    struct ckf_group *group = make(0, NULL);
    assert_true(aborts_in("ckf_group_destroy", destroy_nothing, NULL));
    assert_true(aborts_in("ckf_group_go", go_without_task, group));
    assert_true(aborts_in("ckf_group_wait", start_waiting_task, group));
    assert_true(aborts_in("ckf_group_for_each_running", look_at_nothing, NULL));
    assert_true(aborts_in("ckf_group_for_each_running", look_without_visitor, group));
    assert_true(aborts_in("ckf_group_destroy", start_destroying_task, group));
    assert_true(aborts_in("ckf_group_destroy", destroy_under_a_waiter, group));
    ckf_group_destroy(group);
}

/* Returns what is wrong, as an exit status. */
static int run_in_child(struct ckf_group *inherited)
{
    struct work work = {.result = 5};
    int error = 0;
    struct ckf_group *own;
    const struct ckf_group_options options = {.parent = ckf_group_context(inherited)};
    if (ckf_group_create(&own, &options) != CKF_OK)
        return 1;
    if (ckf_group_go(own, count, &work, NULL) != CKF_OK ||
        ckf_group_wait(own, CKF_FOREVER, &error) != CKF_OK || error != 5)
        return 2;
    ckf_group_destroy(own);
    if (ckf_group_go(inherited, count, &work, NULL) != CKF_OK ||
        ckf_group_wait(inherited, CKF_FOREVER, &error) != CKF_OK || error != 5)
        return 3;
    ckf_group_destroy(inherited);
    return atomic_load(&work.ended) == 2 ? 0 : 4;
}

static void a_forked_child_may_use_its_groups(void **state)
{
    (void)state;
    struct ckf_group *group = make(0, NULL);
    struct work work = {.group = group};
    pid_t child = fork();
    if (child == 0)
        _exit(run_in_child(group));
    assert_child_succeeds(child);
    assert_int_equal(ckf_context_status(ckf_group_context(group)), CKF_OK);
    assert_int_equal(ckf_group_go(group, count, &work, NULL), CKF_OK);
    assert_int_equal(ckf_group_wait(group, CKF_FOREVER, NULL), CKF_OK);
    assert_int_equal(atomic_load(&work.ended), 1);
    ckf_group_destroy(group);
}

int main(void)
{
    install_failing_allocator();
    const struct CMUnitTest tests[] = {
        /* first: they fork, which ThreadSanitizer wants done while there is one thread */
        cmocka_unit_test(misuse_aborts_with_a_sentence),
        cmocka_unit_test(a_forked_child_may_use_its_groups),
        cmocka_unit_test(every_accepted_task_runs),
        cmocka_unit_test(an_empty_group_has_nothing_to_wait_for),
        cmocka_unit_test(a_wait_that_succeeded_closes_and_cancels),
        cmocka_unit_test(a_wait_that_timed_out_leaves_the_group_open),
        cmocka_unit_test(several_threads_may_wait),
        cmocka_unit_test(tasks_may_start_tasks_while_another_thread_waits),
        cmocka_unit_test(the_limit_is_kept),
        cmocka_unit_test(a_cancel_ends_the_wait_at_the_limit),
        cmocka_unit_test(a_deadline_ends_the_wait_at_the_limit),
        cmocka_unit_test(nothing_accepted_is_lost_whenever_the_cancel_comes),
        cmocka_unit_test(the_first_error_cancels_and_is_reported),
        cmocka_unit_test(a_task_that_exits_its_thread_has_failed),
        cmocka_unit_test(destroy_cancels_and_waits),
        cmocka_unit_test(destroy_wakes_tasks_that_wait_at_the_limit),
        cmocka_unit_test(a_waiting_destroy_is_listed),
        cmocka_unit_test(who_waited_may_destroy_at_once),
        cmocka_unit_test(a_waiting_call_is_listed),
        cmocka_unit_test(threads_are_named_after_their_tasks),
        cmocka_unit_test(tasks_that_run_are_named),
        cmocka_unit_test(tasks_may_be_looked_at_while_they_come_and_go),
        cmocka_unit_test(ended_threads_do_not_pile_up),
        cmocka_unit_test(without_memory_nothing_is_started),
        cmocka_unit_test(without_a_thread_nothing_is_started),
        cmocka_unit_test(reserved_options_are_refused),
    };
    return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
