/* tests/orders/map_quick.c - scenes of adds that go without a call: the thread has been here before, and finds
 * the word in which it counts by its front, by the index, or by a handle.
 *
 * What it knows is prepared by the setup, in its name: the first actor of a scene has number 1.
 */
#include "map_keys.h"

#include <string.h>

#include "counter_map/front.h"

enum { FIRST_ACTOR = 1 };

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter *counter;
    struct ckf_counter_entry *entry;
    uint64_t added, final;
};

static const char key[] = "quick key";
enum { KEY_LENGTH = sizeof key - 1 };

static void add(struct ckf_stress_run *run, struct state *s)
{
    expect(run, ckf_counter_map_add(s->map, key, KEY_LENGTH, 1) == CKF_OK);
    s->added++;
}

/* --- setups --- */

static void note_entry(struct ckf_counter_entry *entry, void *state)
{
    ((struct state *)state)->entry = entry;
}

/* The first actor owns the entry, and has a row. */
static struct ckf_cell_row *make_its_own(struct ckf_stress_run *run, struct state *s)
{
    s->map = make_map_of(run, 0);
    add(run, s);
    struct ckf_lockfree_map *map = ckf_lockfree(s->map);
    ckf_lockfree_for_each(map, CKF_ENTRY_UNFOUND, note_entry, s);
    atomic_fetch_or(&s->entry->state, ckf_entry_home(CKF_ENTRY_OWNED, FIRST_ACTOR));
    struct ckf_place *place = &ckf_places[FIRST_ACTOR];
    place->number = FIRST_ACTOR;
    return ckf_cells_make_row(&map->cells, place);
}

static void known_to_front(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_cell_row *row = make_its_own(run, s);
    struct ckf_short_key words = {.length = KEY_LENGTH};
    memcpy(&words.first, key, sizeof words.first);
    memcpy(&words.last, key + KEY_LENGTH - sizeof words.last, sizeof words.last);
    expect(run, ckf_front_fill(&row->front, &words, ckf_lockfree(s->map)->front_tag, &s->entry->own));
}

static void known_to_index(struct ckf_stress_run *run, void *state)
{
    struct ckf_cell_row *row = make_its_own(run, state);
    struct ckf_cells *cells = &ckf_lockfree(((struct state *)state)->map)->cells;
    row->front.rest = UINT32_MAX;
    ckf_cells_use_front(cells, &ckf_places[FIRST_ACTOR], NULL);
}

static void known_to_handle(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    known_to_index(run, state);
    expect(run, ckf_counter_map_counter(s->map, key, KEY_LENGTH, &s->counter) == CKF_OK);
}

#define BEHIND_FENCE(setup)                                                                        \
    static void setup##_behind_fence(struct ckf_stress_run *run, void *state)                      \
    {                                                                                              \
        setup(run, state);                                                                         \
        raise_fence(((struct state *)state)->map);                                                 \
    }
BEHIND_FENCE(known_to_front)
BEHIND_FENCE(known_to_index)
BEHIND_FENCE(known_to_handle)

/* --- actors --- */

/* The first section of a thread is never a light one. */
static void come_back(struct ckf_stress_run *run)
{
    ckf_section_end(ckf_section_begin());
    expect(run, ckf_thread_number() == FIRST_ACTOR);
}

static void count(struct ckf_stress_run *run, void *state)
{
    come_back(run);
    add(run, state);
}

static void count_twice(struct ckf_stress_run *run, void *state)
{
    count(run, state);
    add(run, state);
}

static void add_by_handle(struct state *s)
{
    ckf_counter_add(s->counter, 1);
    s->added++;
}

static void count_by_handle(struct ckf_stress_run *run, void *state)
{
    come_back(run);
    add_by_handle(state);
}

static void count_by_handle_twice(struct ckf_stress_run *run, void *state)
{
    count_by_handle(run, state);
    add_by_handle(state);
}

static void remove_it(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_counter_map_remove(s->map, key, KEY_LENGTH, &s->final) == CKF_OK);
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
    (void)!ckf_counter_map_get(s->map, key, KEY_LENGTH, &left);
    expect(run, s->final + left == s->added);
    ckf_counter_map_destroy(s->map);
}

#define MEETS_REMOVAL(id, known, once, twice)                                                      \
    SCENE(map_removal_##known, "order-map-removal-" id, ATOMIC_ONLY, known, add_up,                \
          {"adder", twice, 1}, {"remover", remove_it, 1});                                         \
    SCENE(map_fence_##known, "order-map-fence-" id, ATOMIC_ONLY, known##_behind_fence, add_up,     \
          {"adder", once, 1}, {"remover", remove_it, 1}, {"last but one", lower_fence, 1})

MEETS_REMOVAL("and-front", known_to_front, count, count_twice);
MEETS_REMOVAL("and-quick-add", known_to_index, count, count_twice);
MEETS_REMOVAL("and-quick-handle-add", known_to_handle, count_by_handle, count_by_handle_twice);
