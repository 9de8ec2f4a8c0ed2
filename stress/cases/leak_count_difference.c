/* stress/cases/leak_count_difference.c - a test counts threads before and after.
 *
 * Oracle: the check finds the call that was left behind, and no other. Result: never a false alarm,
 * never nothing. (The kernel's list of threads is beyond the explore engine: there the check sees blocked
 * calls alone.)
 */
#include <ck_filter/channel.h>
#include <ck_filter/clock.h>
#include <ck_filter/stress.h>
#include <ck_filter/waiters.h>

#include <pthread.h>
#include <stdlib.h>

#include "../racy/tests.h"
#include "tests.h"

/* A thread of the code under test: ends when its channel closes. */
struct tested_thread {
    struct ckf_channel *channel;
    pthread_t thread;
};

struct state {
    struct tested_thread early, leaking; /* one that was there before, one that will be left */
    void *before;
};

static void *receive(void *arg)
{
    struct tested_thread *tested = arg;
    thread_begins();
    if (ckf_channel_recv(tested->channel, NULL) == CKF_OK)
        abort(); /* nobody sends */
    ckf_stress_pause(NULL);
    thread_ends();
    return NULL;
}

static void start(struct tested_thread *tested)
{
    if (ckf_channel_create(&tested->channel, NULL) != CKF_OK ||
        pthread_create(&tested->thread, NULL, receive, tested) != 0)
        abort();
}

static void let_go(struct tested_thread *tested)
{
    ckf_channel_close(tested->channel);
}

static void end(struct tested_thread *tested)
{
    let_go(tested);
    pthread_join(tested->thread, NULL);
    ckf_channel_destroy(tested->channel);
}

static bool count_receivers(const struct ckf_waiter *waiter, void *count)
{
    *(unsigned *)count += waiter->operation[0] == 'r';
    return true;
}

/* Waits until so many of them sleep in the library: by then the harness's own threads do, too. */
static void await_receivers(unsigned wanted)
{
    for (unsigned count = 0; count != wanted; ckf_stress_spin(NULL)) {
        count = 0;
        if (ckf_waiters_for_each(count_receivers, &count) != CKF_OK)
            abort();
    }
}

static void setup(struct ckf_stress_run *run, void *state)
{
    const struct test_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    start(&s->early);
    await_receivers(1);
    s->before = operations->take_baseline();
}

/* An old thread ends, and a new one is left behind. */
static void leaking_test(struct ckf_stress_run *run, void *state)
{
    const struct test_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    start(&s->leaking);
    await_receivers(2);
    let_go(&s->early);
    await_receivers(1);
    bool found = operations->finds_leak(s->before, ckf_deadline_after_ns(1000000));
    ckf_stress_outcome(run, found ? "right" : "missed leak");
    end(&s->leaking);
}

/* A thread has been told to end, and is about to. */
static void tidy_test(struct ckf_stress_run *run, void *state)
{
    const struct test_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    start(&s->leaking);
    let_go(&s->leaking);
    bool found = operations->finds_leak(s->before, CKF_FOREVER);
    ckf_stress_outcome(run, found ? "false alarm" : "right");
    end(&s->leaking);
}

static void test(struct ckf_stress_run *run, void *state)
{
    if (ckf_stress_random(run, 2) == 0)
        leaking_test(run, state);
    else
        tidy_test(run, state);
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    const struct test_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    operations->drop_baseline(s->before);
    end(&s->early);
}

CKF_STRESS_CASE(leak_count_difference) = {
    .id = "leak-count-difference",
    .collection = "tasks",
    .title = "a test counts threads before and after, once",
    .story =
        "`if runtime.NumGoroutine() > before`: a goroutine that needs a moment to end is an alarm, "
        "and one that ended hides one that leaks.",
    .operations = {&racy_counting_helper, &mutex_helper, &atomic_helper},
    .state_size = sizeof(struct state),
    .setup = setup,
    .actors = {{"test", test, 1}},
    .teardown = teardown,
    .outcomes = {{"right", CKF_STRESS_ACCEPTABLE, "the leak was found, and only that"},
                 {"missed leak", CKF_STRESS_FORBIDDEN, "another thread's end hid it"},
                 {"false alarm", CKF_STRESS_FORBIDDEN, "a thread was on its way out"}},
};
