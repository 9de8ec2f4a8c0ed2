/* base/check.c - the last words of a program that broke a rule. One write, no allocation: the
 * message must come out whole even when the heap is what is broken. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn static void print_and_abort(const char *subject, const char *statement)
{
    char line[512];
    int length = snprintf(line, sizeof line, "ck_filter: %s: %s\n", subject, statement);
    if (length > (int)sizeof line - 1)
        length = (int)sizeof line - 1;
    ssize_t written = write(STDERR_FILENO, line, (size_t)length);
    (void)written; /* nothing better is left to do */
    abort();
}

_Noreturn void ckf_misuse(const char *function, const char *rule)
{
    print_and_abort(function, rule);
}

_Noreturn void ckf_die(const char *what, int error)
{
    char text[128];
    print_and_abort(what, strerror_r(error, text, sizeof text));
}
