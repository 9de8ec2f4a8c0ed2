/* filter/loans.h - a few things of which each is lent to one call at a time, and nobody waits for one.
 *
 * Roles:      any thread takes one and gives it back.
 * Progress:   wait-free: each thing is asked for once; when all are out, the call does without.
 * A call that a fork cut off keeps its own in the child for good.
 */
#ifndef CKF_FILTER_LOANS_H
#define CKF_FILTER_LOANS_H

#include <stddef.h>

#include "base/atomics.h"
#include "base/cacheline.h"

struct ckf_loan {
    CKF_CACHELINE_ALIGNED _Atomic(bool) is_out;
    void *thing; /* who has taken it may use what this leads to */
};

/* One of them, which are a power of two; NULL: all are out. Threads of different numbers begin at different ones. */
static inline struct ckf_loan *ckf_loan_take(struct ckf_loan *loans, unsigned count,
                                             unsigned number)
{
    for (unsigned i = 0; i < count; i++) {
        struct ckf_loan *loan = &loans[(number + i) & (count - 1)];
        /* relaxed: a hint that spares the line's owner; the exchange decides */
        if (load_relaxed(&loan->is_out))
            continue;
        /* edge loan-handed-on: acquire; pairs with the release in ckf_loan_return(). */
        if (!exchange_acquire(&loan->is_out, true))
            return loan;
    }
    return NULL;
}

static inline void ckf_loan_return(struct ckf_loan *loan)
{
    /* edge loan-handed-on: release; pairs with the acquire in ckf_loan_take(): the call is done with it. */
    store_release(&loan->is_out, false);
}

#endif
