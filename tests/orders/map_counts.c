/* tests/orders/map_counts.c - scenes of where a counter map counts, and what reads and takes make of it.
 *
 * Here, where ids are few, the first thread that comes to a key again owns its entry; one that meets an entry of
 * another has it promoted and counts in a cell, or in `base` where it gets no id. Setups are a thread of their own.
 */
#include "map_keys.h"

#include <string.h>

#include "base/memory.h"
#include "counter_map/count.h"

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter *counter;
    struct ckf_counter_entry *entry;
    struct ckf_cells *cells;
    struct ckf_blocks blocks;
    void *block;
    unsigned group_bits;
    uint32_t id;
    uint64_t most; /* that the key can come to at any moment */
    uint64_t taken[2];
};

static const char key[] = "short key";
enum { KEY_LENGTH = sizeof key - 1 };

/* --- a map with one key --- */

static void make_key(struct ckf_stress_run *run, struct state *s, uint64_t n)
{
    s->map = make_map_of(run, 0);
    expect(run, ckf_counter_map_add(s->map, key, KEY_LENGTH, n) == CKF_OK);
    s->entry = only_entry(s->map);
    s->most = 1;
}

static void at_zero(struct ckf_stress_run *run, void *state)
{
    make_key(run, state, 0);
}

static void at_one(struct ckf_stress_run *run, void *state)
{
    make_key(run, state, 1);
}

/* What an add does once it has the entry. */
static void count(struct state *s)
{
    struct ckf_place *place = ckf_section_begin();
    ckf_lockfree_count(ckf_lockfree(s->map), s->entry, 1, place);
    ckf_section_end(place);
}

static uint64_t take(struct state *s)
{
    return ckf_lockfree_take_value(ckf_lockfree(s->map), s->entry);
}

static void take_id(struct ckf_stress_run *run, struct state *s)
{
    struct ckf_place *place = ckf_section_begin();
    expect(run, ckf_cells_take_id(s->cells, place, &s->id));
    ckf_section_end(place);
}

/* The setup's thread owns the entry. */
static void owned_at_one(struct ckf_stress_run *run, void *state)
{
    at_zero(run, state);
    count(state);
}

static void owned_while_ids_are_few(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    owned_at_one(run, state);
    s->cells = &ckf_lockfree(s->map)->cells;
    take_id(run, s);
}

static void owned_at_zero(struct ckf_stress_run *run, void *state)
{
    owned_at_one(run, state);
    (void)take(state);
}

static void with_handle(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    at_zero(run, state);
    expect(run, ckf_counter_map_counter(s->map, key, KEY_LENGTH, &s->counter) == CKF_OK);
    s->entry->state &= ~CKF_ENTRY_HOME; /* as if the setup had not come to it again by that */
}

static void with_handle_for_two(struct ckf_stress_run *run, void *state)
{
    with_handle(run, state);
    ((struct state *)state)->most = 2;
}

static void destroy_map(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    if (s->counter != NULL)
        ckf_counter_release(s->counter);
    ckf_counter_map_destroy(s->map);
}

/* --- a sum that has an add is not set against a take before it --- */

static void count_take_count(struct ckf_stress_run *run, void *state)
{
    (void)run;
    count(state);
    (void)take(state);
    count(state);
}

/* The second add finds the word without a call. */
static void add_take_add(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_counter_map_add(s->map, key, KEY_LENGTH, 1) == CKF_OK);
    (void)take(s);
    expect(run, ckf_counter_map_add(s->map, key, KEY_LENGTH, 1) == CKF_OK);
}

static void count_once(struct ckf_stress_run *run, void *state)
{
    (void)run;
    count(state);
}

/* What is not the thread's own goes to `base` where ids are few, the first time. */
static void take_and_count(struct ckf_stress_run *run, void *state)
{
    (void)take(state);
    count_once(run, state);
}

/* It goes to a cell. */
static void take_and_count_again(struct ckf_stress_run *run, void *state)
{
    count_take_count(run, state);
    take_and_count(run, state);
}

/* The library's own copy of what programs have inlined. */
static void (*volatile add_by_call)(struct ckf_counter *counter, uint64_t n) = ckf_counter_add;

/* The first add claims the entry, the second finds the word; the third needs no call, if it may. */
static void add_add_take_add(struct state *s,
                             void (*add_one)(struct ckf_counter *counter, uint64_t n))
{
    add_one(s->counter, 1);
    add_one(s->counter, 1);
    (void)take(s);
    add_one(s->counter, 1);
}

static void add_by_handle(struct ckf_stress_run *run, void *state)
{
    (void)run;
    add_add_take_add(state, ckf_counter_lockfree_handle_add);
}

static void add_without_call(struct ckf_stress_run *run, void *state)
{
    (void)run;
    add_add_take_add(state, add_by_call);
}

static void read(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value = 0;
    expect(run, ckf_counter_map_get(s->map, key, KEY_LENGTH, &value) == CKF_OK);
    expect(run, value <= s->most);
}

static void read_slowly(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_lockfree_value_slowly(ckf_lockfree(s->map), s->entry) <= s->most);
}

static void read_by_handle(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_counter_get(s->counter) <= s->most);
}

static bool visit(const void *bytes, size_t length, uint64_t value, void *run)
{
    (void)bytes;
    (void)length;
    expect(run, value <= 1);
    return true;
}

static void list(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_counter_map_for_each(((struct state *)state)->map, visit, run) == CKF_OK);
}

SCENE(map_read_beside_take, "order-map-read-beside-take", ATOMIC_ONLY, at_zero, destroy_map,
      {"owner", count_take_count, 1}, {"reader", read, 1});
SCENE(map_read_beside_quick_add, "order-map-read-beside-quick-add", ATOMIC_ONLY, at_zero,
      destroy_map, {"owner", add_take_add, 1}, {"reader", read, 1});
SCENE(map_read_slowly_beside_take, "order-map-read-slowly-beside-take", ATOMIC_ONLY, at_zero,
      destroy_map, {"owner", count_take_count, 1}, {"reader", read_slowly, 1});
SCENE(map_list_beside_take, "order-map-list-beside-take", ATOMIC_ONLY, at_zero, destroy_map,
      {"owner", count_take_count, 1}, {"reader", list, 1});
SCENE(map_read_base_beside_take, "order-map-read-base-beside-take", ATOMIC_ONLY,
      owned_while_ids_are_few, destroy_map, {"guest", take_and_count, 1}, {"reader", read, 1});
SCENE(map_read_cells_beside_take, "order-map-read-cells-beside-take", ATOMIC_ONLY, owned_at_zero,
      destroy_map, {"guest", take_and_count_again, 1}, {"reader", read, 1});
SCENE(map_read_by_handle, "order-map-read-by-handle", ATOMIC_ONLY, with_handle, destroy_map,
      {"owner", count_take_count, 1}, {"reader", read_by_handle, 1});
SCENE(map_read_beside_handle, "order-map-read-beside-handle", ATOMIC_ONLY, with_handle_for_two,
      destroy_map, {"owner", add_by_handle, 1}, {"reader", read_slowly, 1});
SCENE(map_read_beside_handle_without_call, "order-map-read-beside-handle-without-call", ATOMIC_ONLY,
      with_handle_for_two, destroy_map, {"owner", add_without_call, 1}, {"reader", read_slowly, 1});

/* --- an entry is promoted once --- */

static void count_twice(struct ckf_stress_run *run, void *state)
{
    (void)run;
    count(state);
    count(state);
}

static void add_up_counts(struct ckf_stress_run *run, void *state)
{
    expect(run, take(state) == 4);
    destroy_map(run, state);
}

SCENE(map_two_promote, "order-map-two-promote", ATOMIC_ONLY, owned_at_zero, add_up_counts,
      {"guest", count_twice, 2});

/* --- takes --- */

static void count_and_take(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    count(s);
    s->taken[0] = take(s);
}

static void take_too(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->taken[1] = take(s);
}

static void add_up_takes(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->taken[0] <= 2 && s->taken[1] <= 2);
    expect(run, s->taken[0] + s->taken[1] == 2);
    destroy_map(run, state);
}

SCENE(map_take_beside_take, "order-map-take-beside-take", ATOMIC_ONLY, at_one, add_up_takes,
      {"owner", count_and_take, 1}, {"taker", take_too, 1});

/* --- cells --- */

/* Their id is the first one, as if somebody without a row had taken it. */
static void make_cells(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->cells = ckf_alloc_aligned(sizeof *s->cells, CKF_CACHELINE);
    ckf_section_start();
    ckf_cells_init(s->cells);
}

static void destroy_cells(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_cells_destroy(s->cells);
    ckf_free(s->cells);
}

static void count_in_cell(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_place *place = ckf_section_begin();
    _Atomic(uint64_t) *word = ckf_cells_make_mine(s->cells, place, s->id);
    expect(run, word != NULL);
    atomic_store_explicit(word, atomic_load_explicit(word, relaxed) + 1, memory_order_release);
    ckf_section_end(place);
}

static void sum_cells(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_cells_sum(s->cells, s->id) <= 2);
}

SCENE(map_row_is_made, "order-map-row-is-made", ATOMIC_ONLY, make_cells, destroy_cells,
      {"adder", count_in_cell, 2}, {"reader", sum_cells, 1});

/* The next id has been in use: its words are not 0, and that is its birth. */
static void make_used_id(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    owned_at_zero(run, state);
    s->cells = &ckf_lockfree(s->map)->cells;
    take_id(run, s);
    count_in_cell(run, state);
    count_in_cell(run, state);
    ckf_cells_give_back_id(s->cells, s->id);
}

SCENE(map_id_is_used_again, "order-map-id-is-used-again", ATOMIC_ONLY, make_used_id, destroy_map,
      {"guest", count_once, 1}, {"reader", read_slowly, 1});

/* --- blocks --- */

enum { GIVER = 1 }; /* the number of a scene's first actor, and of its pool */

static void make_blocks(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_blocks_init(&s->blocks, s);
    expect(run, ckf_blocks_take(&s->blocks, NULL, &s->block, &s->group_bits) && s->block != NULL);
}

static void destroy_blocks(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_blocks_destroy(&((struct state *)state)->blocks);
}

static void use_and_give_back(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    memset(s->block, 1, CKF_BLOCK);
    expect(run, ckf_thread_number() == GIVER);
    ckf_blocks_give_back(&s->blocks, NULL, s->block, s->group_bits);
}

/* From the giver's pool, all others being in use. */
static void take_from_giver(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    void *block;
    unsigned group_bits;
    for (int i = 0; i < CKF_BLOCK_POOLS; i++)
        if (i != GIVER)
            pthread_mutex_lock(&s->blocks.pools[i].lock);
    expect(run, ckf_blocks_take(&s->blocks, NULL, &block, &group_bits) && *(char *)block == 0);
    for (int i = 0; i < CKF_BLOCK_POOLS; i++)
        if (i != GIVER)
            pthread_mutex_unlock(&s->blocks.pools[i].lock);
}

SCENE(map_block_is_used_again, "order-map-block-is-used-again", ATOMIC_ONLY, make_blocks,
      destroy_blocks, {"giver", use_and_give_back, 1}, {"taker", take_from_giver, 1});
