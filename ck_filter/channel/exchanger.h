/* channel/exchanger.h - where two calls on a rendezvous meet while both are awake: one line, two words.
 *
 * A call that would have to sleep offers itself here first, for as long as its patience lasts, then takes the offer
 * back and enrols. Its peer finds the offer by one load and takes it by one CAS. There is one place: who
 * finds it occupied by another of its own kind does without.
 *
 * An offer is a promise to nobody but whoever takes it: looks at the channel (is_ready, event fds) do not
 * see it, so it may come and go.
 */
#ifndef CKF_CHANNEL_EXCHANGER_H
#define CKF_CHANNEL_EXCHANGER_H

#include <stdbool.h>
#include <stdint.h>

#include <ck_filter/channel.h>

#include "base/atomics.h"
#include "base/wide_cas.h"

struct ckf_exchanger {
    struct ckf_wide slot; /* low: an offer, or 0; high: the element on its way */
};

/* Offers to send the word, or to receive one, under a name that never comes again, a multiple of
 * CKF_CLAIMS. Returns the offer; 0: the slot is occupied. */
uint64_t ckf_exchanger_offer(struct ckf_exchanger *exchanger, enum ckf_direction direction,
                             uint64_t name, uint64_t word);
bool ckf_exchanger_is_open(const struct ckf_exchanger *exchanger, uint64_t offer);
/* Ends one's own offer, open or not. False: it was taken, and of an offer to receive *word is the
 * element. */
bool ckf_exchanger_withdraw(struct ckf_exchanger *exchanger, uint64_t offer, uint64_t *word);

/* The open offer that a call in that direction could take; 0: there is none. */
uint64_t ckf_exchanger_find(const struct ckf_exchanger *exchanger, enum ckf_direction direction);
/* Takes it: sends *word, or receives it. False: it is not there any more. */
bool ckf_exchanger_take(struct ckf_exchanger *exchanger, uint64_t offer, uint64_t *word);

#endif
