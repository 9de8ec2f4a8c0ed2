/* tests/orders/channel_blocks.c - elements in blocks, which go round; where they are shared, none may be missed. */
#include <stdalign.h>
#include <stdlib.h>

#include "channel/core.h"
#include "channels.h"
#include "sync/per_thread.h"

/* A block is nobody else's while its element is in the channel. */
static void send_two_large(struct ckf_stress_run *run, void *state)
{
    send_one(run, ((struct state *)state)->first, 1);
    send_one(run, ((struct state *)state)->first, 2);
}

static void receive_one_large(struct ckf_stress_run *run, void *state)
{
    struct element element = {{0}};
    expect(run, ckf_channel_recv(((struct state *)state)->first, &element) == CKF_OK);
    expect(run, element.words[1] == element.words[0] && element.words[2] == element.words[0]);
    atomic_fetch_add_explicit(&((struct state *)state)->flag, (int)element.words[0], relaxed);
}

static void both_came(struct ckf_stress_run *run, void *state)
{
    expect(run, ((struct state *)state)->flag == 1 + 2);
    destroy_both(run, state);
}

/* Where the next cells are the last of a piece, and the first of one that was used before. */
static void large_ring(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, 1, LARGE_BYTES);
    use_cells(run, ((struct state *)state)->first, 1);
}

static void large_segments(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = make(run, CKF_UNBOUNDED, LARGE_BYTES);
    use_cells(run, ((struct state *)state)->first, 3 * CELLS - 1);
}

SCENE(blocks_in_ring, "channel-order-blocks-in-ring", BOTH, large_ring, both_came,
      {"sender", send_two_large, 1}, {"receiver", receive_one_large, 2});
SCENE(blocks_in_segments, "channel-order-blocks-in-segments", BOTH, large_segments, both_came,
      {"sender", send_two_large, 1}, {"receiver", receive_one_large, 2});

/* --- threads that keep no spare share them --- */

static void use_shared_blocks(void)
{
    ckf_thread_number_plus_one = CKF_OWN_NUMBERS + 1;
}

/* Of the blocks that are in no cell one is left, which nobody has used yet, and memory has run out. */
static struct ckf_channel *with_fresh_block(struct ckf_stress_run *run)
{
    struct ckf_channel *channel = make(run, 2, LARGE_BYTES);
    struct ckf_blocks *blocks = &channel->ring.blocks;
    atomic_store_explicit(&blocks->used, blocks->count - 1, relaxed);
    blocks->extra_bytes = PTRDIFF_MAX;
    return channel;
}

/* It has been used, and given back. */
static struct ckf_channel *with_shared_block(struct ckf_stress_run *run)
{
    struct ckf_channel *channel = with_fresh_block(run);
    unsigned self = ckf_thread_number_plus_one;
    use_shared_blocks();
    use_cells(run, channel, 1);
    ckf_thread_number_plus_one = self;
    return channel;
}

/* Who finds none waits, and is told. */
static void one_shared_block(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->first = with_shared_block(run);
}

static void send_one_sharing(struct ckf_stress_run *run, void *state)
{
    use_shared_blocks();
    send_one(run, ((struct state *)state)->first, 1);
}

static void two_ones_came(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    for (int i = 0; i < 2; i++)
        expect(run, take(s->first, &value) == CKF_OK && value == 1);
    destroy_both(run, state);
}

SCENE(shared_block, "channel-order-shared-block", ATOMIC_ONLY, one_shared_block, two_ones_came,
      {"sender", send_one_sharing, 2});

/* Each gives one back to one channel and looks for one in the other: the second to give finds one. */
static void two_shared_blocks(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = with_shared_block(run);
    s->second = with_shared_block(run);
}

static void put_first_then_second(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    use_shared_blocks();
    put(s->first, 1);
    s->told = put(s->second, 1) == CKF_OK;
}

static void put_second_then_first(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    use_shared_blocks();
    put(s->second, 1);
    s->told_too = put(s->first, 1) == CKF_OK;
}

static void one_was_found(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->told || s->told_too);
    destroy_both(run, state);
}

SCENE(block_for_one_of_two, "channel-order-block-for-one-of-two", ATOMIC_ONLY, two_shared_blocks,
      one_was_found, {"first", put_first_then_second, 1}, {"second", put_second_then_first, 1});

/* The fresh block is gone for who sees that; then the shared one has been given back. */
static void shared_and_fresh_block(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->first = with_shared_block(run);
    s->second = with_fresh_block(run);
}

static void use_both_blocks(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    use_shared_blocks();
    send_one(run, s->first, 1);
    send_one(run, s->second, 1);
}

static void try_second_then_first(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    use_shared_blocks();
    expect(run, put(s->second, 2) == CKF_OK || put(s->first, 2) == CKF_OK);
}

static void look_at_second_and_try_first(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    use_shared_blocks();
    expect(run, ckf_channel_is_ready(s->second, CKF_SEND) || put(s->first, 2) == CKF_OK);
}

SCENE(fresh_block_gone, "channel-order-fresh-block-gone", ATOMIC_ONLY, shared_and_fresh_block,
      destroy_both, {"sender", use_both_blocks, 1}, {"trier", try_second_then_first, 1});
SCENE(fresh_block_seen_gone, "channel-order-fresh-block-seen-gone", ATOMIC_ONLY,
      shared_and_fresh_block, destroy_both, {"sender", use_both_blocks, 1},
      {"trier", look_at_second_and_try_first, 1});

/* --- two stacks of shared blocks, by themselves --- */

struct stacks {
    struct ckf_spares *of[2];
    alignas(16) _Atomic(uint64_t) blocks[2];
};

/* Each has one. */
static void make_stacks(struct ckf_stress_run *run, void *state)
{
    struct stacks *stacks = aligned_alloc(alignof(struct stacks), sizeof *stacks);
    unsigned self = ckf_thread_number_plus_one;
    expect(run, stacks != NULL);
    use_shared_blocks();
    for (int i = 0; i < 2; i++) {
        stacks->of[i] = ckf_spares_create();
        ckf_spares_give(stacks->of[i], &stacks->blocks[i]);
    }
    ckf_thread_number_plus_one = self;
    ((struct state *)state)->object = stacks;
}

static void free_stacks(struct ckf_stress_run *run, void *state)
{
    struct stacks *stacks = ((struct state *)state)->object;
    (void)run;
    for (int i = 0; i < 2; i++)
        ckf_spares_destroy(stacks->of[i], NULL);
    free(stacks);
}

/* Gives one back before it takes one from the other stack: there always is one in one of the two. */
static void move_block(struct ckf_stress_run *run, void *state)
{
    struct stacks *stacks = ((struct state *)state)->object;
    use_shared_blocks();
    _Atomic(uint64_t) *block = ckf_spares_take(stacks->of[0]);
    for (int i = 0; i < 4; i++) {
        ckf_spares_give(stacks->of[i % 2], block);
        block = ckf_spares_take(stacks->of[1 - i % 2]);
        expect(run, block != NULL);
    }
}

/* Nothing in one twice, at one count, and nothing in the other in between. */
static void look_into_both(struct ckf_stress_run *run, void *state)
{
    struct stacks *stacks = ((struct state *)state)->object;
    uint64_t moments[4];
    bool found = false;
    use_shared_blocks();
    for (int i = 0; i < 4 && !found; i++)
        found = ckf_spares_has_one(stacks->of[i % 2], &moments[i]);
    expect(run, found || moments[0] != moments[2] || moments[1] != moments[3]);
}

SCENE(block_in_one_of_two, "channel-order-block-in-one-of-two", ATOMIC_ONLY, make_stacks,
      free_stacks, {"mover", move_block, 1}, {"looker", look_into_both, 1});
