/* tests/orders/map_removal.c - scenes of removals in the ATOMIC map, and of handles that pin what goes. */
#include "map_keys.h"

#include <string.h>

#include "counter_map/count.h"

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter *counter;
    struct ckf_counter_entry *entry, *fresh;
    uint64_t phase, added, removed; /* `removed`: the final values */
    _Atomic(bool) is_cached, is_removed;
    _Atomic(uint64_t) word;
};

#define KEY       KEY_AT("k", 0, 0, 0)
#define NEIGHBOUR KEY_AT("n", 0, 2, 1)
#define ELSEWHERE KEY_AT("e", 1, 0, 0)
static const char short_key[] = "short key"; /* one that a front takes */

/* --- setups --- */

static void note_final(const void *key, size_t length, uint64_t final_value, void *state)
{
    (void)key;
    (void)length;
    ((struct state *)state)->removed += final_value;
}

static void empty_map(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_counter_map_options options = {
        .variant = CKF_VARIANT_ATOMIC, .removed = note_final, .removed_arg = s};
    expect(run, ckf_counter_map_create(&s->map, &options) == CKF_OK);
}

static void one_key(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_map(run, state);
    put_key(run, s->map, KEY);
    s->added = 1;
}

/* Its leaf will be given back as soon as it is replaced. */
static void one_in_aging_leaf(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    one_key(run, state);
    s->fresh = make_entry(run, s->map, NEIGHBOUR, 0);
    give_back_next(s->map);
    s->phase = load_relaxed(&ckf_sections.phase);
    s->added++;
}

static void short_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_map(run, state);
    expect(run, ckf_counter_map_add(s->map, short_key, strlen(short_key), 1) == CKF_OK);
    free_replaced(s->map);
    s->added = 1;
    raise_fence(s->map);
}

static void pinned(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    empty_map(run, state);
    s->counter = pin_key(run, s->map, KEY);
    free_replaced(s->map);
}

static void pinned_behind_fence(struct ckf_stress_run *run, void *state)
{
    pinned(run, state);
    raise_fence(((struct state *)state)->map);
}

/* Each add is in the total, and in one final value, those at the end included. */
static void add_up(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_counter_map_total(s->map) == s->added);
    if (s->counter != NULL)
        ckf_counter_release(s->counter);
    ckf_counter_map_destroy(s->map);
    expect(run, s->removed == s->added);
}

/* --- actors --- */

static void remove_it(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_counter_key key = KEY;
    expect(run, ckf_counter_lockfree_remove(s->map, &key, NULL) == CKF_OK);
}

static void expire_all(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    (void)ckf_counter_map_expire(s->map, 0);
}

static void add_by_handle(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_counter_add(s->counter, 1);
    s->added++;
}

static void release(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_counter_release(s->counter);
    s->counter = NULL;
}

static void add_and_release(struct ckf_stress_run *run, void *state)
{
    add_by_handle(run, state);
    release(run, state);
}

/* --- a mark that a handle misses, it misses in a section that is waited for --- */

SCENE(map_handle_of_removed, "order-map-handle-of-removed", ATOMIC_ONLY, pinned_behind_fence,
      add_up, {"remover", remove_it, 1}, {"adder", add_by_handle, 1});

/* Without a fence, and no more of the removal than that: the phase tells sections apart. The first actor has
 * number 1, and owns the entry. */
static void pinned_alone(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    pinned(run, state);
    struct ckf_lockfree_map *map = ckf_lockfree(s->map);
    s->entry = ckf_counter_index_find(&map->index, &KEY);
    fetch_or_relaxed(&s->entry->state, ckf_entry_home(CKF_ENTRY_OWNED, 1));
    unlink_entry(s->map, s->entry);
    s->map->is_ending = true; /* who finds the key gone counts in overflow */
    s->phase = load_relaxed(&ckf_sections.phase);
}

static void add_during_wait(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_section_end(ckf_section_begin());
    await_wait(run, s->phase);
    ckf_counter_lockfree_handle_add(s->counter, 1);
    s->added++;
}

static void mark_and_wait(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_lockfree_map *map = ckf_lockfree(s->map);
    (void)run;
    fetch_or_seq_cst(&s->entry->state, (uint64_t)CKF_ENTRY_DEAD);
    ckf_section_wait();
    s->removed = ckf_lockfree_all_adds(map, s->entry);
    ckf_lockfree_detach(map, s->entry);
}

static void add_up_with_overflow(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->removed += ckf_counter_map_overflow(s->map);
    expect(run, s->removed == s->added);
    ckf_counter_release(s->counter);
    ckf_counter_map_destroy(s->map);
}

SCENE(map_handle_during_wait, "order-map-handle-during-wait", ATOMIC_ONLY, pinned_alone,
      add_up_with_overflow, {"adder", add_during_wait, 1}, {"remover", mark_and_wait, 1});

/* --- a waiter that meets the beginning of an add without a call knows of the section before --- */

/* The first actor counts without a call, in a word that is in no entry; another key goes. */
static void armed_beside_dead(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    pinned(run, state);
    put_key(run, s->map, NEIGHBOUR);
    s->entry = mark_dead(s->map, NEIGHBOUR);
    s->counter->words[ckf_gate_index(&ckf_places[1])] = &s->word;
    s->phase = load_relaxed(&ckf_sections.phase);
}

/* The library's own copy of what programs have inlined. */
static void (*volatile add_without_call)(struct ckf_counter *counter, uint64_t n) = ckf_counter_add;

static void read_and_add_during_wait(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_section_end(ckf_section_begin());
    (void)value_of_key(s->map, NEIGHBOUR);
    await_wait(run, s->phase);
    add_without_call(s->counter, 1);
}

static void unlink_and_wait(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    unlink_entry(s->map, s->entry);
    ckf_section_wait();
    ckf_lockfree_free_entry(ckf_lockfree(s->map), s->entry);
}

static void release_and_destroy(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    if (s->counter != NULL)
        ckf_counter_release(s->counter);
    ckf_counter_map_destroy(s->map);
}

SCENE(map_entry_before_quick_add, "order-map-entry-before-quick-add", ATOMIC_ONLY,
      armed_beside_dead, release_and_destroy, {"adder", read_and_add_during_wait, 1},
      {"remover", unlink_and_wait, 1});

/* --- a front, likewise, where the fence has come down --- */

static void remove_when_cached(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await(run, &s->is_cached);
    expect(run, ckf_counter_map_remove(s->map, short_key, strlen(short_key), NULL) == CKF_OK);
    reach(&s->is_removed);
}

static void lower_when_removed(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await(run, &s->is_removed);
    lower_fence_of(s->map);
}

static void add_short(struct ckf_stress_run *run, struct state *s)
{
    expect(run, ckf_counter_map_add(s->map, short_key, strlen(short_key), 1) == CKF_OK);
    s->added++;
}

/* The first add claims the entry, the second one makes the row, and the third one fills the front. */
static void add_from_front(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    for (int i = 0; i < 3; i++)
        add_short(run, s);
    reach(&s->is_cached);
    await_lowering(run, s->map);
    add_short(run, s);
}

SCENE(map_front_of_removed, "order-map-front-of-removed", ATOMIC_ONLY, short_behind_fence, add_up,
      {"remover", remove_when_cached, 1}, {"last but one", lower_when_removed, 1},
      {"adder", add_from_front, 1});

/* --- the remover's own section keeps the leaf that it looks through --- */

static void link_neighbour(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    link_entry(run, s->map, s->fresh);
}

/* Not in the thread's first section, which begins in another way. */
static void remove_during_wait(struct ckf_stress_run *run, void *state)
{
    ckf_section_end(ckf_section_begin());
    await_wait(run, ((struct state *)state)->phase);
    remove_it(run, state);
}

static void read_and_remove(struct ckf_stress_run *run, void *state)
{
    (void)value_of_key(((struct state *)state)->map, KEY);
    remove_it(run, state);
}

SCENE(map_leaf_of_late_remover, "order-map-leaf-of-late-remover", ATOMIC_ONLY, one_in_aging_leaf,
      add_up, {"grower", link_neighbour, 1}, {"remover", remove_during_wait, 1});
/* Of a key that is not there, which is a short way. */
static void read_and_remove_none(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)value_of_key(s->map, KEY);
    expect(run, remove_key(s->map, ELSEWHERE) == 0);
}

SCENE(map_leaf_of_reader, "order-map-leaf-of-reader", ATOMIC_ONLY, one_in_aging_leaf, add_up,
      {"grower", link_neighbour, 1}, {"remover", read_and_remove_none, 1});
SCENE(map_leaf_of_remover, "order-map-leaf-of-remover", ATOMIC_ONLY, one_in_aging_leaf, add_up,
      {"grower", link_neighbour, 1}, {"remover", read_and_remove, 1});

/* --- who lets go of an entry last gives it back, after all others --- */

SCENE(map_pin_of_removed, "order-map-pin-of-removed", ATOMIC_ONLY, pinned, add_up,
      {"holder", release, 1}, {"remover", remove_it, 1});

/* --- who finds the lock of armed handles held leaves a handle to the holder --- */

static void armed(struct ckf_stress_run *run, void *state)
{
    pinned(run, state);
    for (int i = 0; i < 2; i++) /* the second one finds the word that the first one claims */
        add_by_handle(run, state);
}

static void hold_lock_of_armed(struct ckf_stress_run *run, void *state)
{
    struct ckf_lockfree_map *map = ckf_lockfree(((struct state *)state)->map);
    (void)run;
    ckf_lockfree_lock_arming(map);
    ckf_lockfree_unlock_arming(map);
}

SCENE(map_handle_is_left, "order-map-handle-is-left", ATOMIC_ONLY, armed, release_and_destroy,
      {"holder", release, 1}, {"other", hold_lock_of_armed, 1});

/* --- what is pinned does not expire, and is there; what was, expires with all that was added --- */

static void expire_nothing(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_counter_map_expire(((struct state *)state)->map, 0) == 0);
}

static void pin(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->counter = pin_key(run, s->map, KEY);
}

static void find_pinned(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_counter_key key = KEY;
    expect(run, ckf_counter_lockfree_get(s->map, &key, NULL) == CKF_OK);
    add_up(run, state);
}

SCENE(map_pinned_stays, "order-map-pinned-stays", ATOMIC_ONLY, pinned, add_up,
      {"sweeper", expire_nothing, 1});
SCENE(map_pin_beside_expiry, "order-map-pin-beside-expiry", ATOMIC_ONLY, one_key, find_pinned,
      {"sweeper", expire_all, 1}, {"holder", pin, 1});
SCENE(map_expires_with_all_adds, "order-map-expires-with-all-adds", ATOMIC_ONLY,
      pinned_behind_fence, add_up, {"sweeper", expire_all, 1}, {"holder", add_and_release, 1});
