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
    const char *key;
    uint64_t added, final;
};

static void add(struct ckf_stress_run *run, struct state *s)
{
    expect(run, ckf_counter_map_add(s->map, s->key, strlen(s->key), 1) == CKF_OK);
    s->added++;
}

/* --- a map with one key --- */

static void make_map(struct ckf_stress_run *run, struct state *s, const char *key)
{
    struct ckf_counter_map_options options = {.variant = variant_of(run)};
    expect(run, ckf_counter_map_create(&s->map, &options) == CKF_OK);
    s->key = key;
    add(run, s);
}

static void tiny_key(struct ckf_stress_run *run, void *state)
{
    make_map(run, state, "tiny");
}

static void short_key(struct ckf_stress_run *run, void *state)
{
    make_map(run, state, "short key");
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

static void short_key_behind_fence(struct ckf_stress_run *run, void *state)
{
    short_key(run, state);
    raise_fence(((struct state *)state)->map);
}

static void with_handle_behind_fence(struct ckf_stress_run *run, void *state)
{
    with_handle(run, state);
    raise_fence(((struct state *)state)->map);
}

static void remove_it(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_counter_map_remove(s->map, s->key, strlen(s->key), &s->final) == CKF_OK);
}

/* It is not waited for; the next look at how long ago the last wait was is due at once. */
static void lower_fence(struct ckf_stress_run *run, void *state)
{
    (void)run;
    struct ckf_place *place = ckf_section_begin();
    place->ticks = UINT32_MAX;
    ckf_section_pass_slowly(&ckf_lockfree(((struct state *)state)->map)->fence, place);
    ckf_section_end(place);
}

static void add_up(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t left = 0;
    if (s->counter != NULL)
        ckf_counter_release(s->counter);
    (void)!ckf_counter_map_get(s->map, s->key, strlen(s->key), &left);
    expect(run, s->final + left == s->added);
    ckf_counter_map_destroy(s->map);
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

static void count(struct ckf_stress_run *run, void *state)
{
    add(run, state);
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
    s->added++;
}

/* Another call before it: a section that was not the thread's first, and that ended before. */
#define AFTER_READ(name)                                                                           \
    static void name##_after_read(struct ckf_stress_run *run, void *state)                         \
    {                                                                                              \
        read(run, state);                                                                          \
        name(run, state);                                                                          \
    }
AFTER_READ(read)
AFTER_READ(list)
AFTER_READ(count)
AFTER_READ(make_handle)
AFTER_READ(count_by_handle)

#define MEETS_REMOVAL(name, id, before)                                                            \
    SCENE(map_##before##_##name, "order-map-removal-and-" id, BOTH, before, add_up,                \
          {"remover", remove_it, 1}, {"caller", name##_after_read, 1});                            \
    SCENE(map_##before##_##name##_behind_fence, "order-map-fence-and-" id, ATOMIC_ONLY,            \
          before##_behind_fence, add_up, {"remover", remove_it, 1},                                \
          {"last but one", lower_fence, 1}, {"caller", name, 1})

MEETS_REMOVAL(read, "read", tiny_key);
MEETS_REMOVAL(list, "list", tiny_key);
MEETS_REMOVAL(count, "add", tiny_key);
MEETS_REMOVAL(count, "add-short", short_key);
MEETS_REMOVAL(make_handle, "handle", tiny_key);
MEETS_REMOVAL(count_by_handle, "handle-add", with_handle);
