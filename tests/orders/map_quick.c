/* tests/orders/map_quick.c - scenes of quick adds: the thread has been here before, and finds
 * the word in which it counts by its front, by the index, or by a handle.
 *
 * What it knows is prepared by the setup, in its name: the first actor of a scene has number 1. Of the removal
 * there only is the step that this way to the word depends on, and what comes after it.
 */
#include "map_keys.h"

#include <string.h>

#include "base/memory.h"
#include "counter_map/count.h"
#include "counter_map/front.h"

enum { FIRST_ACTOR = 1 };

struct state {
    struct ckf_counter_map *map;
    struct ckf_counter *counter;
    struct ckf_counter_entry *entry;
    uint64_t added, final, phase;
    uintptr_t leaf; /* that was replaced */
    _Atomic(bool) is_removed;
};

static const char key[] = "quick key";
enum { KEY_LENGTH = sizeof key - 1 };

static void add(struct ckf_stress_run *run, struct state *s)
{
    expect(run, ckf_counter_map_add(s->map, key, KEY_LENGTH, 1) == CKF_OK);
    s->added++;
}

/* --- setups --- */

static void make_key(struct ckf_stress_run *run, struct state *s)
{
    s->map = make_map_of(run, 0);
    add(run, s);
}

/* The first actor owns the entry, and has a row. */
static struct ckf_cell_row *make_its_own(struct state *s)
{
    struct ckf_lockfree_map *map = ckf_lockfree(s->map);
    s->entry = only_entry(s->map);
    atomic_fetch_or(&s->entry->state, ckf_entry_home(CKF_ENTRY_OWNED, FIRST_ACTOR));
    struct ckf_place *place = &ckf_places[FIRST_ACTOR];
    place->number = FIRST_ACTOR;
    s->phase = load_relaxed(&ckf_sections.phase);
    return ckf_cells_make_row(&map->cells, place);
}

static void known_to_front(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    make_key(run, s);
    struct ckf_cell_row *row = make_its_own(s);
    struct ckf_short_key words = {.length = KEY_LENGTH};
    memcpy(&words.first, key, sizeof words.first);
    memcpy(&words.last, key + KEY_LENGTH - sizeof words.last, sizeof words.last);
    expect(run, ckf_front_fill(&row->front, &words, ckf_lockfree(s->map)->fence.light.word,
                               &s->entry->own));
}

/* The quick way is closed, so that adds look again. */
static void known_to_watched_front(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    known_to_front(run, s);
    struct ckf_place *place = &ckf_places[FIRST_ACTOR];
    struct ckf_cells *cells = &ckf_lockfree(s->map)->cells;
    struct ckf_front *front = ckf_cells_row(cells, place)->front;
    front->window = UINT32_MAX;
    ckf_cells_use_front(cells, place, front);
}

static void known_to_handle(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    make_key(run, s);
    expect(run, ckf_counter_map_counter(s->map, key, KEY_LENGTH, &s->counter) == CKF_OK);
    (void)make_its_own(s);
}

static void known_to_index(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    make_key(run, s);
    struct ckf_cell_row *row = make_its_own(s);
    row->front->rest = UINT32_MAX;
    ckf_cells_use_front(&ckf_lockfree(s->map)->cells, &ckf_places[FIRST_ACTOR], NULL);
}

/* Whoever finds the key gone does not make it anew, which would be a long way. */
static void known_to_index_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    known_to_index(run, s);
    raise_fence(s->map);
    s->map->is_ending = true;
}

/* Nobody finds it in the index any more; or behind a fence. */
#define ALONE_AND_BEHIND_FENCE(known)                                                              \
    static void known##_alone(struct ckf_stress_run *run, void *state)                             \
    {                                                                                              \
        struct state *s = state;                                                                   \
        known(run, s);                                                                             \
        unlink_entry(s->map, s->entry);                                                            \
    }                                                                                              \
    static void known##_behind_fence(struct ckf_stress_run *run, void *state)                      \
    {                                                                                              \
        known(run, state);                                                                         \
        raise_fence(((struct state *)state)->map);                                                 \
    }
ALONE_AND_BEHIND_FENCE(known_to_front)
ALONE_AND_BEHIND_FENCE(known_to_watched_front)
ALONE_AND_BEHIND_FENCE(known_to_handle)

/* --- actors --- */

/* The first section of a thread is never a light one. */
static void come_back(struct ckf_stress_run *run)
{
    ckf_section_end(ckf_section_begin());
    expect(run, ckf_thread_number() == FIRST_ACTOR);
}

static void add_by_handle(struct ckf_stress_run *run, struct state *s)
{
    (void)run;
    ckf_counter_lockfree_handle_add(s->counter, 1);
    s->added++;
}

/* Once, and again; again when somebody waits for sections; when a fence is down again. */
#define ADDS(add_it, name)                                                                         \
    static void name##_twice(struct ckf_stress_run *run, void *state)                              \
    {                                                                                              \
        come_back(run);                                                                            \
        add_it(run, state);                                                                        \
        add_it(run, state);                                                                        \
    }                                                                                              \
    static void name##_when_waited_for(struct ckf_stress_run *run, void *state)                    \
    {                                                                                              \
        come_back(run);                                                                            \
        await_wait(run, ((struct state *)state)->phase);                                           \
        add_it(run, state);                                                                        \
    }                                                                                              \
    static void name##_behind_fence(struct ckf_stress_run *run, void *state)                       \
    {                                                                                              \
        come_back(run);                                                                            \
        await_lowering(run, ((struct state *)state)->map);                                         \
        add_it(run, state);                                                                        \
    }
ADDS(add, count)
ADDS(add_by_handle, count_by_handle)

/* What is read never has an add in it without the take that came before. */
static void count_take_count(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    come_back(run);
    add(run, s);
    s->final = ckf_lockfree_take_value(ckf_lockfree(s->map), s->entry);
    add(run, s);
}

static void read(struct ckf_stress_run *run, void *state)
{
    uint64_t value;
    expect(run,
           ckf_counter_map_get(((struct state *)state)->map, key, KEY_LENGTH, &value) == CKF_OK);
    expect(run, value <= 2);
}

/* As removal.c, shut_fronts() and forget_words(). */
static void move_tag(struct ckf_lockfree_map *map)
{
    fetch_add_release(&map->fence.light.word, 2 * CKF_FRONT_TAG_STEP);
}

static void move_tag_on(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    move_tag(ckf_lockfree(s->map));
    s->final = finish_removal(s->map, s->entry);
}

static void add_or_not(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    come_back(run);
    (void)ckf_counter_map_add(s->map, key, KEY_LENGTH, 1);
    s->added++;
}

/* Who has seen that the key is gone makes it anew, though its front knew the old word. */
static void add_once_it_is_gone(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    come_back(run);
    if (ckf_counter_map_get(s->map, key, KEY_LENGTH, NULL) == CKF_OK)
        return;
    add(run, s);
    expect(run, ckf_counter_map_get(s->map, key, KEY_LENGTH, NULL) == CKF_OK);
}

/* Its leaf was replaced by one without it, which the unlinking sees. */
static void be_left_out(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_lockfree_map *map = ckf_lockfree(s->map);
    struct ckf_counter_link *root = map->index.roots;
    (void)run;
    while (load_relaxed(&root->word) == 0)
        root++;
    s->leaf = load_relaxed(&root->word);
    store_release(&root->word, 0);
    (void)load_seq_cst(&root->word);
    move_tag(map);
    ckf_section_wait_behind(&map->fence);
    s->final = ckf_lockfree_all_adds(map, s->entry);
    ckf_lockfree_detach(map, s->entry);
}

static void mark_dead_and_disarm(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    fetch_or_seq_cst(&s->entry->state, (uint64_t)CKF_ENTRY_DEAD);
    (void)ckf_lockfree_disarm(ckf_lockfree(s->map), s->entry);
    s->final = finish_removal(s->map, s->entry);
}

static void remove_it(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_counter_map_remove(s->map, key, KEY_LENGTH, &s->final) == CKF_OK);
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
    expect(run, s->final + end_map_of(s->map, s->counter, key, KEY_LENGTH) == s->added);
}

static void add_up_overflow(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->final + ckf_counter_map_overflow(s->map) == s->added);
    ckf_free(ckf_address_in(s->leaf));
    ckf_counter_map_destroy(s->map);
}

/* Removed by one step alone, without a fence; or as ever, behind one. */
#define MEETS_REMOVAL(id, known, name, remove)                                                     \
    SCENE(map_##known##_twice, "order-map-twice-" id, ATOMIC_ONLY, known##_alone, add_up,          \
          {"adder", name##_twice, 1}, {"remover", remove, 1});                                     \
    SCENE(map_##known##_when_waited_for, "order-map-removal-" id, ATOMIC_ONLY, known##_alone,      \
          add_up, {"adder", name##_when_waited_for, 1}, {"remover", remove, 1});                   \
    SCENE(map_##known##_behind_fence, "order-map-fence-" id, ATOMIC_ONLY, known##_behind_fence,    \
          add_up, {"adder", name##_behind_fence, 1}, {"remover", remove_and_say_so, 1},            \
          {"lowerer", lower_fence, 1})

SCENE(map_read_beside_front, "order-map-read-beside-front", ATOMIC_ONLY, known_to_front, add_up,
      {"owner", count_take_count, 1}, {"reader", read, 1});

SCENE(map_gone_to_who_knows_it, "order-map-gone-to-front", ATOMIC_ONLY, known_to_front, add_up,
      {"adder", add_once_it_is_gone, 1}, {"remover", remove_it, 1});

MEETS_REMOVAL("and-front", known_to_front, count, move_tag_on);
MEETS_REMOVAL("and-watched-front", known_to_watched_front, count, move_tag_on);
MEETS_REMOVAL("and-quick-handle-add", known_to_handle, count_by_handle, mark_dead_and_disarm);

SCENE(map_known_to_index_left_out, "order-map-left-out-and-quick-add", ATOMIC_ONLY,
      known_to_index_behind_fence, add_up_overflow, {"adder", add_or_not, 1},
      {"remover", be_left_out, 1});
SCENE(map_known_to_index_twice, "order-map-twice-and-quick-add", ATOMIC_ONLY, known_to_index,
      add_up, {"adder", count_twice, 1}, {"remover", remove_it, 1});
