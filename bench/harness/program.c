/* program.c - one run of a contestant that is a program of its own.
 *
 * It gets its peer's name, the script, the copies of both actors, parameter, shape and work as
 * arguments, warms up, does the work, and prints one line of names and numbers:
 *
 *     ns 1234567 cpu_ns 2345678 count 100000 sum 4999950000 squares 328350 disorder 0
 *
 * `value` stands for the time of a unit where the workload measures something else. Starting and
 * warming up is outside of what it times; the harness reads until it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/session.h"

enum { LINE_BYTES = 512, NUMBER_BYTES = 24, MAX_ARGUMENTS = 8 };

/* Starts it with its output in a pipe: the pipe's read end, or -1. */
static int start(const char *path, char *const *arguments, pid_t *child)
{
    extern char **environ;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int error = posix_spawn(child, path, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (error == 0)
        return ends[0];
    close(ends[0]);
    errno = error;
    return -1;
}

static void read_line(int from, char *line)
{
    size_t length = 0;
    for (ssize_t n; length + 1 < LINE_BYTES &&
                    (n = read(from, line + length, LINE_BYTES - 1 - length)) != 0;) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        length += (size_t)n;
    }
    line[length] = '\0';
}

/* The number behind a name; false: it was not printed. */
static bool find_number(const char *line, const char *name, double *number, uint64_t *whole)
{
    size_t length = strlen(name);
    for (const char *at = line; (at = strstr(at, name)) != NULL; at += length) {
        if ((at != line && at[-1] != ' ') || at[length] != ' ')
            continue;
        *number = strtod(at + length, NULL);
        *whole = strtoull(at + length, NULL, 10);
        return true;
    }
    return false;
}

static void understand(struct session *session, const char *line, struct measurement *out)
{
    struct bench_run *run = &session->alone;
    struct bench_printed printed = {0};
    double number, ns = 0, cpu_ns = 0;
    uint64_t whole;
    if (!find_number(line, "ns", &ns, &whole) || !(ns > 0) ||
        !find_number(line, "count", &number, &printed.count)) {
        bench_fail(run, "it printed no result: '%.100s'", line);
        return;
    }
    find_number(line, "sum", &number, &printed.sum);
    find_number(line, "squares", &number, &printed.squares);
    find_number(line, "disorder", &number, &printed.disorder);
    find_number(line, "cpu_ns", &cpu_ns, &whole);
    *out = (struct measurement){
        .span_ns = ns, .units = (double)session->work, .cpus_busy = cpu_ns / ns};
    out->has_value = find_number(line, "value", &out->value, &whole);
    if (session->workload->verify_printed != NULL)
        session->workload->verify_printed(run, &printed);
}

void session_run_program(struct session *session, const char *path, struct measurement *out)
{
    const struct bench_workload *workload = session->workload;
    char numbers[5][NUMBER_BYTES], line[LINE_BYTES];
    snprintf(numbers[0], NUMBER_BYTES, "%u", workload->actors[0].copies);
    snprintf(numbers[1], NUMBER_BYTES, "%u", workload->actors[1].copies);
    snprintf(numbers[2], NUMBER_BYTES, "%zu", workload->parameter);
    snprintf(numbers[3], NUMBER_BYTES, "%u", workload->shape);
    snprintf(numbers[4], NUMBER_BYTES, "%" PRIu64, session->work);
    /* posix_spawn does not write to them; its type is older than const. */
    char *arguments[MAX_ARGUMENTS + 1] = {(char *)(uintptr_t)path,
                                          (char *)(uintptr_t)session->contestant->name,
                                          (char *)(uintptr_t)workload->script,
                                          numbers[0],
                                          numbers[1],
                                          numbers[2],
                                          numbers[3],
                                          numbers[4]};
    pid_t child;
    int from = start(path, arguments, &child);
    if (from < 0) {
        bench_fail(&session->alone, "it could not be started: %s", strerror(errno));
        return;
    }
    read_line(from, line);
    close(from);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bench_fail(&session->alone, "its program ended with %s %d",
                   WIFEXITED(status) ? "status" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        return;
    }
    understand(session, line, out);
}
