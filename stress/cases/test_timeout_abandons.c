/* stress/cases/test_timeout_abandons.c - a test helper gives up on a worker that takes too long.
 *
 * Oracle: when the helper has returned, nothing of the worker runs any more. Result: never still
 * running.
 */
#include <ck_filter/stress.h>

#include "../racy/tests.h"
#include "tests.h"

struct state {
    _Atomic(bool) test_is_over;
    _Atomic(int) running;
};

/* Takes longer than the helper has patience. */
static void work(struct helper *helper, void *arg)
{
    struct state *s = arg;
    s->running++;
    while (!helper_says_stop(helper) && !s->test_is_over)
        ckf_stress_spin(NULL);
    s->running--;
}

static void test(struct ckf_stress_run *run, void *state)
{
    const struct test_operations *operations = ckf_stress_operations(run);
    struct state *s = state;
    void *left_over = operations->run_with_patience(work, s, 100000);
    ckf_stress_pause(run);
    ckf_stress_outcome(run, s->running == 0 ? "ended" : "abandoned");
    s->test_is_over = true;
    operations->join_left_over(left_over);
}

CKF_STRESS_CASE(test_timeout_abandons) = {
    .id = "test-timeout-abandons",
    .collection = "tasks",
    .title = "a test helper gives up on a worker and leaves it",
    .story = "`select { case <-done: case <-time.After(d): t.Fatal() }`: the goroutine goes on, "
             "into the "
             "next test and with this one's state. A group is cancelled and waited for.",
    .operations = {&racy_abandoning_helper, &mutex_helper, &atomic_helper},
    .state_size = sizeof(struct state),
    .actors = {{"test", test, 1}},
    .flags = CKF_STRESS_DETERMINISTIC,
    .outcomes = {{"ended", CKF_STRESS_ACCEPTABLE, "the worker was told to stop, and waited for"},
                 {"abandoned", CKF_STRESS_FORBIDDEN, "the worker ran on after its test"}},
};
