/* tests/orders/channel_runs.c - batches that one cell of a ring stands for: read late, in part, and sent again where
 * an earlier one was (channel/ring.c, channel/batches.c). */
#include "channels.h"

enum { ROOM = 2 };

static void send_batch(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    const uint64_t batch[ROOM] = {1, 2};
    size_t done;
    expect(run, ckf_channel_send_many(channel, batch, ROOM, &done, CKF_NOW, NULL) == CKF_OK &&
                    done == ROOM);
}

static void batch_in_ring(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = make(run, ROOM, 8);
    send_batch(run, s->first);
}

static void take_batch(struct ckf_stress_run *run, struct ckf_channel *channel)
{
    uint64_t values[ROOM];
    size_t done;
    enum ckf_status status = ckf_channel_recv_many(channel, values, ROOM, &done, CKF_NOW, NULL);
    expect(run, status == CKF_OK || status == CKF_AGAIN);
}

/* The cell that led the batch holds a word that is no address. */
static void turn_over(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    take_batch(run, s->first);
    take_batch(run, s->first);
    send_batch(run, s->first);
    take_batch(run, s->first);
    take_batch(run, s->first);
    put_first(run, state);
}

SCENE(run_read_late, "channel-order-run-read-late", BOTH, batch_in_ring, destroy_both,
      {"slow receiver", try_first, 1}, {"turner", turn_over, 1});

/* --- what came before a batch is there with each of its elements --- */

static void empty_of_two(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, ROOM, 8);
}

static void write_and_send_batch(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->plain = 1;
    send_batch(run, s->first);
}

static void receive_each_and_look(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    for (uint64_t i = 1; i <= ROOM; i++)
        expect(run, recv_one(run, s->first) == i && s->plain == 1);
}

SCENE(run_of_two, "channel-order-run-of-two", BOTH, empty_of_two, destroy_both,
      {"sender", write_and_send_batch, 1}, {"receiver", receive_each_and_look, 1});

/* --- a batch that is shared out --- */

static void take_one_of_two(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    while (take(s->first, &value) == CKF_AGAIN)
        ckf_stress_spin(run);
    expect(run, value == 1 || value == 2);
}

SCENE(run_shared_out, "channel-order-run-shared-out", BOTH, empty_of_two, destroy_both,
      {"sender", write_and_send_batch, 1}, {"receiver", take_one_of_two, 2});
