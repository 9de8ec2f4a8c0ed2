/* tests/orders/map_admission.c - scenes of ATOMIC maps that have room for one key. */
#include "map_keys.h"

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter_entry *entry;
};

#define FILLS KEY_AT("a", 0, 0, 0)
#define COMES KEY_AT("b", 1, 0, 0)

/* --- setups --- */

static void empty_map(struct ckf_stress_run *run, void *state)
{
    ((struct state *)state)->map = make_map_of(run, 1);
}

static void full_map(struct ckf_stress_run *run, void *state)
{
    empty_map(run, state);
    put_key(run, ((struct state *)state)->map, FILLS);
}

/* The entry that was let in last is about to go. */
static void last_is_dead_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    full_map(run, state);
    s->entry = mark_dead(s->map, FILLS);
    raise_fence(s->map);
}

/* Whoever makes the other key has linked it, and found room before that. */
static void full_map_with_pending(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    full_map(run, state);
    s->entry = make_entry(run, s->map, COMES, CKF_ENTRY_PENDING);
    link_entry(run, s->map, s->entry);
    free_replaced(s->map);
}

/* It is linked, but nothing else is there. */
static void pending(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_map(run, state);
    s->entry = make_entry(run, s->map, COMES, CKF_ENTRY_PENDING);
    link_entry(run, s->map, s->entry);
    free_replaced(s->map);
}

/* An entry was refused while a slow helper claimed for it: that it takes room is an error, to be put right
 * by whoever meets it. */
static void claimed_for_refused(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_map(run, state);
    s->entry = make_entry(run, s->map, FILLS, CKF_ENTRY_PENDING);
    link_entry(run, s->map, s->entry);
    free_replaced(s->map);
    expect(run, ckf_lockfree_refuse(s->entry));
    struct ckf_wide *admission = &ckf_lockfree(s->map)->admission;
    atomic_store_explicit(&admission->low, 1, relaxed);
    atomic_store_explicit(&admission->high, (uintptr_t)s->entry, relaxed);
}

static void destroy_map(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_counter_map_destroy(((struct state *)state)->map);
}

/* --- actors --- */

static void add_one(struct ckf_stress_run *run, void *state)
{
    add_key(run, ((struct state *)state)->map, COMES);
}

static void look_for_room(struct ckf_stress_run *run, void *state)
{
    struct ckf_lockfree_map *map = ckf_lockfree(((struct state *)state)->map);
    (void)run;
    struct ckf_place *place = ckf_lockfree_begin(map);
    (void)ckf_lockfree_is_full(map);
    ckf_section_end(place);
}

static void remove_last(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_lockfree_forget(ckf_lockfree(s->map), s->entry);
    unlink_and_free(s->map, s->entry);
}

static void settle_pending(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_lockfree_map *map = ckf_lockfree(s->map);
    (void)run;
    struct ckf_place *place = ckf_lockfree_begin(map);
    bool is_in = ckf_lockfree_admit(map, s->entry);
    ckf_section_end(place);
    if (is_in)
        return;
    unlink_entry(s->map, s->entry);
    ckf_lockfree_retire(map, s->entry);
}

static void make_room_and_add(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, remove_key(s->map, FILLS) == 1);
    add_key(run, s->map, COMES);
}

static void count_keys(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_counter_map_len(((struct state *)state)->map) <= 1);
}

/* Whoever finds a key that has just been let in, and removes it, leaves nothing that leads to it. */
static void remove_if_there(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    if (remove_key(s->map, COMES) != 0)
        add_key(run, s->map, FILLS);
}

/* --- the last one that was let in is found gone, or waited for --- */

SCENE(map_last_is_removed, "order-map-last-is-removed", ATOMIC_ONLY, last_is_dead_behind_fence,
      destroy_map, {"remover", remove_last, 1}, {"adder", look_for_room, 1});
SCENE(map_last_is_forgotten, "order-map-last-is-forgotten", ATOMIC_ONLY, pending, destroy_map,
      {"maker", settle_pending, 1}, {"remover", remove_if_there, 1});

/* --- nobody is refused who has room --- */

SCENE(map_room_for_all_who_add_it, "order-map-room-for-all-who-add-it", ATOMIC_ONLY, empty_map,
      destroy_map, {"adder", add_one, 2});
SCENE(map_room_is_used, "order-map-room-is-used", ATOMIC_ONLY, full_map_with_pending, destroy_map,
      {"maker", settle_pending, 1}, {"remover", make_room_and_add, 1});
SCENE(map_room_is_put_right, "order-map-room-is-put-right", ATOMIC_ONLY, claimed_for_refused,
      destroy_map, {"helper", look_for_room, 1}, {"adder", add_one, 1});

/* --- never are more keys counted than there is room for --- */

SCENE(map_len_within_bound, "order-map-len-within-bound", ATOMIC_ONLY, full_map, destroy_map,
      {"mover", make_room_and_add, 1}, {"reader", count_keys, 1});
