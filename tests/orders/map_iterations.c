/* tests/orders/map_iterations.c - scenes of iterations that meet what goes and grows. */
#include "map_keys.h"

struct state {
    struct ckf_counter_map *map;
    _Atomic(bool) removed;
    bool knows; /* the iteration: that the key has been removed */
    struct ckf_stress_run *run;
};

/* Neighbours in one leaf, in this order. */
#define STAYS KEY_AT("a", 0, 0, 0)
#define GOES  KEY_AT("b", 0, 0, 1)

static void destroy_map(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_counter_map_destroy(((struct state *)state)->map);
}

/* --- what was removed before its turn is not visited --- */

static void make_two_keys(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->map = make_map_of(run, 0);
    add_key(run, s->map, STAYS);
    add_key(run, s->map, GOES);
}

static void remove_one(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, remove_key(s->map, GOES) == 1);
    atomic_store(&s->removed, true);
}

static bool has_its_turn(const void *key, size_t length, uint64_t value, void *state)
{
    struct state *s = state;
    (void)length;
    (void)value;
    if (*(const char *)key == 'a')
        s->knows = atomic_load(&s->removed);
    else
        expect(s->run, !s->knows);
    return true;
}

static void visit_both(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->run = run;
    expect(run, ckf_counter_map_for_each(s->map, has_its_turn, s) == CKF_OK);
}

SCENE(map_visits_none_removed, "order-map-visits-none-removed", ATOMIC_ONLY, make_two_keys,
      destroy_map, {"remover", remove_one, 1}, {"visitor", visit_both, 1});
