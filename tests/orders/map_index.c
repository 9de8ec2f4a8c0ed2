/* tests/orders/map_index.c - scenes of the ATOMIC map's index: keys that are looked for while they go, and
 * leaves that are replaced.
 */
#include "map_keys.h"

#include <string.h>

#include "base/memory.h"
#include "counter_map/list.h"

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter_entry *dead, *refused, *fresh;
    uint64_t phase;
    unsigned visits;
    _Atomic(bool) is_removed, is_copied;
};

#define KEY       KEY_AT("k", 0, 0, 0)
#define SIBLING   KEY_AT("s", 0, 0, 1)
#define NEIGHBOUR KEY_AT("n", 0, 2, 1)
#define ANOTHER   KEY_AT("a", 0, 3, 2)
#define ELSEWHERE KEY_AT("e", 1, 0, 0)
#define FARTHER   KEY_AT("f", 2, 0, 0)
static const char short_key[] = "short key";

/* --- setups --- */

static void empty_map(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->map = make_map_of(run, 0);
}

static void one_key(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_map(run, state);
    put_key(run, s->map, KEY);
}

static void one_dead(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    one_key(run, state);
    s->dead = mark_dead(s->map, KEY);
}

static void dead_behind_fence(struct ckf_stress_run *run, void *state)
{
    one_dead(run, state);
    raise_fence(((struct state *)state)->map);
}

/* Who finds the key gone does not make it anew, which would be a long way. */
static void dead_for_ever_behind_fence(struct ckf_stress_run *run, void *state)
{
    dead_behind_fence(run, state);
    ((struct state *)state)->map->is_ending = true;
}

static void dead_and_anew_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    dead_behind_fence(run, state);
    s->fresh = make_entry(run, s->map, KEY, 0);
}

/* One key more, and the leaf is replaced. */
static void full_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    dead_behind_fence(run, state);
    s->fresh = make_entry(run, s->map, NEIGHBOUR, 0);
}

/* One more is there, and dead: refused, its maker is about to unlink it. */
static void add_refused(struct ckf_stress_run *run, struct state *s, struct ckf_counter_key key)
{
    put_key(run, s->map, key);
    s->refused = mark_dead(s->map, key);
    seal_leaf_of(s->map, key);
    s->phase = load_relaxed(&ckf_sections.phase);
}

static void beside_refused(struct ckf_stress_run *run, void *state)
{
    one_key(run, state);
    add_refused(run, state, NEIGHBOUR);
}

/* The same beside a key that a quick add finds, and whose hash is the map's choice. */
static void short_beside_refused(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_map(run, state);
    expect(run, ckf_counter_map_add(s->map, short_key, strlen(short_key), 1) == CKF_OK);
    free_replaced(s->map);
    uint64_t hash = ckf_counter_hash(s->map, short_key, strlen(short_key));
    add_refused(run, s, (struct ckf_counter_key){"n", 1, hash ^ 1});
}

static void one_refused(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    beside_refused(run, state);
    s->dead = mark_dead(s->map, KEY);
}

/* In a leaf so full that who replaces it looks at entries. */
static void refused_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_map(run, state);
    add_neighbours(run, s->map, 5);
    put_key(run, s->map, KEY);
    add_refused(run, s, NEIGHBOUR);
    s->dead = mark_dead(s->map, KEY);
    raise_fence(s->map);
    s->phase = load_relaxed(&ckf_sections.phase);
}

/* With an inner node. */
static void deep_map(struct ckf_stress_run *run, void *state)
{
    empty_map(run, state);
    add_neighbours(run, ((struct state *)state)->map, KEYS_OF_A_ROOT + 1);
}

static void deep_and_full_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    deep_map(run, state);
    put_key(run, s->map, KEY);
    s->dead = mark_dead(s->map, KEY);
    raise_fence(s->map);
    s->fresh = make_entry(run, s->map, SIBLING, 0);
}

/* One key more makes the root an inner node. */
static void full_root(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_map(run, state);
    add_neighbours(run, s->map, KEYS_OF_A_ROOT - 1);
    put_key(run, s->map, KEY);
}

/* Which will be given back as soon as it is replaced. */
static void dead_in_aging_leaf(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    one_dead(run, state);
    s->fresh = make_entry(run, s->map, NEIGHBOUR, 0);
    s->phase = load_relaxed(&ckf_sections.phase);
    give_back_next(s->map);
}

static void destroy_map(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    if (s->refused != NULL)
        ckf_lockfree_free_entry(ckf_lockfree(s->map), s->refused);
    ckf_counter_map_destroy(s->map);
}

/* --- actors --- */

static void remove_it(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    unlink_and_free(s->map, s->dead);
}

static void lower_during_wait(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_wait(run, s->phase);
    lower_fence_of(s->map);
}

static void discard_it(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_section_end(ckf_section_begin());
    unlink_entry(s->map, s->refused);
}

static void discard_without_fence(struct ckf_stress_run *run, void *state)
{
    await_lowering(run, ((struct state *)state)->map);
    discard_it(run, state);
}

static void read_it(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)value_of_key(((struct state *)state)->map, KEY);
}

static void add_it(struct ckf_stress_run *run, void *state)
{
    add_key(run, ((struct state *)state)->map, KEY);
}

static void add_neighbour(struct ckf_stress_run *run, void *state)
{
    add_key(run, ((struct state *)state)->map, NEIGHBOUR);
}

static void add_another_before(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    add_key(run, s->map, ANOTHER);
    reach(&s->is_copied);
}

static void read_neighbour_late(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await(run, &s->is_copied);
    expect(run, value_of_key(s->map, NEIGHBOUR) <= 1);
}

/* As an iteration does for which the root was a leaf when it began. */
static void list_root(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_counter_list list;
    expect(run, ckf_counter_list_init(&list, 2 * KEYS_OF_A_ROOT));
    ckf_counter_lockfree_list(s->map, &ckf_lockfree(s->map)->index.roots[0], &list);
    ckf_counter_list_free(&list);
}

static bool note_visit(const void *key, size_t length, uint64_t value, void *state)
{
    (void)length;
    (void)value;
    ((struct state *)state)->visits += *(const char *)key == 'k';
    return true;
}

static void visit_it(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_counter_map_for_each(s->map, note_visit, s) == CKF_OK && s->visits == 1);
}

/* --- who looks for a key behind the fence, and is not waited for, finds it gone --- */

static void remove_before(struct ckf_stress_run *run, void *state)
{
    remove_it(run, state);
    reach(&((struct state *)state)->is_removed);
}

static void link_fresh(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    link_entry(run, s->map, s->fresh);
}

/* The old leaf has the entry for ever. */
static void grow_and_remove(struct ckf_stress_run *run, void *state)
{
    link_fresh(run, state);
    remove_it(run, state);
}

static void grow_and_remove_before(struct ckf_stress_run *run, void *state)
{
    grow_and_remove(run, state);
    reach(&((struct state *)state)->is_removed);
}

static void try_to_add(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)ckf_counter_lockfree_add(((struct state *)state)->map, &KEY, 1);
}

#define LATE(name)                                                                                 \
    static void name##_late(struct ckf_stress_run *run, void *state)                               \
    {                                                                                              \
        await(run, &((struct state *)state)->is_removed);                                          \
        name(run, state);                                                                          \
    }
LATE(read_it)
LATE(try_to_add)
LATE(link_fresh)
LATE(list_root)

SCENE(map_index_read_removed, "order-map-index-read-removed", ATOMIC_ONLY, dead_behind_fence,
      destroy_map, {"remover", remove_before, 1}, {"reader", read_it_late, 1});
SCENE(map_index_add_removed, "order-map-index-add-removed", ATOMIC_ONLY, dead_and_anew_behind_fence,
      destroy_map, {"remover", remove_before, 1}, {"adder", link_fresh_late, 1});
SCENE(map_index_find_removed, "order-map-index-find-removed", ATOMIC_ONLY,
      dead_for_ever_behind_fence, destroy_map, {"remover", remove_before, 1},
      {"adder", try_to_add_late, 1});
SCENE(map_index_list_removed, "order-map-index-list-removed", ATOMIC_ONLY, dead_behind_fence,
      destroy_map, {"remover", remove_before, 1}, {"visitor", list_root_late, 1});
SCENE(map_index_read_left_out, "order-map-index-read-left-out", ATOMIC_ONLY, full_behind_fence,
      destroy_map, {"remover", grow_and_remove_before, 1}, {"reader", read_it_late, 1});
SCENE(map_index_list_left_out, "order-map-index-list-left-out", ATOMIC_ONLY, full_behind_fence,
      destroy_map, {"remover", grow_and_remove, 1}, {"visitor", list_root, 1});
SCENE(map_index_list_left_out_below, "order-map-index-list-left-out-below", ATOMIC_ONLY,
      deep_and_full_behind_fence, destroy_map, {"remover", grow_and_remove, 1},
      {"visitor", list_root, 1});
SCENE(map_index_copy_beside_removal, "order-map-index-copy-beside-removal", ATOMIC_ONLY,
      refused_behind_fence, destroy_map, {"remover", remove_it, 1}, {"maker", discard_it, 1});
SCENE(map_index_discard_beside_removal, "order-map-index-discard-beside-removal", ATOMIC_ONLY,
      refused_behind_fence, destroy_map, {"remover", remove_it, 1},
      {"last but one", lower_during_wait, 1}, {"maker", discard_without_fence, 1});

/* --- who copies a leaf and who takes a key out of it --- */

static void dead_in_full_leaf(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    one_dead(run, state);
    s->fresh = make_entry(run, s->map, NEIGHBOUR, 0);
}

static void dead_in_full_root(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    full_root(run, state);
    s->dead = mark_dead(s->map, KEY);
    s->fresh = make_entry(run, s->map, NEIGHBOUR, 0);
}

static void unlink_it(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    unlink_entry(s->map, s->dead);
}

/* Were it in a copy, the end of the map would find it there. */
static void free_and_destroy(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_lockfree_free_entry(ckf_lockfree(s->map), s->dead);
    destroy_map(run, state);
}

SCENE(map_index_unlink_copied, "order-map-index-unlink-copied", ATOMIC_ONLY, dead_in_full_leaf,
      free_and_destroy, {"grower", link_fresh, 1}, {"remover", unlink_it, 1});
SCENE(map_index_unlink_split, "order-map-index-unlink-split", ATOMIC_ONLY, dead_in_full_root,
      free_and_destroy, {"grower", link_fresh, 1}, {"remover", unlink_it, 1});

/* --- what is new is found whole --- */

SCENE(map_index_read_new, "order-map-index-read-new", ATOMIC_ONLY, empty_map, destroy_map,
      {"adder", add_it, 1}, {"reader", read_it, 1});
SCENE(map_index_list_new, "order-map-index-list-new", ATOMIC_ONLY, one_key, destroy_map,
      {"adder", add_neighbour, 1}, {"visitor", list_root, 1});
SCENE(map_index_list_new_below, "order-map-index-list-new-below", ATOMIC_ONLY, deep_map,
      destroy_map, {"adder", add_it, 1}, {"visitor", list_root, 1});
/* Its slot was copied by a thread that did not look at it. */
SCENE(map_index_read_copied, "order-map-index-read-copied", ATOMIC_ONLY, one_key, destroy_map,
      {"adder", add_neighbour, 1}, {"grower", add_another_before, 1},
      {"reader", read_neighbour_late, 1});
SCENE(map_index_visit_split, "order-map-index-visit-split", ATOMIC_ONLY, full_root, destroy_map,
      {"grower", add_neighbour, 1}, {"visitor", visit_it, 1});

/* --- replaced leaves are given back, together, when nobody is in them --- */

static void add_elsewhere(struct ckf_stress_run *run, void *state)
{
    add_key(run, ((struct state *)state)->map, ELSEWHERE);
}

static void add_farther(struct ckf_stress_run *run, void *state)
{
    add_key(run, ((struct state *)state)->map, FARTHER);
}

/* What the reclaimer does with many. */
static void replace_and_free(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    unlink_entry(s->map, s->refused);
    void *leaf = exchange_acquire(&ckf_lockfree(s->map)->index.replaced, NULL);
    ckf_section_wait();
    ckf_free(leaf);
}

/* As a removal does, under its lock. Not in the thread's first section, which begins in another way. */
static void unlink_during_wait(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_section_end(ckf_section_begin());
    await_wait(run, s->phase);
    ckf_counter_index_unlink(&ckf_lockfree(s->map)->index, NULL, s->dead);
}

static void add_during_wait(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_section_end(ckf_section_begin());
    await_wait(run, s->phase);
    add_key(run, s->map, KEY);
}

static void add_short_during_wait(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_section_end(ckf_section_begin());
    await_wait(run, s->phase);
    expect(run, ckf_counter_map_add(s->map, short_key, strlen(short_key), 1) == CKF_OK);
}

static void sum_during_wait(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_section_end(ckf_section_begin());
    await_wait(run, s->phase);
    expect(run, ckf_counter_map_total(s->map) >= 1);
}

static void read_and_unlink(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    read_it(run, state);
    unlink_entry(s->map, s->dead);
}

SCENE(map_index_leaves_together, "order-map-index-leaves-together", ATOMIC_ONLY, empty_map,
      destroy_map, {"grower", add_elsewhere, 1}, {"other grower", add_farther, 1});
SCENE(map_index_leaf_of_remover, "order-map-index-leaf-of-remover", ATOMIC_ONLY, one_refused,
      free_and_destroy, {"maker", replace_and_free, 1}, {"remover", unlink_during_wait, 1});
SCENE(map_index_leaf_of_adder, "order-map-index-leaf-of-adder", ATOMIC_ONLY, beside_refused,
      destroy_map, {"maker", replace_and_free, 1}, {"adder", add_during_wait, 1});
SCENE(map_index_leaf_of_quick_adder, "order-map-index-leaf-of-quick-adder", ATOMIC_ONLY,
      short_beside_refused, destroy_map, {"maker", replace_and_free, 1},
      {"adder", add_short_during_wait, 1});
SCENE(map_index_leaf_of_summer, "order-map-index-leaf-of-summer", ATOMIC_ONLY, beside_refused,
      destroy_map, {"maker", replace_and_free, 1}, {"summer", sum_during_wait, 1});
SCENE(map_index_leaf_of_reader, "order-map-index-leaf-of-reader", ATOMIC_ONLY, dead_in_aging_leaf,
      free_and_destroy, {"grower", link_fresh, 1}, {"remover", read_and_unlink, 1});
