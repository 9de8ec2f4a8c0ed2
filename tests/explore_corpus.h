/* tests/explore_corpus.h - small structures, right and wrong, with the verdict that each deserves. */
#ifndef CKF_TESTS_EXPLORE_CORPUS_H
#define CKF_TESTS_EXPLORE_CORPUS_H

#include <stddef.h>

#include "explore.h"

struct corpus_program {
    const char *name;
    void (*body)(void *unused);
    /* What is to be found; CKF_VERDICT_OK: nothing. A broken invariant is CKF_VERDICT_MISUSE. */
    enum ckf_explore_verdict verdict;
    /* The bound of the search; CKF_EXPLORE_UNBOUNDED: everything. */
    unsigned preemptions;
    unsigned timeouts;
    /* What is found only if these are offered; 0: offer nothing. */
    unsigned spurious, failed_allocation;
    bool takes_others; /* a wake must take another sleeper than the first */
};

extern const struct corpus_program corpus[];
extern const size_t corpus_count;

#endif
