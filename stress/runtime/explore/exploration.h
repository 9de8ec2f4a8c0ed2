/* explore/exploration.h - what is known of one variant of one case, and how more is found out. */
#ifndef CKF_EXPLORE_EXPLORATION_H
#define CKF_EXPLORE_EXPLORATION_H

#include "cases.h"
#include "cli.h"
#include "schedule.h"

enum {
    CKF_EXPLORE_CHOICES = 1 << 16, /* of one execution */
    CKF_EXPLORE_ROWS = 32,
    CKF_EXPLORE_HIGHEST_BOUND = 8 /* on preemptions */
};

/* How many stale reads a search may be bounded to; the last: any number. */
enum { CKF_READS_FRESH, CKF_READS_ONE_STALE, CKF_READS_TWO_STALE, CKF_READS_ALL, CKF_READS };

struct ckf_outcome_row {
    char outcome[CKF_EXPLORE_OUTCOME_BYTES];
    enum ckf_stress_grade grade;
    uint64_t count;
};

struct ckf_exploration {
    struct ckf_case_program program;
    const struct ckf_explore_settings *settings;
    struct ckf_explore_stats total;
    struct ckf_outcome_row rows[CKF_EXPLORE_ROWS];
    unsigned row_count;
    bool failed; /* a forbidden outcome was seen */
    struct ckf_schedule failure;
    uint64_t executions_to_failure;
    int64_t ns_to_failure;
    char saved_path[512]; /* of the schedule file; empty: there is none */
    char trouble[512];    /* why there is no verdict; empty: there is one */
    int complete
        [CKF_READS];      /* the search with such reads was complete within so many preemptions; -1:
                              * not even 0 */
    bool complete_wholly; /* without a bound */
    unsigned saved_steps, minimise_attempts;
    struct ckf_explore_options stage; /* of the stage that runs; its epoch: the failure's */

    /* Of portfolio.c. */
    int64_t spent_ns;                                              /* in the rounds before */
    int64_t began_ns, deadline_ns;                                 /* of the round */
    unsigned failed_allocation, first_allocation, last_allocation; /* which may fail in samples */
    bool may_give_up;                 /* what the stage cannot follow others can */
    bool informed;                    /* the engine knows of this program which words are shared */
    bool begun;                       /* the tame stages are behind it */
    bool settled;                     /* there is nothing more to be tried */
    struct ckf_explore_place *shared; /* words that are known to be shared, between rounds */
    size_t shared_count;
};

/* NULL without memory. */
struct ckf_exploration *ckf_exploration_start(const struct ckf_explore_settings *settings,
                                              const struct ckf_stress_case *test,
                                              enum ckf_stress_variant variant);
void ckf_exploration_free(struct ckf_exploration *exploration);

/* One round: goes on with the portfolio, or does what one strategy does, for so long. Its last round is
 * sampled to its end. `extra_ns` is for what follows a complete search. */
void ckf_exploration_go_on(struct ckf_exploration *exploration, int64_t budget_ns, int64_t extra_ns,
                           bool last);
/* Within so many preemptions the search was complete with so many stale reads, or more; -1: not even 0. */
int ckf_exploration_bound(const struct ckf_exploration *exploration, unsigned reads);
/* " with 1 stale read"; "" for any number. */
const char *ckf_exploration_reads(unsigned reads);
/* How far the search got: "complete up to 1 preemption, 2 with 1 stale read". */
void ckf_exploration_describe_bounds(const struct ckf_exploration *exploration, char *text,
                                     size_t size);

int64_t ckf_explore_real_time_ns(void);

#endif
