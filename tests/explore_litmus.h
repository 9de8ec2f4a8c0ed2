/* tests/explore_litmus.h - small programs whose outcomes under C11, TSO and SC are known. */
#ifndef CKF_TESTS_EXPLORE_LITMUS_H
#define CKF_TESTS_EXPLORE_LITMUS_H

#include <stddef.h>

enum { LITMUS_THREADS = 4 };

/* What may happen to an outcome in one model. */
enum litmus_rule {
    FORBIDDEN,    /* the complete search must not show it */
    ALLOWED,      /* it must */
    NOT_MODELLED, /* the model allows it, the engine documents that it does not show it */
    RACES         /* not an outcome: a data race must be found in some execution */
};

struct litmus_outcome {
    const char *registers; /* "1,0" */
    enum litmus_rule c11, tso, sc;
};

struct litmus {
    const char *name;
    void (*threads[LITMUS_THREADS])(void *unused);
    void (*last)(void *unused); /* after all have ended; may be NULL */
    struct litmus_outcome outcomes[4];
};

extern const struct litmus litmus_tests[];
extern const size_t litmus_count;

/* Not a test: two threads that take LITMUS_LONG steps each. */
enum { LITMUS_LONG = 100 };
extern const struct litmus litmus_long;

/* The body to explore; arg is a struct litmus. */
void litmus_run(void *arg);

#endif
