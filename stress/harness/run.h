/* harness/run.h - the inside of struct ckf_stress_run, for the child that makes one for each actor. */
#ifndef CKF_STRESS_RUN_H
#define CKF_STRESS_RUN_H

#include <stdalign.h>
#include <stdatomic.h>

#include "harness/batch.h"
#include "linearize/history.h"

#include <ck_filter/stress.h>

enum { CKF_STRESS_REGISTERS = 8 };

/* Written by the thread that runs the body; read by the leader when the actors have ended. */
struct ckf_stress_run {
    alignas(CKF_STRESS_APART) _Atomic(const char *) outcome; /* NULL: none so far */
    unsigned registers_set;                                  /* one bit each */
    int64_t registers[CKF_STRESS_REGISTERS];
    uint64_t random; /* state of SplitMix64 */
    unsigned spins;

    /* The same throughout a batch. */
    const struct ckf_stress_batch *batch;
    unsigned copy;
    unsigned actor;                /* a number for each body of the batch */
    struct ckf_recorder *recorder; /* NULL: the case has no specification */
    bool crowded; /* there are fewer CPUs than threads: only yielding lets the others on */
};

/* Readies a run for an iteration; `stream` tells the bodies of one iteration apart. */
void ckf_stress_run_begin(struct ckf_stress_run *run, uint64_t iteration, unsigned stream);

/* Makes a run the one that bodies without it (NULL) mean, on this thread. */
void ckf_stress_run_set_current(struct ckf_stress_run *run);

/* 64 bits from the run's sequence. */
uint64_t ckf_stress_random_bits(struct ckf_stress_run *run);

/* A few turns of an empty loop. */
void ckf_stress_idle(unsigned turns);

/* SplitMix64's finalizer: a number that looks unrelated to its neighbours'. */
uint64_t ckf_stress_mix(uint64_t z);

#endif
