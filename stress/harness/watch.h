/* harness/watch.h - telling a child that waits for ever from one that is merely slow. */
#ifndef CKF_STRESS_WATCH_H
#define CKF_STRESS_WATCH_H

#include "harness/batch.h"

/* Threads of a child that one look can hold; a child with more is never called asleep. */
enum { CKF_STRESS_WATCHED_THREADS = 256 };

/* One thread, as the kernel describes it. */
struct ckf_stress_sighting {
    int tid;
    char state;        /* R, S, D, T, Z ... */
    bool in_futex;     /* it waits on a futex without a time limit */
    bool timed;        /* it waits, but not for ever */
    uint64_t switches; /* context switches so far, of both kinds */
};

struct ckf_stress_look {
    unsigned count;
    bool complete; /* every thread could be read */
    struct ckf_stress_sighting threads[CKF_STRESS_WATCHED_THREADS];
};

struct ckf_stress_watch {
    pid_t pid;
    const struct ckf_stress_region *region;
    bool patient; /* a fixed variant: a false alarm is worse than a long wait */

    uint64_t progress;    /* iteration and phase at the last change */
    int64_t still_ns;     /* since when there has been none */
    int64_t still_cpu_ns; /* CPU time of the child then */
    int64_t asleep_ns;    /* since when every look found all asleep; 0: the last one did not */
    int64_t proven_ns;    /* since when nobody could wake them; 0: somebody could */
    struct ckf_stress_look looks[2];
    unsigned current; /* of the two looks, the latest */
};

void ckf_stress_watch_begin(struct ckf_stress_watch *watch, pid_t pid,
                            const struct ckf_stress_region *region, bool patient);

/* Says of each actor what it did when last looked at, a line each. */
void ckf_stress_watch_describe(const struct ckf_stress_watch *watch,
                               const struct ckf_stress_batch *batch, char *text, size_t size);

/* To be called every CKF_STRESS_WATCH_NS or so. True once the child will never go on. */
bool ckf_stress_watch_hangs(struct ckf_stress_watch *watch);
#define CKF_STRESS_WATCH_NS (5 * CKF_STRESS_MS)

#endif
