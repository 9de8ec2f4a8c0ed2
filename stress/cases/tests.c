/* stress/cases/tests.c - groups and leak baselines behind the table of the cases about tests. */
#include "tests.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <ck_filter/clock.h>
#include <ck_filter/context.h>
#include <ck_filter/group.h>
#include <ck_filter/waiters.h>

struct helper {
    struct ckf_context *context;
    tested_body body;
    void *arg;
};

static _Atomic(int) threads;

void thread_begins(void)
{
    threads++;
}

void thread_ends(void)
{
    threads--;
}

int threads_now(void)
{
    return threads;
}

bool helper_says_stop(struct helper *helper)
{
    return helper != NULL && ckf_context_status(helper->context) != CKF_OK;
}

static int run_body(struct ckf_context *context, void *arg)
{
    struct helper *helper = arg;
    helper->context = context;
    helper->body(helper, helper->arg);
    return 0;
}

static void *run_with_patience(tested_body body, void *arg, int64_t ns)
{
    struct helper helper = {.body = body, .arg = arg};
    struct ckf_group *group;
    int error;
    if (ckf_group_create(&group, NULL) != CKF_OK ||
        ckf_group_go(group, run_body, &helper, "tested") != CKF_OK)
        abort();
    (void)!ckf_group_wait(group, ckf_deadline_after_ns(ns), &error);
    ckf_group_destroy(group); /* cancels, and waits */
    return NULL;
}

static void nothing_left(void *left_over)
{
    (void)left_over;
}

static void *take_baseline(void)
{
    struct ckf_leak_baseline *baseline;
    return ckf_leak_baseline_take(&baseline) == CKF_OK ? baseline : NULL;
}

static bool finds_leak(void *baseline, int64_t deadline_ns)
{
    return ckf_leak_baseline_check(baseline, deadline_ns, NULL, NULL) != CKF_OK;
}

static void drop_baseline(void *baseline)
{
    ckf_leak_baseline_destroy(baseline);
}

#define LIBRARY_HELPER                                                                             \
    {                                                                                              \
        run_with_patience, nothing_left, take_baseline, finds_leak, drop_baseline                  \
    }

const struct test_operations mutex_helper = LIBRARY_HELPER, atomic_helper = LIBRARY_HELPER;
