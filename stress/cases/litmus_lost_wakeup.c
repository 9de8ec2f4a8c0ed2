/* stress/cases/litmus_lost_wakeup.c - the harness's own check that it tells sleeping for ever from being
 * slow: a wake-up between the look at a flag and the sleep is lost. */
#include <pthread.h>
#include <stdatomic.h>

#include <ck_filter/stress.h>

#include "../racy/wakeup.h"

struct operations {
    void (*await)(struct racy_flag *);
    void (*raise)(struct racy_flag *);
};

static void locked_await(struct racy_flag *flag)
{
    pthread_mutex_lock(&flag->lock);
    while (atomic_load(&flag->value) == 0)
        pthread_cond_wait(&flag->raised, &flag->lock);
    pthread_mutex_unlock(&flag->lock);
}

static void locked_raise(struct racy_flag *flag)
{
    pthread_mutex_lock(&flag->lock);
    atomic_store(&flag->value, 1);
    pthread_cond_signal(&flag->raised);
    pthread_mutex_unlock(&flag->lock);
}

static void spin_await(struct racy_flag *flag)
{
    while (atomic_load(&flag->value) == 0)
        ckf_stress_spin(NULL);
}

static void spin_raise(struct racy_flag *flag)
{
    atomic_store(&flag->value, 1);
}

static const struct operations racy = {racy_flag_await, racy_flag_raise},
                               mutex = {locked_await, locked_raise},
                               atomic = {spin_await, spin_raise};

static void setup(struct ckf_stress_run *run, void *state)
{
    (void)run;
    racy_flag_init(state);
}

static void waiter(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    operations->await(state);
}

static void raiser(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    operations->raise(state);
}

static void judge(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_outcome(run, "woken");
}

static void teardown(struct ckf_stress_run *run, void *state)
{
    (void)run;
    racy_flag_destroy(state);
}

CKF_STRESS_CASE(litmus_lost_wakeup) = {
    .id = "litmus-lost-wakeup",
    .collection = "harness",
    .title = "a thread looks at a flag, then sleeps until it is raised",
    .operations =
        {[CKF_STRESS_RACY] = &racy, [CKF_STRESS_MUTEX] = &mutex, [CKF_STRESS_ATOMIC] = &atomic},
    .state_size = sizeof(struct racy_flag),
    .setup = setup,
    .actors = {{.name = "waiter", .body = waiter, .copies = 1},
               {.name = "raiser", .body = raiser, .copies = 1}},
    .arbiter = judge,
    .teardown = teardown,
    .outcomes = {{"woken", CKF_STRESS_ACCEPTABLE, "the waiter went on"},
                 {"hang", CKF_STRESS_FORBIDDEN, "the wake-up came before the sleep, and was lost"}},
};
