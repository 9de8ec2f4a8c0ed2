/* linearize/search.h - is there an order of these operations that a specification accepts?
 *
 * The search is that of Wing and Gong, "Testing and verifying concurrent objects" (1993), with the
 * memory of Lowe, "Testing for linearizability" (2017): no pair of a set of operations that have had
 * their effect and the state they led to is gone on from twice.
 */
#ifndef CKF_LINEARIZE_SEARCH_H
#define CKF_LINEARIZE_SEARCH_H

#include <ck_filter/stress.h>

/* A recorded operation and when it ran. One that ends at a moment and one that begins at the same
 * moment count as overlapping. */
struct ckf_recorded {
    struct ckf_stress_operation operation;
    uint64_t called, returned;
};
#define CKF_NEVER_RETURNED UINT64_MAX

enum ckf_linearizability { CKF_LINEARIZABLE, CKF_NOT_LINEARIZABLE, CKF_LINEARIZABLE_UNDECIDED };

/* Pairs of a set and a state that one search may meet before it gives up. */
enum { CKF_LINEARIZE_MAX_MEMORY = 1 << 16 };

/* How far the search got: the steps of the longest order that it found, by operation. */
struct ckf_linearize_order {
    unsigned length;
    uint16_t operations[CKF_STRESS_MAX_STEPS], steps[CKF_STRESS_MAX_STEPS];
};

/* Judges operations on one object, given in any order. Operations that have not returned may be part
 * of the order or not. order may be NULL. Not to be used by two threads at once. */
enum ckf_linearizability ckf_linearize(const struct ckf_stress_specification *specification,
                                       const struct ckf_recorded *const *operations, size_t count,
                                       struct ckf_linearize_order *order);

#endif
