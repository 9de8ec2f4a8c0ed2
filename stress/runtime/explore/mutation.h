/* explore/mutation.h - places in the code whose memory order, or what they do, can be taken away.
 *
 * A site is a call of the instrumented code: an atomic operation with an order stronger than relaxed,
 * a wake, a read section, a retirement (whose grace period can be left out) or a marked step
 * (base/step.h).
 */
#ifndef CKF_EXPLORE_MUTATION_H
#define CKF_EXPLORE_MUTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ckf_explore_site {
    uintptr_t pc;
    uint8_t kind, order; /* enum ckf_operation_kind; of C11, 0 where something is left out */
    bool
        beside_others; /* not only by who sets up or tears down, or on words that no other thread uses */
};

enum { CKF_EXPLORE_MAX_SITES = 4096 };

/* Forgets what was noted, and notes sites from now on; or stops. */
void ckf_explore_note_sites(bool on);
/* The sites that were reached while they were noted. */
const struct ckf_explore_site *ckf_explore_sites(size_t *count);

/* From now on the operations of these call sites have this order (never a stronger one than they ask
 * for), and what is no atomic operation is left out. count 0: everything is as written again. At most 64. */
void ckf_explore_mutate(const uintptr_t *pcs, size_t count, int order);

/* What weaker orders an operation of this kind could have instead. Returns how many. */
size_t ckf_explore_weaker_orders(unsigned kind, int order, int weaker[4]);
const char *ckf_explore_kind_name(unsigned kind);
const char *ckf_explore_order_name(int order);

#endif
