/* channel/quick.h - calls on elements of a word in which all is as usual: there is room, or an element,
 * nobody else comes in between, and nobody sleeps.
 *
 * A locked instruction waits for the stores before it. So such a call is one function that saves next
 * to nothing: whatever is not as usual is left to functions that are jumped to.
 */
#ifndef CKF_CHANNEL_QUICK_H
#define CKF_CHANNEL_QUICK_H

#include <string.h>

#include "base/check.h"
#include "channel/core.h"
#include "sync/visit.h"

/* How an attempt ended. */
enum ckf_quick {
    CKF_QUICK_DONE,
    CKF_QUICK_NOT,  /* something is not as usual */
    CKF_QUICK_LOST, /* another thread was quicker */
};

/* The same calls once more, from the beginning, after a while. */
enum ckf_status ckf_send_after_loss(struct ckf_channel *channel, const void *elem,
                                    const void *site);
enum ckf_status ckf_recv_after_loss(struct ckf_channel *channel, void *elem, const void *site);

/* Wakes who sleeps, and ends the visit. CKF_OK. */
enum ckf_status ckf_leave_and_wake(struct ckf_channel *channel, struct ckf_visit *visit,
                                   enum ckf_direction direction);

/* Ends a visit after a change that calls in that direction wait for. */
CKF_ALWAYS_INLINE enum ckf_status ckf_leave(struct ckf_channel *channel, struct ckf_visit *visit,
                                            enum ckf_direction direction)
{
    if (CKF_UNLIKELY(ckf_waitlist_is_interested(&channel->waitlist, direction)))
        return ckf_leave_and_wake(channel, visit, direction);
    ckf_visit_end_here(visit);
    return CKF_OK;
}

CKF_ALWAYS_INLINE enum ckf_status ckf_send_quickly(
    struct ckf_channel *channel, const void *elem, const void *site,
    enum ckf_quick (*attempt)(struct ckf_channel *channel, uint64_t word))
{
    struct ckf_visit *visit = ckf_visit_begin_here(channel);
    if (CKF_UNLIKELY(visit == NULL || channel->elem_size != CKF_WORD_SIZE))
        return ckf_send_somehow(channel, elem, site);
    uint64_t word;
    memcpy(&word, elem, sizeof word);
    enum ckf_quick end = attempt(channel, word);
    if (CKF_LIKELY(end == CKF_QUICK_DONE))
        return ckf_leave(channel, visit, CKF_RECV);
    return end == CKF_QUICK_LOST ? ckf_send_after_loss(channel, elem, site)
                                 : ckf_send_somehow(channel, elem, site);
}

/* wakes: whether senders may wait for room. */
CKF_ALWAYS_INLINE enum ckf_status ckf_recv_quickly(
    struct ckf_channel *channel, void *elem, const void *site, bool wakes,
    enum ckf_quick (*attempt)(struct ckf_channel *channel, uint64_t *word))
{
    struct ckf_visit *visit = ckf_visit_begin_here(channel);
    if (CKF_UNLIKELY(visit == NULL || channel->elem_size != CKF_WORD_SIZE))
        return ckf_recv_somehow(channel, elem, site);
    uint64_t word;
    enum ckf_quick end = attempt(channel, &word);
    if (CKF_UNLIKELY(end != CKF_QUICK_DONE))
        return end == CKF_QUICK_LOST ? ckf_recv_after_loss(channel, elem, site)
                                     : ckf_recv_somehow(channel, elem, site);
    if (CKF_LIKELY(elem != NULL))
        memcpy(elem, &word, sizeof word);
    if (wakes)
        return ckf_leave(channel, visit, CKF_SEND);
    ckf_visit_end_here(visit);
    return CKF_OK;
}

#endif
