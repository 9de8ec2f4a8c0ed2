/* channel/board.h - sleeping calls of a rendezvous, where they can be found and claimed without a lock.
 *
 * The waitlist's lists serve those who hold its lock. Beside each list stands a board with one offer
 * for each node, for those who find the lock held, by a thread that may have stopped: they claim a
 * sleeper and leave it in the list, which it leaves by itself.
 */
#ifndef CKF_CHANNEL_BOARD_H
#define CKF_CHANNEL_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"

struct ckf_offer;
struct ckf_wait_node;

enum { CKF_BOARD_PIECES = 9 };

struct ckf_board {
    /* Offers never move and are freed with the channel. */
    _Atomic(struct ckf_offer *) pieces[CKF_BOARD_PIECES]; /* piece n: FIRST_OFFERS << n */
    _Atomic(uint32_t) absent; /* nodes without an offer: no memory, or too many threads */
    /* guarded by the lock */
    struct ckf_offer *unused;
    int64_t before_first, after_last; /* orders */
};

/* The waitlist's lock is held: with the node's linking, before its interest is shown, and with its
 * unlinking. */
void ckf_board_post(struct ckf_board *board, struct ckf_wait_node *node, bool in_front);
void ckf_board_withdraw(struct ckf_board *board, struct ckf_wait_node *node);

/* Claims the sleeper that has waited longest, and returns its node, which stays until the sleeper is
 * fired. NULL: of those that had shown interest before the call, none is left to be claimed. Lock-free. */
struct ckf_wait_node *ckf_board_claim(struct ckf_board *board);

/* Whether a sleeper could be claimed. Wait-free. */
bool ckf_board_has_open(struct ckf_board *board);

/* Whether some sleepers are not on the board. */
bool ckf_board_is_partial(const struct ckf_board *board);

void ckf_board_free(struct ckf_board *board);

#endif
