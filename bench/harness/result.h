/* harness/result.h - what the runner found, as tables and JSON show it. */
#ifndef CKF_BENCH_RESULT_H
#define CKF_BENCH_RESULT_H

#include "harness/bench.h"
#include "harness/contents.h"
#include "harness/machine.h"

enum { MAX_SAMPLES = 64, MAX_WORKLOADS = 256 };

struct result {
    const struct bench_contestant *contestant;
    double samples[MAX_SAMPLES]; /* ns per unit, in the order of the rounds */
    unsigned sample_count;
    double median, min, max;
    double cpus_busy;       /* median */
    double foreign_cpus;    /* median: CPUs that others kept busy */
    double background_rate; /* per second; 0: no background */
    bool parallel;          /* false: its threads had not the CPUs that they should have had */
    bool skipped;           /* not run; skipped_because says why */
    const char *skipped_because;
    char failure[240]; /* "": verified */
};

struct outcome {
    const struct bench_workload *workload;
    unsigned threads;
    struct result results[BENCH_MAX_CONTESTANTS];
    unsigned result_count;
    uint64_t work;             /* fixed work: units in one run */
    unsigned disturbed_rounds; /* set aside and done again */
    bool out_of_budget;        /* not run */
};

struct report {
    struct machine machine;
    unsigned repetitions;
    double budget_seconds, seconds, load_average;
    struct outcome outcomes[MAX_WORKLOADS];
    unsigned outcome_count;
};

/* Sorts a copy; 0 for no values. */
double median_of(const double *values, unsigned count);

/* How many times the time of `base` the result takes: the median over rounds of the ratio within a
 * round, with its range. False where the two may not be compared. */
struct ratio {
    double median, min, max;
};
bool ratio_of(const struct result *result, const struct result *base, struct ratio *ratio);
const struct result *result_named(const struct outcome *outcome, const char *name);
bool result_valid(const struct result *result);

void table_begin(void);
/* Prints the row, after its family's heading where it is the first one of it. */
void table_row(const struct outcome *outcome);
void table_end(const struct report *report);

/* Prints a workload with all of its contestants and the targets set for it. */
void targets_show(const struct outcome *outcome);
/* The table of targets, once all is measured. */
void targets_end(const struct report *report);

/* Three digits that mean something. */
void format_number(char *text, size_t size, double value);

/* How one target came out. */
struct verdict {
    const struct bench_target *target;
    const struct outcome *outcome; /* NULL: its workload was not measured */
    const struct result *ours;
    const struct result *peer; /* the quickest of the target's peers; NULL: none was measured, or
                                  the bound is on the figure itself */
    double measured;           /* ratio of medians, or the figure */
    struct ratio spread;       /* of the ratios within rounds; only with a peer */
    bool decided;              /* false: nothing to compare, see why */
    bool holds;
    bool disturbed; /* measured, but not under conditions in which it decides anything */
    const char *why;
};
/* The one after it, of all suites; NULL gives the first, and comes after the last. */
const struct bench_target *target_next(const struct bench_target *target);
/* Whether its workload was among those asked for. */
bool target_selected(const struct report *report, const struct bench_target *target);
void target_judge(const struct report *report, const struct bench_target *target,
                  struct verdict *verdict);

/* False, errno set, if it could not be written. */
bool json_write(const struct report *report, const char *path);

#endif
