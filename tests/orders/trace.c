/* tests/orders/trace.c - a recording that is read while threads note events, begin logs and leave them. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "scene.h"

struct state {
    int fd;
};

static void start_recording(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    expect(run, s->fd >= 0 && ckf_trace_start(0) == CKF_OK);
}

static void note_two(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    ckf_trace_mark("one", 1);
    ckf_trace_mark("two", 2);
}

static void write_recording(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_trace_write(((struct state *)state)->fd) == CKF_OK);
}

/* What the noter has in its log, or not yet, is of the recording before. */
static void write_next_recording(struct ckf_stress_run *run, void *state)
{
    ckf_trace_stop();
    expect(run, ckf_trace_start(0) == CKF_OK);
    write_recording(run, state);
}

static void *note_and_exit(void *unused)
{
    (void)unused;
    ckf_trace_mark("last", 1);
    return NULL;
}

static void start_noter(struct ckf_stress_run *run, void *state)
{
    pthread_t thread;
    (void)state;
    expect(run, pthread_create(&thread, NULL, note_and_exit, NULL) == 0);
    expect(run, pthread_join(thread, NULL) == 0);
}

static void free_left_log(struct ckf_stress_run *run, void *state)
{
    (void)state;
    ckf_trace_stop();
    expect(run, ckf_trace_start(0) == CKF_OK);
}

/* The actors have left their logs, which the next start frees. */
static void end_recording(struct ckf_stress_run *run, void *state)
{
    free_left_log(run, state);
    ckf_trace_stop();
    close(((struct state *)state)->fd);
}

SCENE(recording_is_written, "order-recording-is-written", ATOMIC_ONLY, start_recording,
      end_recording, {"noter", note_two, 1}, {"writer", write_recording, 1});
SCENE(recording_is_followed, "order-recording-is-followed", ATOMIC_ONLY, start_recording,
      end_recording, {"noter", note_two, 1}, {"writer", write_next_recording, 1});
SCENE(log_is_left, "order-log-is-left", ATOMIC_ONLY, start_recording, end_recording,
      {"starter", start_noter, 1}, {"owner", free_left_log, 1});
