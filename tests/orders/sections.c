/* tests/orders/sections.c - read sections, sections of two plain stores, and their fences: what is found in one
 * stays until it ends.
 */
#include <pthread.h>
#include <stdlib.h>

#include "scene.h"
#include "sync/per_thread.h"
#include "sync/reclaim.h"
#include "sync/section.h"
#include "sync/visit.h"

struct state {
    _Atomic(struct visited *) visited;
    struct ckf_fence fence;
    _Atomic(int) turn;
};

struct visited {
    struct ckf_retired retired;
    int content;
};

static void publish(struct ckf_stress_run *run, void *state)
{
    struct visited *visited = calloc(1, sizeof *visited);
    expect(run, visited != NULL);
    atomic_store(&((struct state *)state)->visited, visited);
}

static void visit_published(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_read_begin();
    struct visited *visited = atomic_load_explicit(&s->visited, memory_order_acquire);
    expect(run, visited == NULL || visited->content == 0);
    ckf_read_end();
}

static void reclaim(struct ckf_retired *retired)
{
    ((struct visited *)(void *)retired)->content = -1;
    free(retired);
}

static void unpublish_and_retire(struct ckf_stress_run *run, void *state)
{
    struct visited *visited = atomic_exchange(&((struct state *)state)->visited, NULL);
    (void)run;
    ckf_retire(&visited->retired, reclaim);
}

static void wait_for_reclaim(struct ckf_stress_run *run, void *state)
{
    (void)run;
    (void)state;
    ckf_wait_for_reclaim();
}

SCENE(visitor_of_retired, "order-visitor-of-retired", ATOMIC_ONLY, publish, wait_for_reclaim,
      {"visitor", visit_published, 2}, {"owner", unpublish_and_retire, 1});

static void publish_for_sections(struct ckf_stress_run *run, void *state)
{
    ckf_section_start();
    publish(run, state);
}

/* The first section of a thread is never a light one; the last may be what a waiter finds. */
static void visit_between_sections(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    ckf_section_end(ckf_section_begin());
    struct ckf_place *place = ckf_section_begin();
    struct visited *visited = atomic_load_explicit(&s->visited, memory_order_acquire);
    expect(run, visited == NULL || visited->content == 0);
    ckf_section_end(place);
    ckf_section_end(ckf_section_begin());
}

static void unpublish_and_wait(struct ckf_stress_run *run, void *state)
{
    struct visited *visited = atomic_exchange(&((struct state *)state)->visited, NULL);
    (void)run;
    ckf_section_wait();
    visited->content = -1;
    free(visited);
}

SCENE(section_of_later_phase, "order-section-of-later-phase", ATOMIC_ONLY, publish_for_sections,
      NULL, {"visitor", visit_between_sections, 1}, {"owner", unpublish_and_wait, 1});

/* Another thread has the number next. */
static void leave_number(void)
{
    ckf_thread_number_plus_one = 0;
    ckf_thread_place = NULL;
}

static void visit_and_hand_on(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_place *place = ckf_section_begin();
    struct visited *visited = atomic_load_explicit(&s->visited, memory_order_acquire);
    expect(run, visited == NULL || visited->content == 0);
    ckf_section_end(place);
    leave_number();
    ckf_section_end(ckf_section_begin());
}

SCENE(section_of_successor, "order-section-of-successor", ATOMIC_ONLY, publish_for_sections, NULL,
      {"visitor", visit_and_hand_on, 1}, {"owner", unpublish_and_wait, 1});

/* A thread that takes its number by another call than the section's. */
static void *visit_with_new_number(void *state)
{
    struct state *s = state;
    ckf_crowd crowd = 0;
    struct ckf_visit *visit = ckf_visit_begin_first(s, &crowd);
    atomic_store_explicit(&visit->object, NULL, relaxed);
    struct ckf_place *place = ckf_section_begin();
    struct visited *visited = atomic_load_explicit(&s->visited, memory_order_acquire);
    if (visited != NULL && visited->content != 0)
        abort();
    ckf_section_end(place);
    return NULL;
}

static void start_visitor(struct ckf_stress_run *run, void *state)
{
    pthread_t thread;
    expect(run, pthread_create(&thread, NULL, visit_with_new_number, state) == 0);
    pthread_join(thread, NULL);
}

SCENE(section_of_new_number, "order-section-of-new-number", ATOMIC_ONLY, publish_for_sections, NULL,
      {"starter", start_visitor, 1}, {"owner", unpublish_and_wait, 1});

/* --- fences --- */

static void visit_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    for (int i = 0; i < 2; i++) {
        struct ckf_place *place = ckf_section_begin_behind(&s->fence);
        struct visited *visited = atomic_load(&s->visited);
        expect(run, visited == NULL || visited->content == 0);
        ckf_section_end(place);
    }
}

static void unpublish_behind_fence(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct visited *visited = atomic_exchange(&s->visited, NULL);
    (void)run;
    ckf_section_wait_behind(&s->fence);
    visited->content = -1;
    free(visited);
}

/* The first wait is dear, and raises the fence. */
static void wait_and_unpublish(struct ckf_stress_run *run, void *state)
{
    ckf_section_wait_behind(&((struct state *)state)->fence);
    unpublish_behind_fence(run, state);
}

static void publish_behind_fence(struct ckf_stress_run *run, void *state)
{
    publish_for_sections(run, state);
    ckf_section_wait_behind(&((struct state *)state)->fence);
}

/* The fourth look finds that nobody has waited for long. */
static void visit_until_it_falls(struct ckf_stress_run *run, void *state)
{
    visit_behind_fence(run, state);
    visit_behind_fence(run, state);
    visit_behind_fence(run, state);
}

SCENE(fence_stands, "order-fence-stands", ATOMIC_ONLY, publish_behind_fence, NULL,
      {"visitor", visit_behind_fence, 1}, {"owner", unpublish_behind_fence, 1});
SCENE(fence_rises, "order-fence-rises", ATOMIC_ONLY, publish_for_sections, NULL,
      {"visitor", visit_behind_fence, 1}, {"owner", wait_and_unpublish, 1});
SCENE(fence_falls, "order-fence-falls", ATOMIC_ONLY, publish_behind_fence, NULL,
      {"visitor", visit_until_it_falls, 1}, {"owner", unpublish_behind_fence, 1});

/* It falls in one thread; another one, in whose turn it is down, is seen by who finds it up, or finds what
 * that one has removed. */
static void let_it_fall(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    for (int i = 0; i < 4; i++)
        ckf_section_end(ckf_section_begin_behind(&s->fence));
    end_turn(&s->turn);
}

static void visit_in_second_turn(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    await_turn(run, &s->turn, 1);
    visit_behind_fence(run, state);
    end_turn(&s->turn);
}

static void unpublish_in_third_turn(struct ckf_stress_run *run, void *state)
{
    await_turn(run, &((struct state *)state)->turn, 2);
    unpublish_behind_fence(run, state);
}

SCENE(fence_has_fallen, "order-fence-has-fallen", ATOMIC_ONLY, publish_behind_fence, NULL,
      {"passer", let_it_fall, 1}, {"visitor", visit_in_second_turn, 1},
      {"owner", unpublish_in_third_turn, 1});
