/* harness/sibling.h - the same cases under other runtimes: programs of their own, beside this one. */
#ifndef CKF_STRESS_SIBLING_H
#define CKF_STRESS_SIBLING_H

#include <stdbool.h>
#include <stddef.h>

/* A readable file at a place relative to the program's own folder. */
bool ckf_stress_find_beside(const char *relative, char *path, size_t size);

/* For "explore": the program that is called like this one, with "-explore" behind; beside it, or
 * where the build of this project puts it. On failure path names what was looked for. */
bool ckf_stress_find_sibling(const char *runtime, char *path, size_t size);

/* Becomes that program, with the given words (NULL-ended) behind the name of this one. Returns only if it
 * cannot, with a message and the exit status to end with. */
int ckf_stress_become(const char *runtime, char *const *words);

#endif
