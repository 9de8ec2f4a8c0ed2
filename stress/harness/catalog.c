/* harness/catalog.c - the cases of a program.
 *
 * Cases arrive as an array of pointers that the linker gathered (CKF_STRESS_CASE). They are checked
 * once, here, so that everything behind may take them as they are. */
#include "harness/catalog.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Collections in the order in which people read about them; unknown ones follow. */
static const char *const collection_order[] = {"counter map", "channel", "filter",
                                               "tasks",       "guards",  "harness"};
enum { COLLECTIONS = sizeof collection_order / sizeof collection_order[0] };

static size_t collection_rank(const char *collection)
{
    for (size_t i = 0; i < COLLECTIONS; i++)
        if (strcmp(collection, collection_order[i]) == 0)
            return i;
    return COLLECTIONS;
}

static int by_collection_and_id(const void *a, const void *b)
{
    const struct ckf_stress_case *first = *(const struct ckf_stress_case *const *)a;
    const struct ckf_stress_case *second = *(const struct ckf_stress_case *const *)b;
    size_t rank = collection_rank(first->collection), other = collection_rank(second->collection);
    if (rank != other)
        return rank < other ? -1 : 1;
    int order = strcmp(first->collection, second->collection);
    return order != 0 ? order : strcmp(first->id, second->id);
}

static bool valid_id(const char *id)
{
    const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = id != NULL ? strspn(id, letters) : 0;
    return length > 0 && length <= CKF_STRESS_ID_BYTES && id[0] != '-' && id[length] == '\0';
}

static const char *fault_of_specification(const struct ckf_stress_specification *specification)
{
    if (specification == NULL)
        return NULL;
    if (specification->name == NULL || specification->apply == NULL)
        return "its specification needs a name and a function apply";
    if (specification->state_size == 0 || specification->state_size > CKF_STRESS_MODEL_BYTES)
        return "its specification's state must have 1 to 1024 bytes";
    return NULL;
}

/* What is wrong with a case whose id is fine; NULL: nothing. */
static const char *fault(const struct ckf_stress_case *test)
{
    if (test->collection == NULL || test->title == NULL)
        return "it needs a collection and a title";
    if (test->actors[0].body == NULL)
        return "it has no actor";
    bool variant = false;
    for (int i = 0; i < CKF_STRESS_VARIANTS; i++)
        variant = variant || test->operations[i] != NULL;
    if (!variant)
        return "it has no variant: give operations for at least one";
    if (ckf_stress_thread_count(test, 1) > CKF_STRESS_MAX_THREADS)
        return "its actors need more than 64 threads";
    if ((test->flags & ~(unsigned)(CKF_STRESS_FRESH_THREADS | CKF_STRESS_DETERMINISTIC |
                                   CKF_STRESS_COPES_WITHOUT_MEMORY)) != 0)
        return "it has an unknown flag";
    for (size_t i = 0; i < sizeof test->reserved / sizeof test->reserved[0]; i++)
        if (test->reserved[i] != 0)
            return "its reserved fields must be zero";
    return fault_of_specification(test->specification);
}

static bool check(const struct ckf_stress_catalog *catalog, FILE *errors)
{
    for (size_t i = 0; i < catalog->count; i++) {
        const char *wrong = fault(catalog->cases[i]);
        if (wrong != NULL) {
            fprintf(errors, "ckf-stress: case '%s': %s\n", catalog->cases[i]->id, wrong);
            return false;
        }
    }
    for (size_t i = 0; i < catalog->count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(catalog->cases[i]->id, catalog->cases[j]->id) == 0) {
                fprintf(errors, "ckf-stress: two cases have the id '%s'\n", catalog->cases[i]->id);
                return false;
            }
    return true;
}

bool ckf_stress_catalog_load(struct ckf_stress_catalog *catalog,
                             const struct ckf_stress_case *const *begin,
                             const struct ckf_stress_case *const *end, FILE *errors)
{
    size_t room = (size_t)(end - begin);
    *catalog = (struct ckf_stress_catalog){.cases = calloc(room + 1, sizeof *catalog->cases)};
    if (catalog->cases == NULL) {
        fprintf(errors, "ckf-stress: no memory for %zu cases\n", room);
        return false;
    }
    for (const struct ckf_stress_case *const *next = begin; next != end; next++) {
        if (*next == NULL)
            continue;
        if (!valid_id((*next)->id)) {
            fprintf(errors,
                    "ckf-stress: '%s' is no id of a case: use letters, digits, - _ . and at "
                    "most %d of them\n",
                    (*next)->id != NULL ? (*next)->id : "(none)", CKF_STRESS_ID_BYTES);
            ckf_stress_catalog_unload(catalog);
            return false;
        }
        catalog->cases[catalog->count++] = *next;
    }
    if (catalog->count == 0)
        fprintf(errors, "ckf-stress: this program has no case: link the objects that define them "
                        "themselves, not an archive of them\n");
    if (catalog->count == 0 || !check(catalog, errors)) {
        ckf_stress_catalog_unload(catalog);
        return false;
    }
    qsort(catalog->cases, catalog->count, sizeof *catalog->cases, by_collection_and_id);
    return true;
}

void ckf_stress_catalog_unload(struct ckf_stress_catalog *catalog)
{
    free(catalog->cases);
    *catalog = (struct ckf_stress_catalog){0};
}

static bool any_glob_matches(const char *const *globs, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (fnmatch(globs[i], id, 0) == 0)
            return true;
    return count == 0;
}

bool ckf_stress_catalog_select(struct ckf_stress_catalog *catalog, const char *const *globs,
                               size_t count, FILE *errors)
{
    for (size_t g = 0; g < count; g++) {
        bool matched = false;
        for (size_t i = 0; i < catalog->count && !matched; i++)
            matched = fnmatch(globs[g], catalog->cases[i]->id, 0) == 0;
        if (!matched) {
            fprintf(errors,
                    "ckf-stress: -c '%s' matches no case; `ckf-stress list` shows their ids\n",
                    globs[g]);
            return false;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < catalog->count; i++)
        if (any_glob_matches(globs, count, catalog->cases[i]->id))
            catalog->cases[kept++] = catalog->cases[i];
    catalog->count = kept;
    return true;
}

const char *const ckf_stress_variant_names[CKF_STRESS_VARIANTS] = {"racy", "mutex", "atomic"};

const char *ckf_stress_variant_name(enum ckf_stress_variant variant)
{
    return ckf_stress_variant_names[variant];
}

const char *ckf_stress_grade_name(enum ckf_stress_grade grade)
{
    static const char *const names[] = {"acceptable", "interesting", "forbidden"};
    return names[grade];
}

unsigned ckf_stress_thread_count(const struct ckf_stress_case *test, unsigned threads)
{
    uint64_t count = 0; /* wide enough for whatever a case asks for */
    for (int i = 0; i < CKF_STRESS_MAX_ACTORS && test->actors[i].body != NULL; i++)
        count += test->actors[i].copies != 0 ? test->actors[i].copies : threads;
    return count < UINT_MAX ? (unsigned)count : UINT_MAX;
}

bool ckf_stress_scales(const struct ckf_stress_case *test)
{
    for (int i = 0; i < CKF_STRESS_MAX_ACTORS && test->actors[i].body != NULL; i++)
        if (test->actors[i].copies == 0)
            return true;
    return false;
}

bool ckf_stress_pattern_matches(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) { /* the last star takes one character more */
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* What engines report: graded by name only, lest a `*` for harmless outcomes accept a crash. */
static const struct ckf_stress_grading engine_outcomes[] = {
    {"hang", CKF_STRESS_FORBIDDEN, "an actor waited for ever"},
    {"abort", CKF_STRESS_FORBIDDEN, "the program aborted"},
    {"use after free", CKF_STRESS_FORBIDDEN, "freed memory was touched"},
    {"double free", CKF_STRESS_FORBIDDEN, "memory was freed twice"},
    {"crash", CKF_STRESS_FORBIDDEN, "the program crashed"},
    {"sanitizer report", CKF_STRESS_FORBIDDEN, "a sanitizer found a fault"},
    {"not linearizable", CKF_STRESS_FORBIDDEN, "no order of the operations explains their results"},
    {"undecided", CKF_STRESS_FORBIDDEN, "the history was too large to be judged"},
};

const struct ckf_stress_grading *ckf_stress_grade(const struct ckf_stress_case *test,
                                                  const char *outcome)
{
    static const struct ckf_stress_grading ungraded = {"*", CKF_STRESS_FORBIDDEN,
                                                       "an outcome that the case does not know"};
    const struct ckf_stress_grading *engine = NULL;
    for (size_t i = 0; i < sizeof engine_outcomes / sizeof engine_outcomes[0]; i++)
        if (strcmp(engine_outcomes[i].pattern, outcome) == 0)
            engine = &engine_outcomes[i];
    for (int i = 0; i < CKF_STRESS_MAX_OUTCOMES && test->outcomes[i].pattern != NULL; i++) {
        const char *pattern = test->outcomes[i].pattern;
        if (engine != NULL ? strcmp(pattern, outcome) == 0
                           : ckf_stress_pattern_matches(pattern, outcome))
            return &test->outcomes[i];
    }
    return engine != NULL ? engine : &ungraded;
}
