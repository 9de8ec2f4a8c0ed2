/* channel/exchanger.c - an offer in a slot, taken by one compare-and-swap.
 *
 * Roles:      one call has its offer in the slot and looks whether it is still there; others look for an
 *             offer to their liking and take it.
 * Invariants: the slot is free (0), or holds an offer, or what its taker left for a receiver, who then frees
 *             the slot. An offer never comes again, so a CAS that expects it succeeds only while it
 *             stands, and once: by a taker, or by who made it.
 *             The element changes together with the offer, by a 16-byte CAS.
 * Progress:   every operation is one CAS. A call that stops leaves the slot occupied, which costs others the
 *             short way and nothing else.
 *
 * After the exchangers of Scherer, Lea and Scott, "A Scalable Elimination-based Exchange Channel", SCOOL
 * 2005.
 */
#include "channel/exchanger.h"

#include "channel/waitlist.h"

/* What stands beside the name. */
enum { SENDER = 1, RECEIVER = 2, HANDED = 3, KINDS = CKF_CLAIMS };

static uint64_t kind_of(uint64_t offer)
{
    return offer % KINDS;
}

static uint64_t handed(uint64_t offer)
{
    return offer - RECEIVER + HANDED;
}

uint64_t ckf_exchanger_offer(struct ckf_exchanger *exchanger, enum ckf_direction direction,
                             uint64_t name, uint64_t word)
{
    struct ckf_wide *slot = &exchanger->slot;
    uint64_t offer = name + (direction == CKF_SEND ? SENDER : RECEIVER);
    /* relaxed, both: only says whether the CAS, which checks them, is worth it */
    if (load_relaxed(&slot->low) != 0)
        return 0;
    uint64_t stale = load_relaxed(&slot->high);
    /* edge exchange-offered: release; pairs with the load in ckf_exchanger_find().
     * edge exchange-freed: acquire; pairs with the store in ckf_exchanger_withdraw(). */
    return ckf_wide_cas_explicit(slot, 0, stale, offer, word, memory_order_acq_rel) ? offer : 0;
}

bool ckf_exchanger_is_open(const struct ckf_exchanger *exchanger, uint64_t offer)
{
    /* relaxed: withdrawing it settles the matter */
    return load_relaxed(&exchanger->slot.low) == offer;
}

bool ckf_exchanger_withdraw(struct ckf_exchanger *exchanger, uint64_t offer, uint64_t *word)
{
    struct ckf_wide *slot = &exchanger->slot;
    uint64_t found = offer;
    /* edge exchange-taken: acquire, by the failure; pairs with the CAS in ckf_exchanger_take(). */
    if (cas_acquire(&slot->low, &found, 0))
        return true;
    if (kind_of(offer) == RECEIVER) {
        *word = load_relaxed(&slot->high); /* relaxed: acquired with the low word */
        /* edge exchange-freed: release; pairs with the CAS in ckf_exchanger_offer(): the element has
         * been read when the next one comes. */
        store_release(&slot->low, 0);
    }
    return false;
}

uint64_t ckf_exchanger_find(const struct ckf_exchanger *exchanger, enum ckf_direction direction)
{
    /* edge exchange-offered: acquire; pairs with the CAS in ckf_exchanger_offer(). */
    uint64_t found = load_acquire(&exchanger->slot.low);
    return kind_of(found) == (direction == CKF_SEND ? RECEIVER : SENDER) ? found : 0;
}

bool ckf_exchanger_take(struct ckf_exchanger *exchanger, uint64_t offer, uint64_t *word)
{
    struct ckf_wide *slot = &exchanger->slot;
    /* relaxed: acquired with the offer, and the CAS checks that it is still there */
    uint64_t there = load_relaxed(&slot->high);
    bool sends = kind_of(offer) == RECEIVER;
    /* edge exchange-taken: release; pairs with the failing CAS in ckf_exchanger_withdraw(). */
    if (!ckf_wide_cas_explicit(slot, offer, there, sends ? handed(offer) : 0, sends ? *word : there,
                               memory_order_release))
        return false;
    if (!sends)
        *word = there;
    return true;
}
