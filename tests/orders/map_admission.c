/* tests/orders/map_admission.c - scenes of maps that are full, or nearly so. */
#include "map_keys.h"

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter_entry *pending;
};

#define FILLS KEY_AT("a", 0, 0, 0)
#define COMES KEY_AT("b", 1, 0, 0)

static void destroy_map(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_counter_map_destroy(((struct state *)state)->map);
}

static void make_full_map(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->map = make_map_of(run, 1);
    add_key(run, s->map, FILLS);
}

/* --- who knows of room is not refused because somebody else found none --- */

/* Whoever makes the other key has linked it, and found room before that. */
static void make_full_map_with_pending(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    make_full_map(run, state);
    struct ckf_lockfree_map *map = ckf_lockfree(s->map);
    struct ckf_place *place = ckf_lockfree_begin(map);
    s->pending = ckf_lockfree_make_entry(map, &COMES, 1, CKF_ENTRY_PENDING);
    expect(run, ckf_counter_index_insert(&map->index, s->pending) == s->pending);
    ckf_section_end(place);
}

static void settle_pending(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_lockfree_map *map = ckf_lockfree(s->map);
    (void)run;
    struct ckf_place *place = ckf_lockfree_begin(map);
    bool is_in = ckf_lockfree_admit(map, s->pending);
    ckf_section_end(place);
    if (is_in)
        return;
    ckf_counter_index_unlink(&map->index, &map->fence, s->pending);
    ckf_lockfree_retire(map, s->pending);
}

static void make_room_and_add(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, remove_key(s->map, FILLS) == 1);
    add_key(run, s->map, COMES);
}

SCENE(map_room_is_used, "order-map-room-is-used", ATOMIC_ONLY, make_full_map_with_pending,
      destroy_map, {"maker", settle_pending, 1}, {"remover", make_room_and_add, 1});
