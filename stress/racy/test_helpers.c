/* stress/racy/test_helpers.c - one helper waits with a deadline and then leaves its worker alone; the
 * other takes the difference of two counts for a proof. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <ck_filter/clock.h>
#include <ck_filter/stress.h>

#include "tests.h"

struct worker {
    tested_body body;
    void *arg;
    _Atomic(bool) started, done;
    pthread_t thread;
};

static void *run(void *arg)
{
    struct worker *worker = arg;
    worker->started = true;
    worker->body(NULL, worker->arg); /* nobody will tell it to stop */
    worker->done = true;
    return NULL;
}

enum { TURNS = 20 }; /* as long as its patience */

static void *run_with_patience(tested_body body, void *arg, int64_t ns)
{
    struct worker *worker = calloc(1, sizeof *worker);
    (void)ns;
    if (worker == NULL)
        abort();
    worker->body = body;
    worker->arg = arg;
    if (pthread_create(&worker->thread, NULL, run, worker) != 0)
        abort();
    while (!worker->started)
        ckf_stress_spin(NULL);
    for (int turn = 0; turn < TURNS && !worker->done; turn++)
        ckf_stress_spin(NULL);
    return worker;
}

/* So that an iteration leaves nothing behind; a real test would be over by now. */
static void join_left_over(void *left_over)
{
    struct worker *worker = left_over;
    pthread_join(worker->thread, NULL);
    free(worker);
}

static void *count(void)
{
    int *before = malloc(sizeof *before);
    if (before == NULL)
        abort();
    *before = threads_now();
    return before;
}

static bool has_more(void *before, int64_t deadline_ns)
{
    (void)deadline_ns;
    return threads_now() > *(int *)before;
}

const struct test_operations racy_abandoning_helper = {.run_with_patience = run_with_patience,
                                                       .join_left_over = join_left_over};
const struct test_operations racy_counting_helper = {
    .take_baseline = count, .finds_leak = has_more, .drop_baseline = free};
