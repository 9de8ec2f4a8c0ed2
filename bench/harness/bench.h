/* harness/bench.h - how a benchmark is written: in C, as data and a few bodies.
 *
 * A workload is one thing that threads do to one object; contestants are the implementations that
 * do it. Each contestant brings a table of bodies, indexed by the roles that its suite knows, so
 * that the loop and the calls in it are compiled together: no contestant pays for an indirect call
 * that another does not pay.
 *
 * Two kinds. BENCH_PER_OP runs one role in N threads under Google Benchmark, which calibrates the
 * number of iterations:
 *
 *     static void adder(struct bench_run *run, void *state)
 *     {
 *         for (size_t n; (n = bench_batch(run)) != 0;)
 *             for (size_t i = 0; i < n; i++)
 *                 ckf_counter_map_add(...);
 *     }
 *
 * BENCH_FIXED_WORK runs actors (producers, consumers) on a given amount of work, from a common
 * start line to the end of the last one, and is timed by the harness itself.
 *
 * What is not the time of a unit (CPU time asleep, memory, the longest of many calls) a body or setup
 * reports with bench_value; it stands in for the time.
 *
 * A contestant in another language is a program of its own. It is started for each run, does the
 * same loops on the same shapes, times itself, and prints what it measured.
 *
 * Everything a body touches in the state is its own (index by bench_thread) or part of what is
 * measured. Checks come after the measured time, in verify.
 */
#ifndef CKF_BENCH_BENCH_H
#define CKF_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bench_kind { BENCH_PER_OP, BENCH_FIXED_WORK };
enum { BENCH_MAX_THREADS = 16, BENCH_MAX_ACTORS = 2, BENCH_MAX_CONTESTANTS = 20 };
enum { BENCH_CACHELINE_BYTES = 64 };

/* The size, doubled until it is `least` or more. */
static inline size_t bench_doubled_to(size_t size, size_t least)
{
    while (size < least)
        size *= 2;
    return size;
}

/* One thread's view of one run. */
struct bench_run;

typedef void (*bench_body)(struct bench_run *run, void *state);

/* What a program printed: "ns 123456 count 1000 sum 499500 ...", one line. */
struct bench_printed {
    uint64_t count, sum, squares, disorder; /* what verify_printed looks at; their meaning is the
                                               suite's */
};

struct bench_contestant {
    const char *name;         /* "atomic", "mutex", or the peer's: the key in tables and JSON */
    const char *label;        /* for people */
    const char *note;         /* what it leaves out or does otherwise; NULL: the same work */
    const bench_body *bodies; /* by role; where one is NULL it has no part */
    const char *program;      /* instead of bodies: a file in the folder of --programs, called with
                                 name, script, copies of the actors, parameter, shape, work */
    const void *face;         /* what setup and verify need; see bench_face */
    bool sleeps;              /* contended calls sleep: CPU time says nothing about parallelism */
    bool spins;               /* waits by spinning: run only where each thread has a CPU */
};

struct bench_actor {
    unsigned role;   /* index into the contestant's bodies */
    unsigned copies; /* threads; 0 ends the list */
};

struct bench_workload {
    const char *id;         /* "channel-1p1c-64": unique; what --filter matches */
    const char *collection; /* "channel" */
    const char *family;     /* heading of the table in which it is a row */
    const char *title;      /* the row: "capacity 64, 1 producer, 1 consumer" */
    const char *unit;       /* "ns/message" */
    const char *script;     /* for programs: which loop; NULL: none of them has a part */
    enum bench_kind kind;
    bool waits; /* its threads sleep for each other */
    const struct bench_contestant *const
        *contestants; /* NULL entries (peers not built) are skipped */
    size_t contestant_count;
    struct bench_actor actors[BENCH_MAX_ACTORS]; /* BENCH_PER_OP: one */
    struct bench_actor background;               /* runs beside them, unmeasured; copies 0: none */
    unsigned batch;                              /* BENCH_PER_OP: iterations between two looks at
                                                    the clock; 0: 1024 */
    unsigned units;                              /* units of work in one iteration; 0: 1 */
    size_t parameter;                            /* capacity, number of keys: the suite's */
    unsigned shape;                              /* distribution, key kind: the suite's */
    size_t max_work;      /* BENCH_FIXED_WORK: no more units than this; 0: no bound */
    bool one_cpu;         /* BENCH_FIXED_WORK: all threads share one CPU */
    size_t exact_work;    /* BENCH_FIXED_WORK: so many, whatever they cost; 0: what fills a run */
    bool own_work;        /* BENCH_FIXED_WORK: each contestant does as much as fills its time, since
                            costs are too far apart for the same amount */
    double least_seconds; /* of the budget, that must be left for it to be begun */
    size_t state_size;    /* bytes; zeroed, cache-line aligned */
    bench_body setup;    /* alone; BENCH_PER_OP: once for all runs of a contestant, else for each */
    bench_body verify;   /* alone, before teardown; calls bench_fail on what was lost */
    bench_body teardown; /* alone */
    void (*verify_printed)(struct bench_run *run, const struct bench_printed *printed);
};

enum { TARGET_MAX_PEERS = 8 };

/* One line of a table of targets: on a workload, ours takes at most so many times what the quickest
 * of the peers takes, in the ratio of medians. */
struct bench_target {
    const char *title;
    const char *workload;                /* its id */
    double at_most;                      /* without peers: on our figure, in the workload's unit */
    const char *peers[TARGET_MAX_PEERS]; /* contestants of that workload, to the first NULL */
    const char *peers_name;              /* how the table calls several; NULL: lists them */
    const char *ours;                    /* NULL: "atomic" */
};

static inline const char *target_ours(const struct bench_target *target)
{
    return target->ours == NULL ? "atomic" : target->ours;
}

struct bench_suite {
    const struct bench_workload *workloads;
    size_t count;
    const struct bench_target *targets;
    size_t target_count;
};

/* Per-op: units of iterations to do now, 0 at the end. The first call is the start line. */
size_t bench_batch(struct bench_run *run);
/* Fixed work: the units that this copy of its actor does; the shares of an actor's copies add up to
 * bench_work(). */
size_t bench_share(const struct bench_run *run);
size_t bench_work(const struct bench_run *run);
/* Per-op: the iterations that all runs of this contestant have done so far, pilots included. */
uint64_t bench_iterations(const struct bench_run *run);

unsigned bench_thread(const struct bench_run *run);  /* from 0, among the copies of its actor */
unsigned bench_threads(const struct bench_run *run); /* copies of its actor */
unsigned bench_copies(const struct bench_run *run, unsigned actor);
const struct bench_workload *bench_workload(const struct bench_run *run);
const void *bench_face(const struct bench_run *run);

/* Background bodies: waits until the given time after the last return; false: stop now. */
bool bench_tick(struct bench_run *run, int64_t period_ns);
/* How often the background did its work: shown as a rate beside the result. */
void bench_background_done(struct bench_run *run);

/* Fixed work: what this run measured, instead of the time of a unit. */
void bench_value(struct bench_run *run, double value);

/* The run is not valid: something was lost, duplicated, or could not be made. The first message
 * stays. */
void bench_fail(struct bench_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Lets the compiler neither drop nor foresee a value. */
static inline void bench_keep(uint64_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

/* A fixed one-to-one scrambling of 64 bits (the finaliser of SplitMix64, Steele et al. 2014). */
static inline uint64_t bench_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

#ifdef __cplusplus
}
#endif

#endif
