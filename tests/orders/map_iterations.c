/* tests/orders/map_iterations.c - scenes of iterations that meet removals. */
#include "map_keys.h"

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter *pin;
    _Atomic(bool) removed;
    struct ckf_stress_run *run;
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

/* The removal has been noted, and that is all that it knows. */
static void visit_both_when_noted(struct ckf_stress_run *run, void *state)
{
    while (load_relaxed(&((struct state *)state)->map->removals) == 0)
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
