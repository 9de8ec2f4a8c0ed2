/* stress/cases/filter_history.h - what the histories of filters are recorded of, and the library's two
 * answers. A ruleset is a set of words, as bits, that it denies. */
#ifndef STRESS_CASES_FILTER_HISTORY_H
#define STRESS_CASES_FILTER_HISTORY_H

#include <ck_filter/status.h>
#include <ck_filter/stress.h>

struct filter_calls {
    void *(*create)(void);
    void (*destroy)(void *filter);
    /* expected 0: whatever is there */
    enum ckf_status (*publish)(void *filter, uint64_t denied, uint64_t expected,
                               uint64_t *generation);
    /* Judges the words together; returns the generation. */
    uint64_t (*evaluate)(void *filter, uint64_t words, uint64_t *dropped);
    uint64_t (*generation)(void *filter);
};

extern const struct filter_calls mutex_filter_calls, atomic_filter_calls;

#endif
