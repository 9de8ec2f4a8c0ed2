/* harness/batch.h - a batch: iterations of one variant at one sweep point, in a process of its own.
 *
 * The parent prepares a region that both processes see, forks, watches and collects; the child
 * counts into the region, which outlives it. So a crash, an abort or a hang is one more outcome.
 */
#ifndef CKF_STRESS_BATCH_H
#define CKF_STRESS_BATCH_H

#include <stdalign.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "harness/catalog.h"
#include "harness/fatal.h"

#include <ck_filter/stress.h>

enum ckf_stress_placement {
    CKF_STRESS_SAME_CORE,       /* all threads on one CPU */
    CKF_STRESS_DIFFERENT_CORES, /* each pinned, in turn, to the next CPU */
    CKF_STRESS_FREE             /* wherever the kernel puts them */
};
enum { CKF_STRESS_PLACEMENTS = 3 };

/* How threads wait at the start line. After a while, all sleep. */
enum ckf_stress_spin_style { CKF_STRESS_PAUSE, CKF_STRESS_YIELD, CKF_STRESS_FUTEX };
enum { CKF_STRESS_SPIN_STYLES = 3 };

struct ckf_stress_point {
    enum ckf_stress_placement placement;
    enum ckf_stress_spin_style spin;
    unsigned copies; /* of the actors that leave their number open */
};

struct ckf_stress_batch {
    const struct ckf_stress_case *test;
    enum ckf_stress_variant variant;
    struct ckf_stress_point point;
    uint64_t seed;
    uint64_t max_iterations;
    int64_t max_ns;
    bool stop_at_failure; /* end at the first forbidden outcome */
};

enum {
    CKF_STRESS_MAX_ROWS = 64,
    CKF_STRESS_OUTCOME_BYTES = 192,
    CKF_STRESS_ERROR_BYTES = 160,
    CKF_STRESS_APART = 128 /* bytes between fields that different threads write */
};

/* Outcomes seen, and how often. */
struct ckf_stress_row {
    char text[CKF_STRESS_OUTCOME_BYTES];
    enum ckf_stress_grade grade;
    uint64_t count;
};

enum ckf_stress_phase {
    CKF_STRESS_STARTING, /* threads are made */
    CKF_STRESS_ALONE,    /* the leader runs setup, invariant, arbiter or teardown */
    CKF_STRESS_ACTING,   /* the actors run */
    CKF_STRESS_ENDED     /* the batch is over */
};

/* One actor's thread. Its own thread writes it. */
struct ckf_stress_slot {
    alignas(CKF_STRESS_APART) _Atomic(uint32_t) finished_turn; /* the last turn it is done with */
    _Atomic(int) tid;
};

/* What parent and child share. */
struct ckf_stress_region {
    /* Written by the leader, once or twice an iteration. */
    alignas(CKF_STRESS_APART) _Atomic(uint32_t) turn; /* changes when actors shall start: a futex */
    _Atomic(int) phase;                               /* enum ckf_stress_phase */
    _Atomic(uint64_t) iterations;                     /* completed */
    _Atomic(uint64_t) failures;                       /* of them, with a forbidden outcome */
    _Atomic(int64_t) looked_ns; /* when the leader last looked at the clock, between iterations */

    /* Written by those who go to sleep at the start line. */
    alignas(CKF_STRESS_APART) _Atomic(uint32_t) sleepers;
    /* The leader's own bed. */
    alignas(CKF_STRESS_APART) _Atomic(uint32_t) leader_sleeps;
    _Atomic(uint32_t) finishes; /* a futex: changes when an actor finds the leader asleep */

    /* Written by the child at its end or at its first failure; read by the parent once it is dead. */
    alignas(CKF_STRESS_APART) int64_t started_ns;
    int64_t first_failure_ns;         /* after started_ns */
    uint64_t first_failure_iteration; /* from 1; 0: none */
    _Atomic(int) fatal; /* enum ckf_stress_fatal: who writes it first ends the process */
    int64_t fatal_ns;
    _Atomic(int) sanitizer_spoke;
    char error[CKF_STRESS_ERROR_BYTES]; /* why the child could not do its work; empty: it could */
    unsigned row_count;
    struct ckf_stress_row rows[CKF_STRESS_MAX_ROWS];

    unsigned slot_count;
    struct ckf_stress_slot slots[CKF_STRESS_MAX_THREADS];
};

/* The child's whole life. */
_Noreturn void ckf_stress_child(const struct ckf_stress_batch *batch,
                                struct ckf_stress_region *region);

/* Adds to the row of an outcome, which is made if need be (when all are taken: to a row for others of
 * its grade). Returns its index. */
unsigned ckf_stress_count(struct ckf_stress_row *rows, unsigned *row_count,
                          const struct ckf_stress_case *test, const char *outcome, uint64_t count);

/* What the parent knows when a batch is over. */
struct ckf_stress_result {
    uint64_t iterations, failures;
    int64_t wall_ns, cpu_ns;
    bool failed;                      /* there was a forbidden outcome */
    bool hung;                        /* the last iteration had to be ended from outside */
    int64_t first_failure_ns;         /* until then: since the child started */
    uint64_t first_failure_iteration; /* from 1 */
    int64_t ran_ns;                   /* since the child started */
    unsigned row_count;
    struct ckf_stress_row rows[CKF_STRESS_MAX_ROWS];
    char error[CKF_STRESS_ERROR_BYTES]; /* the harness failed; empty: it did not */
    char output[3072];                  /* the last of what the child printed, and how it hung */
};

/* Runs a batch. `tick`, unless NULL, is called now and then with the iterations and failures so far. */
void ckf_stress_run_batch(const struct ckf_stress_batch *batch, struct ckf_stress_result *result,
                          void (*tick)(uint64_t iterations, uint64_t failures, void *arg),
                          void *arg);

/* True in a program that a sanitizer was built into. */
bool ckf_stress_sanitized(void);

/* CPUs that this process may use. */
unsigned ckf_stress_allowed_cpus(void);

#endif
