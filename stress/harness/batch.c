/* harness/batch.c - the parent's side of a batch: fork, watch, collect.
 *
 * The parent has one thread and no state of the library, so that a fork copies nothing that could be
 * in use. It learns of the child's end from a pipe that only the child holds open (or, if something
 * that outlives the child has inherited it, by asking now and then), and reads the region only when
 * the child is gone. */
#include "harness/batch.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/clock.h"
#include "harness/watch.h"

/* Between two calls of `tick`. */
#define TICK_NS (100 * CKF_STRESS_MS)

struct child {
    pid_t pid;
    int alive; /* end of a pipe: readable (at its end) when the child is gone */
    int wait_status;
    bool killed;        /* by us, since it hung */
    char hung_as[1024]; /* what its actors did then */
    int64_t cpu_ns;
};

unsigned ckf_stress_allowed_cpus(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 1;
    return (unsigned)CPU_COUNT(&allowed);
}

unsigned ckf_stress_count(struct ckf_stress_row *rows, unsigned *row_count,
                          const struct ckf_stress_case *test, const char *outcome, uint64_t count)
{
    enum { FOR_OTHERS = 3 }; /* one a grade */
    static const char *const others[FOR_OTHERS] = {"(other acceptable)", "(other interesting)",
                                                   "(other forbidden)"};
    char text[CKF_STRESS_OUTCOME_BYTES];
    snprintf(text, sizeof text, "%s", outcome);
    enum ckf_stress_grade grade = ckf_stress_grade(test, outcome)->grade;
    for (int tries = 0; tries < 2; tries++) {
        for (unsigned i = 0; i < *row_count; i++)
            if (rows[i].grade == grade && strcmp(rows[i].text, text) == 0) {
                rows[i].count += count;
                return i;
            }
        if (*row_count < CKF_STRESS_MAX_ROWS - FOR_OTHERS)
            break;
        snprintf(text, sizeof text, "%s", others[grade]);
    }
    struct ckf_stress_row *row = &rows[*row_count];
    memcpy(row->text, text, sizeof text);
    row->grade = grade;
    row->count = count;
    return (*row_count)++;
}

/* --- What a child prints ------------------------------------------------------------------------ */

/* A file in memory that stands for the child's outputs; -1: there is none. */
static int output_file(void)
{
    static int fd = -2;
    if (fd == -2)
        fd = memfd_create("output", MFD_CLOEXEC);
    return fd;
}

/* A sanitizer's words are for the user; everything else is kept for the case of a failure. */
static bool captures_output(const struct ckf_stress_batch *batch)
{
    return output_file() >= 0 && !(ckf_stress_sanitized() && batch->variant != CKF_STRESS_RACY);
}

static void clear_output(void)
{
    int fd = output_file();
    if (fd >= 0 && ftruncate(fd, 0) == 0)
        lseek(fd, 0, SEEK_SET);
}

static void collect_output(char *text, size_t size)
{
    off_t end = output_file() >= 0 ? lseek(output_file(), 0, SEEK_END) : 0;
    off_t begin = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
    ssize_t length = end > 0 ? pread(output_file(), text, (size_t)(end - begin), begin) : 0;
    text[length > 0 ? length : 0] = '\0';
}

/* --- Birth and death ---------------------------------------------------------------------------- */

static struct ckf_stress_region *map_region(const struct ckf_stress_batch *batch)
{
    struct ckf_stress_region *region =
        mmap(NULL, sizeof *region, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED)
        return NULL;
    region->slot_count = ckf_stress_thread_count(batch->test, batch->point.copies);
    return region;
}

_Noreturn static void be_child(const struct ckf_stress_batch *batch,
                               struct ckf_stress_region *region)
{
    if (captures_output(batch)) {
        dup2(output_file(), STDOUT_FILENO);
        dup2(output_file(), STDERR_FILENO);
    }
    ckf_stress_child(batch, region);
}

/* False, with a reason in errno. */
static bool begin_child(struct child *child, const struct ckf_stress_batch *batch,
                        struct ckf_stress_region *region)
{
    int ends[2];
    *child = (struct child){.pid = -1};
    if (pipe(ends) != 0)
        return false;
    fflush(NULL);
    clear_output();
    child->pid = fork();
    if (child->pid == 0) {
        close(ends[0]);
        be_child(batch, region);
    }
    int error = errno;
    close(ends[1]);
    if (child->pid < 0)
        close(ends[0]);
    child->alive = ends[0];
    errno = error;
    return child->pid > 0;
}

/* True once the child is gone; waits for that for at most CKF_STRESS_WATCH_NS. */
static bool is_gone(struct child *child)
{
    struct pollfd end = {.fd = child->alive, .events = POLLIN};
    bool closed = poll(&end, 1, (int)(CKF_STRESS_WATCH_NS / CKF_STRESS_MS)) > 0;
    struct rusage usage;
    if (wait4(child->pid, &child->wait_status, WNOHANG, &usage) != child->pid) {
        if (closed) { /* it is about to be */
            struct timespec moment = {.tv_nsec = 50000};
            nanosleep(&moment, NULL);
        }
        return false;
    }
    child->cpu_ns = ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * CKF_STRESS_S +
                    ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
    return true;
}

static void await_end(struct child *child, const struct ckf_stress_batch *batch,
                      const struct ckf_stress_region *region,
                      void (*tick)(uint64_t, uint64_t, void *), void *arg)
{
    static struct ckf_stress_watch watch; /* large */
    ckf_stress_watch_begin(&watch, child->pid, region, batch->variant != CKF_STRESS_RACY);
    int64_t next_tick = ckf_stress_now_ns() + TICK_NS;
    while (!is_gone(child)) {
        if (!child->killed && ckf_stress_watch_hangs(&watch)) {
            child->killed = true;
            ckf_stress_watch_describe(&watch, batch, child->hung_as, sizeof child->hung_as);
            kill(child->pid, SIGKILL);
        }
        if (tick != NULL && ckf_stress_now_ns() >= next_tick) {
            /* relaxed: figures for a progress line. */
            tick(atomic_load_explicit(&region->iterations, memory_order_relaxed),
                 atomic_load_explicit(&region->failures, memory_order_relaxed), arg);
            next_tick = ckf_stress_now_ns() + TICK_NS;
        }
    }
    close(child->alive);
}

/* --- The outcome of the last iteration ---------------------------------------------------------- */

static bool died_of_own_fault(int wait_status)
{
    if (!WIFSIGNALED(wait_status))
        return true; /* exit(), from within an iteration */
    switch (WTERMSIG(wait_status)) {
    case SIGABRT:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGSYS:
    case SIGPIPE:
        return true;
    default:
        return false;
    }
}

/* The outcome of the iteration that the child did not survive; NULL: it survived all. */
static const char *last_outcome(const struct child *child, const struct ckf_stress_region *region)
{
    static const char *const names[] = {NULL, "abort", "use after free", "double free", "crash"};
    /* relaxed throughout: the child is gone. */
    if (atomic_load_explicit(&region->phase, memory_order_relaxed) == CKF_STRESS_ENDED)
        return NULL;
    if (atomic_load_explicit(&region->sanitizer_spoke, memory_order_relaxed) != 0)
        return "sanitizer report";
    int fatal = atomic_load_explicit(&region->fatal, memory_order_relaxed);
    if (fatal != CKF_STRESS_FATAL_NONE)
        return names[fatal];
    return child->killed ? "hang" : "crash";
}

/* Why the batch says nothing about its case; false: it does. */
static bool explain_error(const struct child *child, const struct ckf_stress_region *region,
                          char *text, size_t size)
{
    int status = child->wait_status;
    bool ended = atomic_load_explicit(&region->phase, memory_order_relaxed) == CKF_STRESS_ENDED;
    bool starting =
        atomic_load_explicit(&region->phase, memory_order_relaxed) == CKF_STRESS_STARTING;
    if (region->error[0] != '\0')
        snprintf(text, size, "%s", region->error);
    else if (!ended && !child->killed && !died_of_own_fault(status))
        snprintf(
            text, size,
            "the child was killed by signal %d (%s): out of memory, by somebody outside, or by a "
            "body that raised it",
            WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (starting)
        snprintf(text, size, "the child ended before its first iteration");
    return text[0] != '\0';
}

/* Counts the iteration that ended the child, and dates its failure if it is the first. */
static void count_last(const struct ckf_stress_batch *batch, const struct child *child,
                       struct ckf_stress_region *region, struct ckf_stress_result *result)
{
    const char *last = last_outcome(child, region);
    if (last == NULL)
        return;
    unsigned row = ckf_stress_count(region->rows, &region->row_count, batch->test, last, 1);
    result->hung = child->killed;
    if (region->rows[row].grade != CKF_STRESS_FORBIDDEN || region->first_failure_iteration != 0)
        return;
    region->first_failure_iteration =
        atomic_load_explicit(&region->iterations, memory_order_relaxed) + 1;
    if (child->killed)
        region->first_failure_ns =
            atomic_load_explicit(&region->looked_ns, memory_order_relaxed) - region->started_ns;
    else
        region->first_failure_ns = region->fatal_ns != 0 ? region->fatal_ns : result->ran_ns;
}

static void collect(const struct ckf_stress_batch *batch, const struct child *child,
                    struct ckf_stress_region *region, struct ckf_stress_result *result)
{
    int64_t now = ckf_stress_now_ns();
    result->ran_ns = region->started_ns != 0 ? now - region->started_ns : 0;
    result->cpu_ns = child->cpu_ns;
    collect_output(result->output, sizeof result->output - sizeof child->hung_as);
    strcat(result->output, child->hung_as);
    if (explain_error(child, region, result->error, sizeof result->error))
        return;
    count_last(batch, child, region, result);
    result->first_failure_iteration = region->first_failure_iteration;
    result->first_failure_ns = region->first_failure_ns;
    result->failed = result->first_failure_iteration != 0;
    result->row_count = region->row_count;
    memcpy(result->rows, region->rows, sizeof result->rows);
    for (unsigned i = 0; i < result->row_count; i++) {
        result->iterations += result->rows[i].count;
        if (result->rows[i].grade == CKF_STRESS_FORBIDDEN)
            result->failures += result->rows[i].count;
    }
}

void ckf_stress_run_batch(const struct ckf_stress_batch *batch, struct ckf_stress_result *result,
                          void (*tick)(uint64_t iterations, uint64_t failures, void *arg),
                          void *arg)
{
    int64_t begin = ckf_stress_now_ns();
    memset(result, 0, sizeof *result);
    struct child child;
    struct ckf_stress_region *region = map_region(batch);
    if (region == NULL || !begin_child(&child, batch, region)) {
        snprintf(result->error, sizeof result->error, "cannot start a child: %s", strerror(errno));
    } else {
        await_end(&child, batch, region, tick, arg);
        collect(batch, &child, region, result);
    }
    if (region != NULL)
        munmap(region, sizeof *region);
    result->wall_ns = ckf_stress_now_ns() - begin;
}
