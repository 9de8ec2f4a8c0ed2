/* tests/orders/handles.c - adds through handles, with and without a call, beside removals and releases. */
#include "counter_map/lockfree.h"
#include "scene.h"

enum { REMOVALS = 2 };

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter *handle, *second;
    _Atomic(uint64_t) added, removed;
};

static const char key[] = "a key of words";

static struct ckf_counter *handle_on_key(struct ckf_stress_run *run, struct state *s)
{
    struct ckf_counter *handle = NULL;
    expect(run, ckf_counter_map_counter(s->map, key, sizeof key, &handle) == CKF_OK);
    return handle;
}

static void make_map(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_counter_map_options options = {.variant = variant_of(run)};
    expect(run, ckf_counter_map_create(&s->map, &options) == CKF_OK);
    s->handle = handle_on_key(run, s);
}

/* With the fence up, sections are found without a barrier, but for those of adds without a call. */
static void raise_fence(struct state *s)
{
    _Atomic(uint64_t) *word = &ckf_lockfree(s->map)->fence.light.word;
    *word += CKF_FENCE_MOVING - CKF_FENCE_DOWN;
    if (ckf_sections.are_light)
        ckf_membarrier();
    *word += CKF_FENCE_UP - CKF_FENCE_MOVING;
}

static void make_map_with_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    make_map(run, state);
    raise_fence(s);
}

static void make_two_handles(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    make_map(run, state);
    s->second = handle_on_key(run, s);
}

/* The library's own copy of what programs have inlined, so that its orders can be weakened. */
static void (*volatile add_by_call)(struct ckf_counter *counter, uint64_t n) = ckf_counter_add;

static void add_times(struct state *s, struct ckf_counter *handle, int times)
{
    for (int i = 0; i < times; i++)
        add_by_call(handle, 1);
    atomic_fetch_add_explicit(&s->added, (uint64_t)times, relaxed);
}

/* The first add claims the entry, the second finds the word, the third needs no call. */
static void add_three(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    add_times(s, s->handle, 3);
}

static void add_three_inlined(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    for (int i = 0; i < 3; i++)
        ckf_counter_add(s->handle, 1);
    s->added = 3;
}

static void add_before_and_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    add_times(s, s->handle, 2);
    raise_fence(s);
    add_times(s, s->handle, 1);
}

/* Who has seen that the key is gone makes it anew, though the handle knew the old word. */
static void add_once_it_is_gone(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    add_times(s, s->handle, 2);
    if (ckf_counter_map_get(s->map, key, sizeof key, NULL) == CKF_OK)
        return;
    add_times(s, s->handle, 1);
    expect(run, ckf_counter_map_get(s->map, key, sizeof key, NULL) == CKF_OK);
}

static void add_two(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    add_times(s, s->handle, 2);
}

static void add_and_release(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    add_times(s, s->second, 3);
    ckf_counter_release(s->second);
}

static void remove_key(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value = 0;
    enum ckf_status status = ckf_counter_map_remove(s->map, key, sizeof key, &value);
    expect(run, status == CKF_OK || (status == CKF_NOT_FOUND && value == 0));
    atomic_fetch_add_explicit(&s->removed, value, relaxed);
}

static void remove_key_twice(struct ckf_stress_run *run, void *state)
{
    for (int i = 0; i < REMOVALS; i++)
        remove_key(run, state);
}

/* For something else, before or after the removal does. */
static void wait_for_sections(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    ckf_section_wait();
}

static void nothing_is_lost(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t left = ckf_counter_get(s->handle);
    expect(run, s->removed + left == s->added);
    expect(run, ckf_counter_map_total(s->map) == s->added);
    ckf_counter_release(s->handle);
    ckf_counter_map_destroy(s->map);
}

SCENE(handle_and_removal, "order-handle-and-removal", BOTH, make_map, nothing_is_lost,
      {"adder", add_three, 1}, {"remover", remove_key, 1});
SCENE(handle_of_gone, "order-handle-of-gone", BOTH, make_map, nothing_is_lost,
      {"adder", add_once_it_is_gone, 1}, {"remover", remove_key, 1});
SCENE(handle_inlined, "order-handle-inlined", BOTH, make_map, nothing_is_lost,
      {"adder", add_three_inlined, 1}, {"remover", remove_key, 1});
SCENE(handle_and_removal_behind_fence, "order-handle-and-removal-behind-fence", ATOMIC_ONLY,
      make_map_with_fence, nothing_is_lost, {"adder", add_three, 1}, {"remover", remove_key, 1});
SCENE(handle_when_fence_rises, "order-handle-when-fence-rises", ATOMIC_ONLY, make_map,
      nothing_is_lost, {"adder", add_before_and_behind_fence, 1}, {"remover", remove_key, 1});
SCENE(handle_and_removals, "order-handle-and-removals", BOTH, make_map, nothing_is_lost,
      {"adder", add_three, 1}, {"remover", remove_key_twice, 1});
SCENE(handle_of_two, "order-handle-of-two", BOTH, make_map, nothing_is_lost, {"adder", add_two, 2},
      {"remover", remove_key, 1});
SCENE(handle_released, "order-handle-released", BOTH, make_two_handles, nothing_is_lost,
      {"adder", add_two, 1}, {"releaser", add_and_release, 1}, {"remover", remove_key, 1});
SCENE(handle_and_two_waiters, "order-handle-and-two-waiters", ATOMIC_ONLY, make_map,
      nothing_is_lost, {"adder", add_three, 1}, {"remover", remove_key, 1},
      {"waiter", wait_for_sections, 1});
