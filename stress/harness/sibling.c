/* harness/sibling.c - finds and becomes the program of another runtime.
 *
 * A runtime asks for code of its own compilation, so each has a program, and one of them is the door
 * to all: `mine` runs the cases on threads, `mine explore` is `mine-explore`, and so on. */
#include "harness/sibling.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, BAD_USAGE_OR_BROKEN = 2 };

/* The program's own path; its name begins at *name. */
static bool find_self(char self[PATH_BYTES], const char **name)
{
    ssize_t length = readlink("/proc/self/exe", self, PATH_BYTES - 1);
    if (length <= 0)
        return false;
    self[length] = '\0';
    *name = strrchr(self, '/') + 1;
    return true;
}

bool ckf_stress_find_beside(const char *relative, char *path, size_t size)
{
    char self[PATH_BYTES];
    const char *name;
    if (!find_self(self, &name))
        return false;
    int folder = (int)(name - self);
    return snprintf(path, size, "%.*s%s", folder, self, relative) < (int)size &&
           access(path, R_OK) == 0;
}

bool ckf_stress_find_sibling(const char *runtime, char *path, size_t size)
{
    char self[PATH_BYTES], relative[2 * PATH_BYTES];
    const char *name;
    if (!find_self(self, &name))
        name = "ckf-stress";
    snprintf(relative, sizeof relative, "%s-%s", name, runtime);
    if (ckf_stress_find_beside(relative, path, size))
        return true;
    snprintf(relative, sizeof relative, "runtime/%s/%s-%s", runtime, name, runtime);
    if (ckf_stress_find_beside(relative, path, size))
        return true;
    snprintf(path, size, "%s-%s", name, runtime);
    return false;
}

int ckf_stress_become(const char *runtime, char *const *words)
{
    char path[PATH_BYTES];
    if (!ckf_stress_find_sibling(runtime, path, sizeof path)) {
        fprintf(stderr,
                "ckf-stress: there is no program '%s' beside this one: build the same cases with "
                "`pkg-config --cflags --libs ckf-stress-%s` and call it so\n",
                path, runtime);
        return BAD_USAGE_OR_BROKEN;
    }
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    char **argv = calloc(count + 2, sizeof *argv);
    if (argv == NULL)
        return BAD_USAGE_OR_BROKEN;
    argv[0] = program_invocation_name; /* what users would call again */
    memcpy(argv + 1, words, count * sizeof *argv);
    execv(path, argv);
    fprintf(stderr, "ckf-stress: cannot run %s: %s\n", path, strerror(errno));
    free(argv);
    return BAD_USAGE_OR_BROKEN;
}
