/* tests/orders/channel_exchanger.c - calls that meet while they are awake. */
#include <stdlib.h>

#include "channel/exchanger.h"
#include "channel/waitlist.h"
#include "channels.h"

/* --- and a close --- */

static void write_and_close(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->plain = 1;
    close_first(run, state);
}

static void receive_nothing(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    expect(run, ckf_channel_recv(s->first, &value) == CKF_CLOSED && s->plain == 1);
}

/* The receiver may wait still, awake or asleep. */
static void put_after_close(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, !ckf_channel_is_closed(s->first) || put(s->first, 1) == CKF_CLOSED);
}

SCENE(closed_before_exchange, "channel-order-put-after-close", BOTH, empty_rendezvous, destroy_both,
      {"receiver", receive_nothing, 1}, {"closer", write_and_close, 1},
      {"sender", put_after_close, 1});

/* --- by hand --- */

enum { FIRST_NAME = CKF_CLAIMS, SECOND_NAME = 2 * CKF_CLAIMS };

static void make_exchanger(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ((struct state *)state)->object = aligned_alloc(64, 64);
    *(struct ckf_exchanger *)((struct state *)state)->object = (struct ckf_exchanger){0};
}

static void free_exchanger(struct ckf_stress_run *run, void *state)
{
    (void)run;
    free(((struct state *)state)->object);
}

static void await_taker(struct ckf_stress_run *run, struct ckf_exchanger *exchanger, uint64_t offer,
                        uint64_t *word)
{
    while (ckf_exchanger_is_open(exchanger, offer))
        ckf_stress_spin(run);
    expect(run, !ckf_exchanger_withdraw(exchanger, offer, word));
}

/* Looks for its offer when another one has come and gone. */
static void offer_to_send(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t word = 1;
    uint64_t offer = ckf_exchanger_offer(s->object, CKF_SEND, FIRST_NAME, word);
    expect(run, offer != 0);
    await_taker(run, s->object, offer, &word);
    expect(run, s->plain == 1);
}

static void offer_to_receive(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t word = 0, offer;
    await_turn(run, &s->flag, 1);
    while ((offer = ckf_exchanger_offer(s->object, CKF_RECV, SECOND_NAME, word)) == 0)
        ckf_stress_spin(run);
    await_taker(run, s->object, offer, &word);
    expect(run, word == 2);
}

static void take_offer(struct ckf_stress_run *run, struct ckf_exchanger *exchanger,
                       enum ckf_direction direction, uint64_t *word)
{
    uint64_t offer;
    while ((offer = ckf_exchanger_find(exchanger, direction)) == 0)
        ckf_stress_spin(run);
    expect(run, ckf_exchanger_take(exchanger, offer, word));
}

static void take_both(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t word = 0;
    s->plain = 1;
    take_offer(run, s->object, CKF_RECV, &word);
    expect(run, word == 1);
    end_turn(&s->flag);
    word = 2;
    take_offer(run, s->object, CKF_SEND, &word);
}

SCENE(exchange_by_way_of_another, "channel-order-exchange-by-way-of-another", ATOMIC_ONLY,
      make_exchanger, free_exchanger, {"sender", offer_to_send, 1},
      {"receiver", offer_to_receive, 1}, {"taker", take_both, 1});
