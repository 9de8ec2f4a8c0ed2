/* tests/misuse.h - misuse must end the program with one sentence that names the function: looked at
 * from outside, in a forked child. */
#ifndef CKF_TESTS_MISUSE_H
#define CKF_TESTS_MISUSE_H

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* True if body(arg) aborts and says "ck_filter: FUNCTION: ". */
static bool aborts_in(const char *function, void (*body)(void *arg), void *arg)
{
    int said[2];
    char text[512] = "", expected[128] = "ck_filter: ";
    if (pipe(said) != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        dup2(said[1], STDERR_FILENO);
        body(arg);
        _exit(0);
    }
    close(said[1]);
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < sizeof text - 1; length += (size_t)got) {
        got = read(said[0], text + length, sizeof text - 1 - length);
        if (got < 0)
            got = 0;
    }
    close(said[0]);
    int status = 0;
    waitpid(child, &status, 0);
    strncat(expected, function, sizeof expected - strlen(expected) - 1);
    strncat(expected, ": ", sizeof expected - strlen(expected) - 1);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(text, expected) != NULL;
}

#endif
