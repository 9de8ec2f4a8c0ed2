/* tests/orders/map_counts.c - scenes of where a counter map counts, and what reads and takes make of it.
 *
 * The first thread that comes to a key again owns its entry; one that meets an entry of another counts in
 * `base` and has it promoted, and counts in a cell from then on. Setups are a thread of their own.
 */
#include "scene.h"

#include <string.h>

#include "base/memory.h"
#include "counter_map/lockfree.h"

struct state {
    struct ckf_counter_map *map;
    struct ckf_cells *cells;
    uint32_t id;
    uint64_t most; /* that the key can come to at any moment */
    uint64_t taken[2];
};

static const char short_key[] = "short key", tiny_key[] = "tiny";

static void add(struct state *s, const char *key, uint64_t n)
{
    ckf_counter_map_add(s->map, key, strlen(key), n);
}

static uint64_t value_of(struct state *s, const char *key)
{
    uint64_t value = 0;
    (void)!ckf_counter_map_get(s->map, key, strlen(key), &value);
    return value;
}

static uint64_t take(struct state *s, const char *key)
{
    uint64_t value = 0;
    (void)!ckf_counter_map_take(s->map, key, strlen(key), &value);
    return value;
}

static void make_map(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_counter_map_options options = {.variant = variant_of(run)};
    expect(run, ckf_counter_map_create(&s->map, &options) == CKF_OK);
    add(s, short_key, 1);
    add(s, tiny_key, 1);
    s->most = 2;
}

static void destroy_map(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_counter_map_destroy(((struct state *)state)->map);
}

/* The setup's thread owns what it made. */
static void make_owned(struct ckf_stress_run *run, void *state)
{
    make_map(run, state);
    add(state, short_key, 0);
    add(state, tiny_key, 0);
}

static void make_owned_one(struct ckf_stress_run *run, void *state)
{
    make_owned(run, state);
    ((struct state *)state)->most = 1;
}

static void make_empty(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    make_map(run, state);
    (void)take(s, short_key);
    s->most = 1;
}

/* --- a sum that has an add is not set against a take before it --- */

static void add_take_add(struct state *s, const char *key)
{
    add(s, key, 1);
    (void)take(s, key);
    add(s, key, 1);
}

static void add_take_add_short(struct ckf_stress_run *run, void *state)
{
    (void)run;
    add_take_add(state, short_key);
}

static void add_take_add_tiny(struct ckf_stress_run *run, void *state)
{
    (void)run;
    add_take_add(state, tiny_key);
}

static void add_and_take_twice(struct ckf_stress_run *run, void *state)
{
    (void)run;
    add(state, short_key, 1);
    (void)take(state, short_key);
    add_take_add(state, short_key);
}

static void take_and_add(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)take(state, tiny_key);
    add(state, tiny_key, 1);
}

/* The second add goes to a cell already. */
static void add_add_take_add(struct ckf_stress_run *run, void *state)
{
    (void)run;
    add(state, tiny_key, 0);
    add_take_add(state, tiny_key);
}

static void read_short(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, value_of(s, short_key) <= s->most);
}

static void read_tiny(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, value_of(s, tiny_key) <= s->most);
}

static bool visit(const void *key, size_t length, uint64_t value, void *run)
{
    (void)key;
    (void)length;
    expect(run, value <= 2);
    return true;
}

static void read_all(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_counter_map_for_each(((struct state *)state)->map, visit, run) == CKF_OK);
}

SCENE(map_read_beside_take, "order-map-read-beside-take", BOTH, make_map, destroy_map,
      {"owner", add_take_add_tiny, 1}, {"reader", read_tiny, 1});
SCENE(map_read_beside_take_short, "order-map-read-beside-take-short", BOTH, make_map, destroy_map,
      {"owner", add_take_add_short, 1}, {"reader", read_short, 1});
SCENE(map_read_beside_takes, "order-map-read-beside-takes", BOTH, make_empty, destroy_map,
      {"owner", add_and_take_twice, 1}, {"reader", read_short, 1});
SCENE(map_read_all_beside_take, "order-map-read-all-beside-take", BOTH, make_map, destroy_map,
      {"owner", add_take_add_tiny, 1}, {"reader", read_all, 1});
SCENE(map_read_base_beside_take, "order-map-read-base-beside-take", BOTH, make_owned_one,
      destroy_map, {"guest", take_and_add, 1}, {"reader", read_tiny, 1});
SCENE(map_read_cells_beside_take, "order-map-read-cells-beside-take", BOTH, make_owned, destroy_map,
      {"guest", add_add_take_add, 1}, {"reader", read_tiny, 1});

/* --- takes --- */

static void add_and_take(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    add(s, tiny_key, 1);
    s->taken[0] = take(s, tiny_key);
}

static void take_too(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->taken[1] = take(s, tiny_key);
}

static void add_up_takes(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->taken[0] <= 2 && s->taken[1] <= 2);
    expect(run, s->taken[0] + s->taken[1] + value_of(s, tiny_key) == 2);
    destroy_map(run, state);
}

SCENE(map_take_beside_take, "order-map-take-beside-take", BOTH, make_map, add_up_takes,
      {"owner", add_and_take, 1}, {"taker", take_too, 1});
SCENE(map_take_cells_beside_take, "order-map-take-cells-beside-take", BOTH, make_owned,
      add_up_takes, {"guest", add_and_take, 1}, {"taker", take_too, 1});

/* --- cells --- */

static void make_cells(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->cells = ckf_alloc_aligned(sizeof *s->cells, CKF_CACHELINE);
    ckf_section_start();
    ckf_cells_init(s->cells);
    expect(run, ckf_cells_try_lock_ids(s->cells) && ckf_cells_take_id(s->cells, &s->id));
    ckf_cells_unlock_ids(s->cells);
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
    make_owned(run, state);
    s->cells = &ckf_lockfree(s->map)->cells;
    expect(run, ckf_cells_try_lock_ids(s->cells) && ckf_cells_take_id(s->cells, &s->id));
    ckf_cells_unlock_ids(s->cells);
    count_in_cell(run, state);
    ckf_cells_give_back_id(s->cells, s->id);
}

static void add_tiny(struct ckf_stress_run *run, void *state)
{
    (void)run;
    add(state, tiny_key, 1);
}

SCENE(map_id_is_used_again, "order-map-id-is-used-again", ATOMIC_ONLY, make_used_id, destroy_map,
      {"guest", add_tiny, 1}, {"reader", read_tiny, 1});
