/* tests/orders/channel_segments.c - the segments of an unbounded channel: they are left, kept, given
 * back, used again. */
#include "channels.h"

/* --- a segment that comes back: whoever still has an earlier piece of it in mind harms nobody --- */

static void full_piece(struct ckf_stress_run *run, void *state)
{
    empty_segments(run, state);
    put_some(run, ((struct state *)state)->first, CELLS);
}

static void put_late(struct ckf_stress_run *run, void *state)
{
    put_some(run, ((struct state *)state)->first, 1);
}

static void fill_next_and_close(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    put_some(run, s->first, CELLS);
    atomic_store_explicit(&s->flag, 1, memory_order_release);
    expect(run, ckf_channel_close(s->first) == CKF_OK && ckf_channel_is_closed(s->first));
}

/* The first segment is used again, the second one is kept. */
static void turn_over(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t elems[2 * CELLS + 1];
    size_t done;
    while (!atomic_load_explicit(&s->flag, memory_order_acquire))
        ckf_stress_spin(run);
    put_some(run, s->first, 1);
    expect(run,
           ckf_channel_recv_many(s->first, elems, 2 * CELLS + 1, &done, CKF_NOW, NULL) == CKF_OK);
    put_some(run, s->first, CELLS);
}

SCENE(segment_of_long_ago, "channel-order-segment-of-long-ago", ATOMIC_ONLY, full_piece,
      destroy_both, {"slow sender", put_late, 1}, {"closer", fill_next_and_close, 1},
      {"turner", turn_over, 1});

/* --- whoever moves on to the next segment --- */

/* One of the receivers waits there. */
static void nearly_full_segment(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_segments(run, state);
    use_cells(run, s->first, CELLS - 1);
    expect(run, put(s->first, 1) == CKF_OK && put(s->first, 2) == CKF_OK);
}

SCENE(receivers_move_on, "channel-order-receivers-move-on", BOTH, nearly_full_segment, destroy_both,
      {"receiver", receive_first, 3}, {"sender", put_first, 1});

static void receive_within(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    enum ckf_status status =
        ckf_channel_recv_until(s->first, &value, ckf_deadline_after_ns(1000), NULL);
    expect(run, status == CKF_OK || status == CKF_TIMED_OUT);
}

SCENE(hasty_receivers_move_on, "channel-order-hasty-receivers-move-on", BOTH, nearly_full_segment,
      destroy_both, {"receiver", receive_within, 2}, {"taker", try_first, 1});

static void look_at_length(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_channel_len(s->first) <= 4 && !ckf_channel_is_closed(s->first));
}

SCENE(observer_of_segments, "channel-order-observer-of-segments", BOTH, nearly_full_segment,
      destroy_both, {"taker", take_first, 2}, {"sender", put_first, 1},
      {"observer", look_at_length, 1});

/* All is received, or about to be, when the next segment is linked: who looks at the old one then
 * is in a section, or reads freed memory. */
SCENE(sleeper_and_taker, "channel-order-sleeper-and-taker", BOTH, full_segment, destroy_both,
      {"receiver", receive_first, 1}, {"sender", put_first, 2}, {"taker", try_first, 1});
SCENE(observer_at_the_end, "channel-order-observer-at-the-end", BOTH, full_segment, destroy_both,
      {"observer", look_at_length, 1}, {"sender", put_first, 1}, {"taker", try_first, 1});

static void last_cell_full(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_segments(run, state);
    use_cells(run, s->first, CELLS - 1);
    expect(run, put(s->first, 1) == CKF_OK);
}

SCENE(senders_move_on, "channel-order-senders-move-on", BOTH, last_cell_full, destroy_both,
      {"sender", put_first, 2}, {"taker", try_twice, 1});

/* --- segments that are given back --- */

static void put_and_take_so_many(struct ckf_stress_run *run, void *state, unsigned sent,
                                 unsigned received)
{
    struct state *s = state;
    uint64_t value;
    for (unsigned i = 0; i < sent; i++)
        expect(run, put(s->first, i) == CKF_OK);
    for (unsigned i = 0; i < received; i++)
        expect(run, take(s->first, &value) == CKF_OK);
}

static void fill_segments(struct ckf_stress_run *run, void *state, unsigned sent, unsigned received)
{
    empty_segments(run, state);
    put_and_take_so_many(run, state, sent, received);
}

/* As many as are kept are kept, and the next receive takes the last element of a segment. */
static void many_kept(struct ckf_stress_run *run, void *state)
{
    fill_segments(run, state, CELLS * (KEPT + 6), CELLS * (KEPT + 3) - 1);
}

static void take_two(struct ckf_stress_run *run, void *state)
{
    try_twice(run, state);
}

static void many_kept_large(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, CKF_UNBOUNDED, LARGE_BYTES);
    put_and_take_so_many(run, state, CELLS * (KEPT + 6), CELLS * (KEPT + 3) - 1);
}

/* So many segments are in use that, when all is received, the last one of them is given back. */
static void many_in_use(struct ckf_stress_run *run, void *state)
{
    fill_segments(run, state, CELLS * (KEPT + 2) - 1, 0);
}

static void use_up(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    (void)run;
    for (int i = 0; i < 2; i++)
        put(s->first, 1);
    while (take(s->first, &value) == CKF_OK)
        continue;
}

static void take_many(struct ckf_stress_run *run, void *state)
{
    uint64_t values[2];
    size_t done;
    enum ckf_status status =
        ckf_channel_recv_many(((struct state *)state)->first, values, 2, &done, CKF_NOW, NULL);
    expect(run, status == CKF_OK || status == CKF_AGAIN);
}

static void look_whether_ready(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_channel_is_ready(((struct state *)state)->first, CKF_RECV);
}

static void try_put_first(struct ckf_stress_run *run, void *state)
{
    (void)run;
    put(((struct state *)state)->first, 1);
}

static void put_many_first(struct ckf_stress_run *run, void *state)
{
    size_t done;
    expect(run, ckf_channel_send_many(((struct state *)state)->first, &(uint64_t){1}, 1, &done,
                                      CKF_FOREVER, NULL) == CKF_OK);
}

static void look_whether_closed(struct ckf_stress_run *run, void *state)
{
    expect(run, !ckf_channel_is_closed(((struct state *)state)->first));
}

static void look_how_many(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_channel_len(((struct state *)state)->first) <= CELLS * (KEPT + 7));
}

#define GIVEN_BACK(name, id, before, visit, other)                                                 \
    SCENE(given_back_##name, "channel-order-given-back-" id, BOTH, before, destroy_both,           \
          {"visitor", visit, 1}, {"other", other, 1})

GIVEN_BACK(try_recv, "try-recv", many_kept, try_first, take_two);
GIVEN_BACK(recv, "recv", many_kept, receive_quickly, take_two);
GIVEN_BACK(large, "large", many_kept_large, try_first, take_two);
GIVEN_BACK(recv_many, "recv-many", many_kept, take_many, take_two);
GIVEN_BACK(is_ready, "is-ready", many_kept, look_whether_ready, take_two);
GIVEN_BACK(len, "len", many_kept, look_how_many, take_two);
GIVEN_BACK(try_send, "try-send", many_in_use, try_put_first, use_up);
GIVEN_BACK(send, "send", many_in_use, send_quickly, use_up);
GIVEN_BACK(send_many, "send-many", many_in_use, put_many_first, use_up);
GIVEN_BACK(is_closed, "is-closed", many_in_use, look_whether_closed, use_up);
GIVEN_BACK(close, "close", many_in_use, close_first, use_up);

/* A sender has moved on to the next segment, and a receiver, who finds that done, gives the one before
 * back: it must know that senders find another one. */
static void put_behind_the_end(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    put_first(run, state);
    end_turn(&s->flag);
}

static void take_what_there_is(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t values[4 * CELLS];
    size_t done;
    await_turn(run, &s->flag, 1);
    expect(run, ckf_channel_recv_many(s->first, values, 4 * CELLS, &done, CKF_NOW, NULL) == CKF_OK);
    end_turn(&s->flag);
}

static void put_in_third_turn(struct ckf_stress_run *run, void *state)
{
    await_turn(run, &((struct state *)state)->flag, 2);
    put_first(run, state);
}

SCENE(left_by_senders, "channel-order-left-by-senders", BOTH, many_kept, destroy_both,
      {"sender", put_behind_the_end, 1}, {"receiver", take_what_there_is, 1},
      {"other sender", put_in_third_turn, 1});

/* --- what has been sent can be found --- */

/* The segment that it begins with is the next but one, too. */
static void use_a_segment_up(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t values[CELLS - 1];
    size_t done;
    put_some(run, s->first, CELLS - 1);
    expect(run, ckf_channel_recv_many(s->first, values, CELLS - 1, &done, CKF_NOW, NULL) == CKF_OK);
    put_first(run, state);
}

SCENE(found_in_segments, "channel-order-found-in-segments", BOTH, empty_segments, destroy_both,
      {"recycler", put_and_take, 2});
SCENE(found_at_the_end, "channel-order-found-at-the-end", BOTH, full_segment, destroy_both,
      {"recycler", put_and_take, 2});
SCENE(found_in_kept_segments, "channel-order-found-in-kept-segments", BOTH, full_segment,
      destroy_both, {"recycler", use_a_segment_up, 1}, {"guest", put_and_take, 1});

/* The segment at whose end it begins is used again, and ends in nothing once more. */
static void put_and_take_later(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    put_first(run, state);
    end_turn(&s->flag);
    await_turn(run, &s->flag, 2);
    expect(run, take(s->first, &value) == CKF_OK);
}

static void use_segment_again(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_turn(run, &s->flag, 1);
    for (int i = 0; i < CELLS - 1; i++)
        put_first(run, state);
    take_first(run, state);
    put_first(run, state);
    end_turn(&s->flag);
}

SCENE(found_after_reuse, "channel-order-found-after-reuse", BOTH, full_segment, destroy_both,
      {"guest", put_and_take_later, 1}, {"recycler", use_segment_again, 1});

/* What it puts in is taken, and something else is there. */
static void move_on_to_next(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_turn(run, &s->flag, 1);
    for (int i = 0; i < 2; i++) {
        put_first(run, state);
        take_first(run, state);
    }
    end_turn(&s->flag);
}

static void last_cell_free(struct ckf_stress_run *run, void *state)
{
    empty_segments(run, state);
    use_cells(run, ((struct state *)state)->first, CELLS - 1);
}

SCENE(found_in_next, "channel-order-found-in-next", BOTH, last_cell_free, destroy_both,
      {"guest", put_and_take_later, 1}, {"mover", move_on_to_next, 1});

/* All that was put in is there in the end. */
static void one_cell_left(struct ckf_stress_run *run, void *state)
{
    empty_segments(run, state);
    put_some(run, ((struct state *)state)->first, CELLS - 1);
}

static void count_elements(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    int count = 0;
    while (take(s->first, &value) == CKF_OK)
        count++;
    expect(run, count == CELLS + 2);
    destroy_both(run, state);
}

/* One after another: in the last cell, in the next segment, and, with a piece and a hint of long ago in
 * mind, not in the segment of another piece. */
static void put_in_turn(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_turn(run, &s->flag, (int)ckf_stress_copy(run));
    put_first(run, state);
    end_turn(&s->flag);
}

static void find_all_three(struct ckf_stress_run *run, void *state)
{
    for (int i = 0; i < 3; i++)
        take_first(run, state);
    destroy_both(run, state);
}

SCENE(all_are_in_their_piece, "channel-order-all-are-in-their-piece", BOTH, last_cell_free,
      find_all_three, {"sender", put_in_turn, 3});

SCENE(all_sent_are_there, "channel-order-all-sent-are-there", BOTH, one_cell_left, count_elements,
      {"sender", put_two, 1}, {"other", put_first, 1});
