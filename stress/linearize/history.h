/* linearize/history.h - what the actors of one iteration recorded, and whether it is linearizable.
 *
 * Both engines fill in a history and have it judged. Verdicts are remembered: the set of outcomes
 * that a small case allows, each with the real-time order that it was seen in, fills as outcomes are
 * met, and whatever is met again costs a look.
 */
#ifndef CKF_LINEARIZE_HISTORY_H
#define CKF_LINEARIZE_HISTORY_H

#include <stdio.h>

#include "linearize/search.h"

/* What one body records: for an engine to keep, by its own rules about who may touch what. */
struct ckf_recorder {
    unsigned count; /* operations begun */
    bool open;      /* the last of them has not returned */
    bool too_many;  /* more than there is room for */
    struct ckf_recorded calls[CKF_STRESS_MAX_CALLS];
};

/* Begin an operation, set a value of it, end it. Times are the engine's: call and return give the
 * operation whose time is to be set; NULL: there was no room for it. *misused says that one was open,
 * or none. They are free of calls of the C library, which an engine may watch. */
struct ckf_recorded *ckf_recorder_call(struct ckf_recorder *recorder,
                                       const struct ckf_stress_operation *operation, bool *misused);
void ckf_recorder_value(struct ckf_recorder *recorder, unsigned index, uint64_t value,
                        bool *misused);
struct ckf_recorded *ckf_recorder_return(struct ckf_recorder *recorder, int status, uint64_t result,
                                         bool *misused);
void ckf_recorder_clear(struct ckf_recorder *recorder);

enum { CKF_HISTORY_MAX = 512 };

struct ckf_history {
    const struct ckf_stress_specification *specification;
    size_t count;
    bool too_long; /* not everything is here */
    struct ckf_recorded operations[CKF_HISTORY_MAX];
};

void ckf_history_begin(struct ckf_history *history,
                       const struct ckf_stress_specification *specification);
/* Takes over what a body has recorded. Bodies in the same order each time. */
void ckf_history_add(struct ckf_history *history, const struct ckf_recorder *recorder);

enum ckf_linearizability ckf_history_judge(struct ckf_history *history);

/* "not linearizable" and "undecided"; NULL: nothing to report. */
const char *ckf_history_outcome(enum ckf_linearizability verdict);

/* Writes the name of an actor. */
typedef void (*ckf_actor_name)(unsigned actor, char *text, size_t size, const void *arg);

/* Prints a history that is not linearizable: the shortest part of it, from its beginning, that has no
 * order; for one object. */
void ckf_history_print(const struct ckf_history *history, ckf_actor_name name, const void *arg,
                       FILE *out);

#endif
