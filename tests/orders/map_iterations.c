/* tests/orders/map_iterations.c - scenes of iterations that meet removals. */
#include "map_keys.h"

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter *pin;
    _Atomic(bool) removed;
    struct ckf_stress_run *run;
    struct ckf_counter_entry *first, *second;
    _Atomic(struct ckf_place *) visitors;
    _Atomic(bool) has_visited, maker_is_ready;
};

/* Neighbours in one leaf, in this order. */
#define STAYS KEY_AT("a", 0, 0, 0)
#define GOES  KEY_AT("b", 0, 0, 1)

static void make_two_keys(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->map = make_map_of(run, 0);
    s->pin = pin_key(run, s->map, STAYS);
    free_replaced(s->map);
    put_key(run, s->map, GOES);
}

static void destroy_map(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_counter_release(s->pin);
    ckf_counter_map_destroy(s->map);
}

/* --- what was removed before its turn is not visited --- */

static void remove_one(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, remove_key(s->map, GOES) == 1);
    atomic_store(&s->removed, true);
}

static void expire_one(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_counter_map_expire(s->map, 0) == 1);
    atomic_store(&s->removed, true);
}

/* The second key's turn comes when it has been removed. */
static bool has_its_turn(const void *key, size_t length, uint64_t value, void *state)
{
    struct state *s = state;
    (void)length;
    (void)value;
    expect(s->run, *(const char *)key == 'a' || !atomic_load(&s->removed));
    while (!atomic_load(&s->removed))
        ckf_stress_spin(s->run);
    return true;
}

static void visit_both(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->run = run;
    expect(run, ckf_counter_map_for_each(s->map, has_its_turn, s) == CKF_OK);
}

/* The removal has been noted, for the second time, and that is all that it knows. */
static void visit_both_when_noted(struct ckf_stress_run *run, void *state)
{
    while (load_relaxed(&((struct state *)state)->map->removals) < 2)
        ckf_stress_spin(run);
    visit_both(run, state);
}

SCENE(map_visits_none_removed, "order-map-visits-none-removed", ATOMIC_ONLY, make_two_keys,
      destroy_map, {"remover", remove_one, 1}, {"visitor", visit_both, 1});
SCENE(map_visits_none_expired, "order-map-visits-none-expired", ATOMIC_ONLY, make_two_keys,
      destroy_map, {"remover", expire_one, 1}, {"visitor", visit_both, 1});
SCENE(map_visits_none_that_goes, "order-map-visits-none-that-goes", ATOMIC_ONLY, make_two_keys,
      destroy_map, {"remover", remove_one, 1}, {"visitor", visit_both_when_noted, 1});
SCENE(map_visits_none_that_expires, "order-map-visits-none-that-expires", ATOMIC_ONLY,
      make_two_keys, destroy_map, {"remover", expire_one, 1},
      {"visitor", visit_both_when_noted, 1});

/* --- what goes and comes again while its part is looked through is visited once --- */

/* In the other order: the second incarnation stands behind the key that stays. */
#define COMES_AGAIN KEY_AT("b", 0, 0, 0)
#define BETWEEN     KEY_AT("a", 0, 0, 1)

static void make_two_incarnations(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->map = make_map_of(run, 0);
    put_key(run, s->map, COMES_AGAIN);
    s->first = only_entry(s->map);
    s->pin = pin_key(run, s->map, BETWEEN);
    free_replaced(s->map);
    s->second = make_entry(run, s->map, COMES_AGAIN, 0);
}

/* The visitor looks through the part, or has done, and the maker looks at the first incarnation. */
static void await_visit(struct ckf_stress_run *run, struct state *s)
{
    struct ckf_place *place;
    await(run, &s->maker_is_ready);
    while (!load_relaxed(&s->has_visited) &&
           ((place = load_relaxed(&s->visitors)) == NULL || load_relaxed(&place->inside) == 0))
        ckf_stress_spin(run);
}

static void remove_first(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_visit(run, s);
    expect(run, remove_key(s->map, COMES_AGAIN) != 0);
}

static void expire_first(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_visit(run, s);
    expect(run, ckf_counter_map_expire(s->map, 0) != 0);
}

/* What a removal does first, and no more. */
static void note_and_mark(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_visit(run, s);
    store_release(&s->map->removals, 1);
    (void)mark_dead(s->map, COMES_AGAIN);
    store_release(&s->map->removals, 2);
}

static void finish_and_destroy(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    unlink_and_free(s->map, s->first);
    destroy_map(run, state);
}

/* Knows of the removal by the mark alone. */
static void link_second(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_place *place = ckf_lockfree_begin(ckf_lockfree(s->map));
    reach(&s->maker_is_ready);
    while ((load_relaxed(&s->first->state) & CKF_ENTRY_DEAD) == 0)
        ckf_stress_spin(run);
    expect(run, ckf_counter_index_insert(&ckf_lockfree(s->map)->index, s->second) == s->second);
    ckf_section_end(place);
}

static bool count_visit(const void *key, size_t length, uint64_t value, void *visits)
{
    (void)length;
    (void)value;
    *(unsigned *)visits += *(const char *)key == 'b';
    return true;
}

static void visit_once(struct ckf_stress_run *run, void *state)
{
    unsigned visits = 0;
    struct state *s = state;
    store_relaxed(&s->visitors, &ckf_places[ckf_thread_number()]);
    expect(run, ckf_counter_map_for_each(s->map, count_visit, &visits) == CKF_OK && visits <= 1);
    store_relaxed(&s->has_visited, true);
}

SCENE(map_visits_once, "order-map-visits-once", ATOMIC_ONLY, make_two_incarnations, destroy_map,
      {"remover", remove_first, 1}, {"maker", link_second, 1}, {"visitor", visit_once, 1});
SCENE(map_visits_once_expired, "order-map-visits-once-expired", ATOMIC_ONLY, make_two_incarnations,
      destroy_map, {"sweeper", expire_first, 1}, {"maker", link_second, 1},
      {"visitor", visit_once, 1});
SCENE(map_visits_once_marked, "order-map-visits-once-marked", ATOMIC_ONLY, make_two_incarnations,
      finish_and_destroy, {"remover", note_and_mark, 1}, {"maker", link_second, 1},
      {"visitor", visit_once, 1});
