/* tests/orders/map_sections.c - scenes of calls that meet the removal of their key.
 *
 * Each call of a map is a section, or some, for which the removal waits before it sums up the key's adds
 * and gives its memory back; or it finds the key no more. Once without a fence: sections are told apart by
 * their phase, and what came before an end, or before the next beginning, is there for who waited. Once
 * behind a fence that another thread lowers meanwhile.
 */
#include "map_keys.h"

#include <string.h>

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter *counter;
    struct ckf_counter_entry *entry;
    const char *key;
    _Atomic(uint64_t) added; /* relaxed: it must not order what a scene is about */
    uint64_t final, phase;
    _Atomic(bool) is_read, is_removed;
};

static void note_add(struct state *s)
{
    atomic_fetch_add_explicit(&s->added, 1, relaxed);
}

static void add(struct ckf_stress_run *run, struct state *s)
{
    expect(run, ckf_counter_map_add(s->map, s->key, strlen(s->key), 1) == CKF_OK);
    note_add(s);
}

/* --- a map with one key --- */

static void make_map(struct ckf_stress_run *run, struct state *s, const char *key)
{
    s->map = make_map_of(run, 0);
    s->key = key;
    s->phase = load_relaxed(&ckf_sections.phase);
    add(run, s);
    s->entry = only_entry(s->map);
}

static void tiny_key(struct ckf_stress_run *run, void *state)
{
    make_map(run, state, "tiny");
}

static void with_handle(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    tiny_key(run, state);
    expect(run, ckf_counter_map_counter(s->map, s->key, strlen(s->key), &s->counter) == CKF_OK);
}

static void tiny_key_behind_fence(struct ckf_stress_run *run, void *state)
{
    tiny_key(run, state);
    raise_fence(((struct state *)state)->map);
}

static void with_handle_behind_fence(struct ckf_stress_run *run, void *state)
{
    with_handle(run, state);
    raise_fence(((struct state *)state)->map);
}

/* Found sealed, as by a thread that is about to replace its leaf: the removal does that. */
static void seal_leaves(struct ckf_counter_map *map)
{
    struct ckf_counter_index *index = &ckf_lockfree(map)->index;
    for (int i = 0; i < CKF_INDEX_FANOUT; i++) {
        uintptr_t link = index->roots[i].word;
        if (link != 0)
            seal_leaf(link);
    }
}

static void tiny_key_sealed(struct ckf_stress_run *run, void *state)
{
    tiny_key_behind_fence(run, state);
    seal_leaves(((struct state *)state)->map);
}

static void remove_it(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_counter_map_remove(s->map, s->key, strlen(s->key), &s->final) == CKF_OK);
}

/* There is a leaf, into which the key comes again. */
static void short_key_removed(struct ckf_stress_run *run, void *state)
{
    make_map(run, state, "short key");
    remove_it(run, state);
}

static void with_handle_of_removed(struct ckf_stress_run *run, void *state)
{
    with_handle(run, state);
    remove_it(run, state);
}

/* By the step that all who look for the key depend on, alone. */
static void unlink_it(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    unlink_entry(s->map, s->entry);
    s->final = finish_removal(s->map, s->entry);
}

static void remove_once_read(struct ckf_stress_run *run, void *state)
{
    await(run, &((struct state *)state)->is_read);
    remove_it(run, state);
}

static void remove_and_say_so(struct ckf_stress_run *run, void *state)
{
    remove_it(run, state);
    reach(&((struct state *)state)->is_removed);
}

static void lower_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await(run, &s->is_removed);
    lower_fence_of(s->map);
}

static void add_up(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->final + end_map_of(s->map, s->counter, s->key, strlen(s->key)) == s->added);
}

/* --- the calls --- */

static void read(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    enum ckf_status status = ckf_counter_map_get(s->map, s->key, strlen(s->key), &value);
    expect(run, status == CKF_NOT_FOUND || (status == CKF_OK && value >= 1));
}

static bool visit(const void *key, size_t length, uint64_t value, void *run)
{
    (void)key;
    (void)length;
    expect(run, value >= 1);
    return true;
}

static void list(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_counter_map_for_each(((struct state *)state)->map, visit, run) == CKF_OK);
}

/* Gives way inside the section: a waiter that does not see it goes on then. */
static void find(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_lockfree_map *map = ckf_lockfree(s->map);
    size_t length = strlen(s->key);
    struct ckf_counter_key key = {s->key, length, ckf_counter_hash(s->map, s->key, length)};
    struct ckf_place *place = ckf_lockfree_begin(map);
    struct ckf_counter_entry *entry = ckf_counter_index_find(&map->index, &key);
    ckf_stress_spin(run);
    expect(run, entry == NULL || entry->length == length);
    ckf_section_end(place);
}

static void count(struct ckf_stress_run *run, void *state)
{
    add(run, state);
}

static void read_by_handle(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)ckf_counter_get(((struct state *)state)->counter);
}

static void make_handle(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_counter_map_counter(s->map, s->key, strlen(s->key), &s->counter) == CKF_OK);
}

static void count_by_handle(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_counter_add(s->counter, 1);
    note_add(s);
}

/* Of a thread that has been in a section before. */
#define COMES_BACK(name)                                                                           \
    static void name##_again(struct ckf_stress_run *run, void *state)                              \
    {                                                                                              \
        ckf_section_end(ckf_section_begin());                                                      \
        name(run, state);                                                                          \
    }

COMES_BACK(count)
COMES_BACK(count_by_handle)

/* When somebody waits for sections. */
#define MEETS_WAIT(name, id)                                                                       \
    static void name##_when_waited_for(struct ckf_stress_run *run, void *state)                    \
    {                                                                                              \
        ckf_section_end(ckf_section_begin());                                                      \
        await_wait(run, ((struct state *)state)->phase);                                           \
        name(run, state);                                                                          \
    }                                                                                              \
    SCENE(map_waited_for_##name, "order-map-waited-for-" id, ATOMIC_ONLY, tiny_key, add_up,        \
          {"caller", name##_when_waited_for, 1}, {"remover", unlink_it, 1})

MEETS_WAIT(read, "read");
MEETS_WAIT(find, "find");
MEETS_WAIT(count, "add");

/* After a read, when somebody waits; behind a fence, when that is down again. */
#define MEETS_REMOVAL(name, id, before)                                                            \
    static void name##_after_read(struct ckf_stress_run *run, void *state)                         \
    {                                                                                              \
        struct state *s = state;                                                                   \
        read(run, s);                                                                              \
        reach(&s->is_read);                                                                        \
        await_wait(run, s->phase);                                                                 \
        name(run, state);                                                                          \
    }                                                                                              \
    static void name##_behind_fence(struct ckf_stress_run *run, void *state)                       \
    {                                                                                              \
        await_lowering(run, ((struct state *)state)->map);                                         \
        name(run, state);                                                                          \
    }                                                                                              \
    SCENE(map_removal_and_##name, "order-map-removal-and-" id, ATOMIC_ONLY, before, add_up,        \
          {"caller", name##_after_read, 1}, {"remover", remove_once_read, 1});                     \
    SCENE(map_fence_and_##name, "order-map-fence-and-" id, ATOMIC_ONLY, before##_behind_fence,     \
          add_up, {"caller", name##_behind_fence, 1}, {"remover", remove_and_say_so, 1},           \
          {"lowerer", lower_fence, 1})

MEETS_REMOVAL(read, "read", tiny_key);
MEETS_REMOVAL(list, "list", tiny_key);
MEETS_REMOVAL(count, "add", tiny_key);
MEETS_REMOVAL(make_handle, "handle", tiny_key);
MEETS_REMOVAL(count_by_handle, "handle-add", with_handle);

static void count_by_handle_when_removed(struct ckf_stress_run *run, void *state)
{
    await(run, &((struct state *)state)->is_removed);
    count_by_handle(run, state);
}

static void list_removed(struct ckf_stress_run *run, void *state)
{
    await(run, &((struct state *)state)->is_removed);
    list(run, state);
}

SCENE(map_sealed_and_list, "order-map-sealed-and-list", ATOMIC_ONLY, tiny_key_sealed, add_up,
      {"remover", remove_and_say_so, 1}, {"caller", list_removed, 1});

/* --- what another call has made --- */

SCENE(map_key_is_made, "order-map-key-is-made", ATOMIC_ONLY, short_key_removed, add_up,
      {"adder", count_again, 2});
SCENE(map_handle_is_bound_anew, "order-map-handle-is-bound-anew", ATOMIC_ONLY,
      with_handle_of_removed, add_up, {"adder", count_by_handle_again, 2});

/* The add lets go of the entry, once that is removed. */
SCENE(map_handle_is_read, "order-map-handle-is-read", ATOMIC_ONLY, with_handle, add_up,
      {"reader", read_by_handle, 1}, {"remover", remove_and_say_so, 1},
      {"adder", count_by_handle_when_removed, 1});

/* --- leaves are given back --- */

#define FIRST_KEY KEY_AT("a", 0, 0, 0)
#define LAST_KEY  KEY_AT("b", 0, 0, 1)

/* One leaf has been replaced already; with the next one it is given back. */
static void grown_once(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    s->map = make_map_of(run, 0);
    s->phase = load_relaxed(&ckf_sections.phase);
    add_key(run, s->map, FIRST_KEY);
}

static void grow(struct ckf_stress_run *run, void *state)
{
    add_key(run, ((struct state *)state)->map, LAST_KEY);
}

static void pass_by(struct ckf_counter_entry *entry, void *arg)
{
    (void)entry;
    (void)arg;
}

/* As sums and sweeps do. */
static void visit_twice(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_lockfree_for_each(ckf_lockfree(s->map), CKF_ENTRY_UNFOUND, pass_by, NULL);
    await_wait(run, s->phase);
    ckf_lockfree_for_each(ckf_lockfree(s->map), CKF_ENTRY_UNFOUND, pass_by, NULL);
}

static void destroy_map(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_counter_map_destroy(((struct state *)state)->map);
}

SCENE(map_visit_while_growing, "order-map-visit-while-growing", ATOMIC_ONLY, grown_once,
      destroy_map, {"grower", grow, 1}, {"visitor", visit_twice, 1});
