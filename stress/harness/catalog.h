/* harness/catalog.h - the cases of a program, in order, and how their outcomes are graded. */
#ifndef CKF_STRESS_CATALOG_H
#define CKF_STRESS_CATALOG_H

#include <stdio.h>

#include <ck_filter/stress.h>

enum { CKF_STRESS_ID_BYTES = 100 }; /* of an id, at most: it is part of names of files */

struct ckf_stress_catalog {
    const struct ckf_stress_case **cases; /* by collection, then by id */
    size_t count;
};

/* Checks and sorts the cases from begin to end; empty entries (NULL) are skipped. False, with a
 * message on `errors`, if there is none, one of them is malformed, or two share an id. */
bool ckf_stress_catalog_load(struct ckf_stress_catalog *catalog,
                             const struct ckf_stress_case *const *begin,
                             const struct ckf_stress_case *const *end, FILE *errors);
void ckf_stress_catalog_unload(struct ckf_stress_catalog *catalog);

/* Keeps the cases whose id matches one of the globs; without globs, all. False, with a message, if
 * one of the globs matches no case. */
bool ckf_stress_catalog_select(struct ckf_stress_catalog *catalog, const char *const *globs,
                               size_t count, FILE *errors);

extern const char *const ckf_stress_variant_names[CKF_STRESS_VARIANTS];
const char *ckf_stress_variant_name(enum ckf_stress_variant variant);
/* "acceptable", "interesting", "forbidden" */
const char *ckf_stress_grade_name(enum ckf_stress_grade grade);

/* Threads that the actors need when the sweep says `threads` (for those whose copies are 0). */
unsigned ckf_stress_thread_count(const struct ckf_stress_case *test, unsigned threads);
/* True if some actor leaves its number of copies to the sweep. */
bool ckf_stress_scales(const struct ckf_stress_case *test);

/* The grading of an outcome: never NULL; `meaning` may be. */
const struct ckf_stress_grading *ckf_stress_grade(const struct ckf_stress_case *test,
                                                  const char *outcome);
/* True if text is the pattern, with `*` for any characters. */
bool ckf_stress_pattern_matches(const char *pattern, const char *text);

/* The most threads that one iteration may have. */
enum { CKF_STRESS_MAX_THREADS = 64 };

#endif
