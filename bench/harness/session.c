/* session.c - the life of one contestant in one workload: state, threads, background, checks.
 *
 * Roles: the main thread opens, sets up, runs, verifies and tears down; actor threads exist for one
 * run and touch their own bench_run; a background thread lives as long as one run of a per-op
 * workload and is told to stop under stop_lock.
 *
 * Fixed work: the threads meet at a barrier, note the time, do their share and note the time again.
 * The span is the last end minus the first start, so creating and joining threads is not in it.
 */
#include "harness/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/clock.h"
#include "harness/google.h"

enum { DEFAULT_BATCH = 1024 };

static void give_up(const char *what, int error)
{
    fprintf(stderr, "ckf-bench: %s: %s\n", what, strerror(error));
    exit(2);
}

static struct bench_run run_of(struct session *session, unsigned actor, unsigned copy)
{
    return (struct bench_run){.session = session, .actor = actor, .copy = copy};
}

void session_open(struct session *session, const struct bench_workload *workload,
                  const struct bench_contestant *contestant)
{
    memset(session, 0, sizeof(*session));
    session->workload = workload;
    session->contestant = contestant;
    size_t size = (workload->state_size + BENCH_CACHELINE_BYTES - 1) / BENCH_CACHELINE_BYTES *
                  BENCH_CACHELINE_BYTES;
    session->state = aligned_alloc(BENCH_CACHELINE_BYTES, size);
    if (session->state == NULL)
        give_up("memory for a workload", ENOMEM);
    memset(session->state, 0, size);
    session->alone = run_of(session, 0, 0);
    for (unsigned actor = 0; actor < BENCH_MAX_ACTORS; actor++)
        for (unsigned copy = 0; copy < workload->actors[actor].copies; copy++)
            session->runs[session->thread_count++] = run_of(session, actor, copy);
    pthread_mutex_init(&session->stop_lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&session->stop_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&session->failure_lock, NULL);
}

void session_close(struct session *session)
{
    pthread_mutex_destroy(&session->failure_lock);
    pthread_cond_destroy(&session->stop_changed);
    pthread_mutex_destroy(&session->stop_lock);
    free(session->state);
}

void session_setup(struct session *session)
{
    session->workload->setup(&session->alone, session->state);
}

void session_verify(struct session *session)
{
    session->workload->verify(&session->alone, session->state);
}

void session_teardown(struct session *session)
{
    session->workload->teardown(&session->alone, session->state);
}

bool session_failed(const struct session *session)
{
    return session->failure[0] != '\0';
}

void bench_fail(struct bench_run *run, const char *format, ...)
{
    struct session *session = run->session;
    pthread_mutex_lock(&session->failure_lock);
    if (!session_failed(session)) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(session->failure, sizeof(session->failure), format, arguments);
        va_end(arguments);
    }
    pthread_mutex_unlock(&session->failure_lock);
}

/* What bodies ask. */

unsigned bench_thread(const struct bench_run *run)
{
    return run->copy;
}

unsigned bench_threads(const struct bench_run *run)
{
    return bench_copies(run, run->actor);
}

unsigned bench_copies(const struct bench_run *run, unsigned actor)
{
    return run->session->workload->actors[actor].copies;
}

const struct bench_workload *bench_workload(const struct bench_run *run)
{
    return run->session->workload;
}

const void *bench_face(const struct bench_run *run)
{
    return run->session->contestant->face;
}

size_t bench_work(const struct bench_run *run)
{
    return run->session->work;
}

size_t bench_share(const struct bench_run *run)
{
    size_t work = bench_work(run), copies = bench_threads(run);
    return work / copies + (run->copy < work % copies);
}

uint64_t bench_iterations(const struct bench_run *run)
{
    return run->session->iterations_done;
}

void bench_value(struct bench_run *run, double value)
{
    run->session->has_value = true;
    run->session->value = value;
}

static void call_body(struct bench_run *run, unsigned role)
{
    run->session->contestant->bodies[role](run, run->session->state);
}

/* The background thread. */

bool bench_tick(struct bench_run *run, int64_t period_ns)
{
    struct session *session = run->session;
    run->last_tick_ns += period_ns;
    struct timespec until = {.tv_sec = (time_t)(run->last_tick_ns / 1000000000),
                             .tv_nsec = (long)(run->last_tick_ns % 1000000000)};
    pthread_mutex_lock(&session->stop_lock);
    while (!session->stop && bench_now_ns() < run->last_tick_ns)
        pthread_cond_timedwait(&session->stop_changed, &session->stop_lock, &until);
    bool go_on = !session->stop;
    pthread_mutex_unlock(&session->stop_lock);
    /* A beat that came late does not make the next ones come in a burst. */
    if (bench_now_ns() > run->last_tick_ns + period_ns)
        run->last_tick_ns = bench_now_ns();
    return go_on;
}

void bench_background_done(struct bench_run *run)
{
    run->session->background_count++;
}

static void *background_main(void *argument)
{
    struct bench_run *run = argument;
    run->last_tick_ns = run->start_ns = bench_now_ns();
    call_body(run, run->session->workload->background.role);
    run->session->background_ns += bench_now_ns() - run->start_ns;
    return NULL;
}

static void background_start(struct session *session)
{
    if (session->workload->background.copies == 0)
        return;
    session->background = run_of(session, 0, 0);
    session->stop = false;
    session->background_count = 0;
    session->background_ns = 0;
    int error =
        pthread_create(&session->background_thread, NULL, background_main, &session->background);
    if (error != 0)
        give_up("a background thread", error);
}

static void background_stop(struct session *session)
{
    if (session->workload->background.copies == 0)
        return;
    pthread_mutex_lock(&session->stop_lock);
    session->stop = true;
    pthread_cond_broadcast(&session->stop_changed);
    pthread_mutex_unlock(&session->stop_lock);
    pthread_join(session->background_thread, NULL);
}

static double span_ns(const struct session *session)
{
    int64_t start = INT64_MAX, end = 0;
    for (unsigned i = 0; i < session->thread_count; i++) {
        if (session->runs[i].start_ns < start)
            start = session->runs[i].start_ns;
        if (session->runs[i].end_ns > end)
            end = session->runs[i].end_ns;
    }
    return end > start ? (double)(end - start) : 1.0;
}

/* Per-op. */

size_t bench_batch(struct bench_run *run)
{
    unsigned batch = run->session->workload->batch;
    if (batch == 0)
        batch = DEFAULT_BATCH;
    /* Before the call, since the last one waits for the other threads. */
    run->end_ns = bench_now_ns();
    bool more = google_keep_running(run->google_state, batch);
    if (run->start_ns == 0)
        run->start_ns = bench_now_ns();
    return more ? batch : 0;
}

static void per_op_thread(void *argument, void *google_state, unsigned thread)
{
    struct session *session = argument;
    struct bench_run *run = &session->runs[thread];
    run->google_state = google_state;
    run->start_ns = 0;
    call_body(run, session->workload->actors[0].role);
}

void session_run_per_op(struct session *session, double min_seconds, struct measurement *out)
{
    unsigned threads = session->thread_count;
    unsigned units = session->workload->units == 0 ? 1 : session->workload->units;
    background_start(session);
    struct google_result result;
    bool ok = google_run(session->workload->id, threads, session->iterations_each, min_seconds,
                         per_op_thread, session, &result);
    background_stop(session);
    if (!ok) {
        bench_fail(&session->alone, "Google Benchmark reported no run");
        return;
    }
    session->iterations_each = result.iterations / threads;
    session->iterations_done += result.iterations_started;
    *out = (struct measurement){
        .span_ns = span_ns(session),
        .units = (double)result.iterations * units,
        .cpus_busy = result.real_seconds > 0 ? result.cpu_seconds / result.real_seconds : 0,
    };
}

/* Fixed work. */

struct actor_thread {
    struct bench_run *run;
    pthread_barrier_t *start_line;
    pthread_t thread;
};

static void *actor_main(void *argument)
{
    struct actor_thread *actor = argument;
    struct bench_run *run = actor->run;
    pthread_barrier_wait(actor->start_line);
    run->start_ns = bench_now_ns();
    int64_t cpu_start_ns = bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    call_body(run, run->session->workload->actors[run->actor].role);
    run->cpu_ns = bench_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_start_ns;
    run->end_ns = bench_now_ns();
    return NULL;
}

void session_run_fixed_work(struct session *session, struct measurement *out)
{
    struct actor_thread actors[BENCH_MAX_THREADS];
    pthread_barrier_t start_line;

    session->has_value = false;
    session_setup(session);
    if (session_failed(session))
        return;
    pthread_barrier_init(&start_line, NULL, session->thread_count);
    for (unsigned i = 0; i < session->thread_count; i++) {
        actors[i] = (struct actor_thread){.run = &session->runs[i], .start_line = &start_line};
        int error = pthread_create(&actors[i].thread, NULL, actor_main, &actors[i]);
        if (error != 0)
            give_up("a thread", error);
    }
    double cpu_ns = 0;
    for (unsigned i = 0; i < session->thread_count; i++) {
        pthread_join(actors[i].thread, NULL);
        cpu_ns += (double)session->runs[i].cpu_ns;
    }
    pthread_barrier_destroy(&start_line);
    *out = (struct measurement){.span_ns = span_ns(session), .units = (double)session->work};
    out->cpus_busy = cpu_ns / out->span_ns;
    session_verify(session);
    session_teardown(session);
    out->has_value = session->has_value;
    out->value = session->value;
}
