/* tests/recorded_cases.c - cases that record what they do, for both engines; test_stress.c and
 * test_explore_cases.c run them. The first one stands in docs/STRESS.md, too. */
#include <stdatomic.h>
#include <stdio.h>

#include <ck_filter/stress.h>

struct permits {
    _Atomic(int) free;
};
struct operations {
    enum ckf_status (*try_acquire)(struct permits *);
};

static enum ckf_status look_then_take(struct permits *permits)
{
    if (atomic_load(&permits->free) == 0)
        return CKF_AGAIN;
    ckf_stress_pause(NULL);
    atomic_fetch_sub(&permits->free, 1);
    return CKF_OK;
}

static enum ckf_status take_if_any(struct permits *permits)
{
    int seen = atomic_load(&permits->free);
    do
        if (seen == 0)
            return CKF_AGAIN;
    while (!atomic_compare_exchange_weak(&permits->free, &seen, seen - 1));
    return CKF_OK;
}

static const struct operations racy = {look_then_take}, sound = {take_if_any};

/* What permits are when calls come one after the other. */

enum { ACQUIRE, RELEASE };
struct model {
    int free;
};

static void init(void *state, const void *parameter)
{
    ((struct model *)state)->free = *(const int *)parameter;
}

static bool apply(void *state, const struct ckf_stress_operation *operation, unsigned step,
                  const void *parameter)
{
    (void)step;
    (void)parameter;
    struct model *model = state;
    if (operation->code == RELEASE)
        return ++model->free > 0;
    if (operation->status == CKF_AGAIN)
        return model->free == 0;
    return model->free-- > 0;
}

static void print(const struct ckf_stress_operation *operation, char *text, size_t size)
{
    snprintf(text, size, "%s: %s", operation->code == ACQUIRE ? "try_acquire" : "release",
             ckf_status_name((enum ckf_status)operation->status));
}

static const int one = 1;
static const struct ckf_stress_specification specification = {.name = "set of permits",
                                                              .state_size = sizeof(struct model),
                                                              .init = init,
                                                              .apply = apply,
                                                              .print = print,
                                                              .parameter = &one};

static void fill(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ((struct permits *)state)->free = 1;
}

static void user(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    struct permits *permits = state;
    for (unsigned i = 0; i < ckf_stress_rounds(run); i++) {
        ckf_stress_call(run, ACQUIRE, 0, 0, 0);
        enum ckf_status status = operations->try_acquire(permits);
        ckf_stress_return(run, status, 0);
        if (status != CKF_OK)
            continue;
        ckf_stress_call(run, RELEASE, 0, 0, 0);
        atomic_fetch_add(&permits->free, 1);
        ckf_stress_return(run, CKF_OK, 0);
    }
}

CKF_STRESS_CASE(permits) = {
    .id = "records-permits",
    .collection = "records",
    .title = "two users share one permit",
    .operations = {[CKF_STRESS_RACY] = &racy, [CKF_STRESS_ATOMIC] = &sound},
    .state_size = sizeof(struct permits),
    .setup = fill,
    .actors = {{.name = "user", .body = user, .copies = 2}},
    .rounds = 25,
    .explore_rounds = 2,
    .specification = &specification,
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "no more permits were given than there are"}},
};

/* The same without a repair. */
CKF_STRESS_CASE(permits_still_broken) = {
    .id = "records-still-broken",
    .collection = "records",
    .title = "two users share one permit",
    .operations = {[CKF_STRESS_ATOMIC] = &racy},
    .state_size = sizeof(struct permits),
    .setup = fill,
    .actors = {{.name = "user", .body = user, .copies = 2}},
    .rounds = 25,
    .explore_rounds = 2,
    .specification = &specification,
    .outcomes = {{"*", CKF_STRESS_ACCEPTABLE, "whatever the bodies report"}},
};

static void use_too_often(struct ckf_stress_run *run, void *state)
{
    (void)state;
    for (int i = 0; i <= CKF_STRESS_MAX_CALLS; i++) {
        ckf_stress_call(run, RELEASE, 0, 0, 0);
        ckf_stress_return(run, CKF_OK, 0);
    }
}

CKF_STRESS_CASE(too_much) = {
    .id = "records-too-much",
    .collection = "records",
    .title = "an actor records more than there is room for",
    .operations = {[CKF_STRESS_ATOMIC] = &sound},
    .state_size = sizeof(struct permits),
    .actors = {{.name = "user", .body = use_too_often, .copies = 1}},
    .specification = &specification,
    .outcomes = {{"*", CKF_STRESS_ACCEPTABLE, "whatever the bodies report"}},
};

static void call_twice(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_stress_call(run, RELEASE, 0, 0, 0);
    ckf_stress_call(run, RELEASE, 0, 0, 0);
}

CKF_STRESS_CASE(called_twice) = {
    .id = "records-call-in-call",
    .collection = "records",
    .title = "an actor records a call within a call",
    .operations = {[CKF_STRESS_ATOMIC] = &sound},
    .state_size = sizeof(struct permits),
    .actors = {{.name = "user", .body = call_twice, .copies = 1}},
    .specification = &specification,
};

CKF_STRESS_CASE(unspecified) = {
    .id = "records-unspecified",
    .collection = "records",
    .title = "an actor records, and nothing says what is right",
    .operations = {[CKF_STRESS_ATOMIC] = &sound},
    .state_size = sizeof(struct permits),
    .actors = {{.name = "user", .body = call_twice, .copies = 1}},
};

/* An operation that never returns: here it has had its effect. */
static void leave_in_a_call(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    ckf_stress_call(run, ACQUIRE, 0, 0, 0);
    (void)operations->try_acquire(state);
}

static void find_none(struct ckf_stress_run *run, void *state)
{
    const struct operations *operations = ckf_stress_operations(run);
    ckf_stress_call(run, ACQUIRE, 0, 0, 0);
    ckf_stress_return(run, operations->try_acquire(state), 0);
}

CKF_STRESS_CASE(unreturned) = {
    .id = "records-unreturned",
    .collection = "records",
    .title = "an actor leaves in the middle of an operation",
    .operations = {[CKF_STRESS_ATOMIC] = &sound},
    .state_size = sizeof(struct permits),
    .setup = fill,
    .actors = {{.name = "user", .body = leave_in_a_call, .copies = 1}},
    .arbiter = find_none,
    .specification = &specification,
    .outcomes = {{"ok", CKF_STRESS_ACCEPTABLE, "the permit is gone"}},
};
