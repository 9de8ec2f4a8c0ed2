/* tests/explore_reduction.h - small random programs, in which anything may meet anything. */
#ifndef CKF_TESTS_EXPLORE_REDUCTION_H
#define CKF_TESTS_EXPLORE_REDUCTION_H

#include <stdint.h>

enum { REDUCTION_THREADS = 3, REDUCTION_STEPS = 4 };

enum reduction_kind {
    DO_NOTHING,
    DO_LOAD,
    DO_STORE,
    DO_ADD,
    DO_CAS,
    DO_WEAK_CAS,
    DO_FENCE,
    DO_PAIR_CAS,
    DO_LOCKED_ADD, /* a plain variable under a mutex */
    DO_LOCK_BOTH,  /* in one order or in the other */
    DO_TRY_LOCK,
    DO_WAIT, /* by a condition variable, for a while */
    DO_SIGNAL,
    DO_PARK, /* by a futex, for a while */
    DO_UNPARK,
    DO_SPIN, /* until something is there, for a while */
    DO_READ_IN_SECTION,
    DO_REPLACE, /* what sections read, and retire it */
    DO_LOOK_AT_CLOCK,
    DO_BARRIER,
    DO_START_THREAD,
    DO_ONCE,
    DO_DRAW, /* a random number */
    REDUCTION_KINDS
};

struct reduction_step {
    uint8_t kind, word, value, order;
};

/* Registers: what each thread has met, in one number. */
struct reduction_program {
    struct reduction_step steps[REDUCTION_THREADS][REDUCTION_STEPS];
};

/* The body to explore; arg is a struct reduction_program. */
void reduction_run(void *arg);

#endif
