/* channel/board.c - offers: the name of a wait and the way to its node.
 *
 * Roles:      whoever holds the waitlist's lock posts and withdraws; anybody looks and claims.
 * Invariants: a wait's name never comes again, and its claim word lies in memory that stays (waitlist.h).
 *             So a compare-and-swap of the claim word that expects the name succeeds only while that
 *             wait is open, and then the wait's nodes stay until it is fired: only now is the node looked at.
 *             An offer's node and order are written before its id, and not again before that wait has been
 *             claimed: who then claims it has read the node that belongs to it.
 * Progress:   looking is wait-free. A claim that fails has been overtaken by another or by the
 *             sleeper itself.
 * Teardown:   nobody sleeps any more; the pieces are freed.
 */
#include "channel/board.h"

#include <stddef.h>

#include "base/effort.h"
#include "base/memory.h"
#include "channel/waitlist.h"

enum { FIRST_OFFERS = CKF_SIZE(8, 1) };

struct ckf_offer {
    _Atomic(uint64_t) id; /* the wait's name; 0: not in use */
    _Atomic(int64_t) order;
    _Atomic(struct ckf_wait_node *) node;
    struct ckf_offer *next_unused; /* guarded by the lock */
};

static size_t offers_of_piece(int piece)
{
    return (size_t)FIRST_OFFERS << piece;
}

/* Makes the next piece; false without memory or at the end. */
static bool grow(struct ckf_board *board)
{
    int piece = 0;
    /* relaxed: written under the lock alone */
    while (piece < CKF_BOARD_PIECES && load_relaxed(&board->pieces[piece]) != NULL)
        piece++;
    if (piece == CKF_BOARD_PIECES)
        return false;
    struct ckf_offer *offers = ckf_alloc_array(offers_of_piece(piece), sizeof *offers);
    if (offers == NULL)
        return false;
    for (size_t i = offers_of_piece(piece); i-- > 0;) {
        offers[i].next_unused = board->unused;
        board->unused = &offers[i];
    }
    /* edge board-grown: release; pairs with the load in find_first(). */
    store_release(&board->pieces[piece], offers);
    return true;
}

void ckf_board_post(struct ckf_board *board, struct ckf_wait_node *node, bool in_front)
{
    node->offer = NULL;
    if (node->wait->name == 0 || (board->unused == NULL && !grow(board))) {
        /* relaxed, here and below: goes before the interest that is shown after it, and a count that is
         * too high costs others a lock */
        fetch_add_relaxed(&board->absent, 1);
        return;
    }
    struct ckf_offer *offer = board->unused;
    board->unused = offer->next_unused;
    node->offer = offer;
    /* relaxed: of offers that are posted together, any may be first */
    store_relaxed(&offer->order, in_front ? --board->before_first : board->after_last++);
    /* edge offer-withdrawn: release; pairs with the load in ckf_board_claim(). */
    store_release(&offer->node, node);
    /* edge offer-posted: release; pairs with the load in find_first(). */
    store_release(&offer->id, node->wait->name);
}

void ckf_board_withdraw(struct ckf_board *board, struct ckf_wait_node *node)
{
    struct ckf_offer *offer = node->offer;
    if (offer == NULL) {
        fetch_sub_relaxed(&board->absent, 1);
        return;
    }
    /* edge peer-gone: release; pairs with the load in find_first(). Whoever still sees the id cannot
     * claim it any more. */
    store_release(&offer->id, 0);
    offer->next_unused = board->unused;
    board->unused = offer;
    node->offer = NULL;
}

/* The open offer with the lowest order, and its id; NULL: there is none. */
static struct ckf_offer *find_first(struct ckf_board *board, uint64_t *first_id)
{
    struct ckf_offer *first = NULL;
    int64_t first_order = 0;
    for (int piece = 0; piece < CKF_BOARD_PIECES; piece++) {
        /* edge board-grown: acquire; pairs with the store in grow(). */
        struct ckf_offer *offers = load_acquire(&board->pieces[piece]);
        if (offers == NULL)
            break;
        for (size_t i = 0; i < offers_of_piece(piece); i++) {
            /* edge offer-posted: acquire; pairs with the store in ckf_board_post().
             * edge peer-gone: acquire; pairs with the store in ckf_board_withdraw(). */
            uint64_t id = load_acquire(&offers[i].id);
            if (id == 0 || !ckf_wait_is_open(id))
                continue;
            int64_t order = load_relaxed(&offers[i].order); /* relaxed: acquired with the id */
            if (first != NULL && order >= first_order)
                continue;
            first = &offers[i];
            first_order = order;
            *first_id = id;
        }
    }
    return first;
}

struct ckf_wait_node *ckf_board_claim(struct ckf_board *board)
{
    for (;;) {
        uint64_t id;
        struct ckf_offer *offer = find_first(board, &id);
        if (offer == NULL)
            return NULL;
        /* edge offer-withdrawn: acquire; pairs with the store in ckf_board_post(): who sees the node of a
         * later offer comes after the claim of this one, and fails. */
        struct ckf_wait_node *node = load_acquire(&offer->node);
        if (ckf_wait_claim_by_name(id)) {
            node->wait->taken_case = node->case_number;
            return node;
        }
    }
}

bool ckf_board_has_open(struct ckf_board *board)
{
    uint64_t id;
    return find_first(board, &id) != NULL;
}

bool ckf_board_is_partial(const struct ckf_board *board)
{
    /* relaxed: the interest that was shown after it has been seen */
    return load_relaxed(&board->absent) != 0;
}

void ckf_board_free(struct ckf_board *board)
{
    for (int piece = 0; piece < CKF_BOARD_PIECES; piece++)
        ckf_free(load_relaxed(&board->pieces[piece])); /* relaxed: alone */
}
