/* tests/orders/sync.c - the private parts of sync/, but for sections. */

#include "scene.h"
#include "sync/light_fence.h"
#include "sync/lock.h"
#include "sync/parking.h"
#include "sync/section.h"
#include "sync/sharded_counter.h"

struct state {
    _Atomic(int) flag;
    int plain;
    struct ckf_lock lock;
    struct ckf_parker parker;
    struct ckf_sharded_counter counter;
    struct ckf_light_fence light_fence;
    _Atomic(int) light, heavy;
    bool told, told_too;
};

static void add_to_counter(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->plain = 1;
    ckf_sharded_add(&s->counter, 1);
}

static void read_counter(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    while (ckf_sharded_sum(&s->counter) == 0)
        ckf_stress_spin(run);
    expect(run, s->plain == 1);
}

SCENE(memory_before_add, "order-memory-before-add", ATOMIC_ONLY, NULL, NULL,
      {"adder", add_to_counter, 1}, {"reader", read_counter, 1});

static void count_under_lock(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    if (!ckf_lock_try(&s->lock))
        ckf_lock_acquire(&s->lock);
    s->plain++;
    ckf_lock_release(&s->lock);
}

static void check_count(struct ckf_stress_run *run, void *state)
{
    expect(run, ((struct state *)state)->plain == 3);
}

SCENE(memory_under_lock, "order-memory-under-lock", ATOMIC_ONLY, NULL, check_count,
      {"counter", count_under_lock, 3});

/* Work is done by the holder of the lock, or by who left it. */
static void do_work(struct state *s)
{
    while (atomic_load(&s->flag) != 0 && ckf_lock_try(&s->lock)) {
        s->plain += atomic_exchange(&s->flag, 0);
        ckf_lock_release(&s->lock);
    }
}

static void leave_work(struct ckf_stress_run *run, void *state)
{
    (void)run;
    atomic_fetch_add(&((struct state *)state)->flag, 1);
    do_work(state);
}

static void hold_lock(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_lock_acquire(&s->lock);
    ckf_lock_release(&s->lock);
    do_work(s);
}

static void check_work(struct ckf_stress_run *run, void *state)
{
    expect(run, ((struct state *)state)->plain == 1);
}

SCENE(work_for_the_holder, "order-work-for-the-holder", ATOMIC_ONLY, NULL, check_work,
      {"holder", hold_lock, 1}, {"caller", leave_work, 1});

static void park(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    while (!ckf_park(&s->parker, ckf_deadline_after_ns(1000), NULL))
        ckf_stress_spin(run);
    expect(run, s->plain == 1);
}

static void fire(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->plain = 1;
    ckf_unpark(&s->parker);
}

SCENE(memory_before_firing, "order-memory-before-firing", ATOMIC_ONLY, NULL, NULL,
      {"sleeper", park, 1}, {"firer", fire, 1});

/* Two sides of a store->load race, one of which passes a fence. It falls between two stores of that one. */
static void raise_light_fence(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_section_start();
    atomic_store_explicit(&((struct state *)state)->light_fence.word, CKF_FENCE_UP, relaxed);
}

static void keep_light_fence_down(struct ckf_stress_run *run, void *state)
{
    raise_light_fence(run, state);
    if (ckf_sections.are_light)
        ckf_light_fence_lower(&((struct state *)state)->light_fence);
}

static bool look_lightly(struct state *s)
{
    if (!ckf_light_fence_stands_alone(&s->light_fence))
        return atomic_load_explicit(&s->heavy, relaxed) == 1;
    atomic_exchange(&s->light, atomic_load_explicit(&s->light, relaxed));
    if (ckf_sections.are_light)
        ckf_light_fence_lower(&s->light_fence);
    return atomic_load(&s->heavy) == 1;
}

static void store_lightly(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    for (int i = 1; i <= 2; i++) {
        atomic_store_explicit(&s->light, i, memory_order_release);
        s->told |= look_lightly(s);
    }
}

static void store_heavily(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    atomic_exchange(&s->heavy, 1);
    if (!ckf_light_fence_is_up(&s->light_fence))
        ckf_light_fence_raise(&s->light_fence);
    s->told_too = atomic_load(&s->light) == 2;
}

static void check_one_was_told(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->told || s->told_too);
}

SCENE(light_fence_falls, "order-light-fence-falls", ATOMIC_ONLY, raise_light_fence,
      check_one_was_told, {"light", store_lightly, 1}, {"heavy", store_heavily, 1});
SCENE(light_fence_rises, "order-light-fence-rises", ATOMIC_ONLY, keep_light_fence_down,
      check_one_was_told, {"light", store_lightly, 1}, {"heavy", store_heavily, 1});
