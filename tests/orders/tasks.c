/* tests/orders/tasks.c - contexts, groups and pools. */
#include "scene.h"

struct state {
    struct ckf_channel *channel;
    struct ckf_context *context;
    struct ckf_group *group;
    struct ckf_pool *pool;
    int plain;
};

static void context_and_channel(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_channel_options options = {
        .variant = variant_of(run), .capacity = 1, .elem_size = sizeof(uint64_t)};
    expect(run, ckf_channel_create(&s->channel, &options) == CKF_OK);
    expect(run, ckf_context_create(&s->context, NULL, CKF_FOREVER) == CKF_OK);
}

static void wait_for_cancel(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    uint64_t value;
    expect(run,
           ckf_channel_recv_until(s->channel, &value, CKF_FOREVER, s->context) == CKF_CANCELED);
    expect(run, s->plain == 1);
}

static void write_and_cancel(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    s->plain = 1;
    ckf_context_cancel(s->context, 1);
}

static void release_both(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    ckf_context_release(s->context);
    ckf_channel_destroy(s->channel);
}

SCENE(memory_before_cancel, "order-memory-before-cancel", BOTH, context_and_channel, release_both,
      {"waiter", wait_for_cancel, 1}, {"canceller", write_and_cancel, 1});

/* Whoever hooks while it is cancelled: the one or the other runs the hook, before all is over. */

static void make_context(struct ckf_stress_run *run, void *state)
{
    expect(run, ckf_context_create(&((struct state *)state)->context, NULL, CKF_FOREVER) == CKF_OK);
}

static void count(void *state)
{
    ((struct state *)state)->plain++;
}

static void hook(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_context_on_done(s->context, count, s, NULL) == CKF_OK);
}

static void cancel(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_context_cancel(((struct state *)state)->context, 1);
}

static void has_run(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, s->plain == 1);
    ckf_context_release(s->context);
}

SCENE(hook_meets_cancel, "order-hook-meets-cancel", ATOMIC_ONLY, make_context, has_run,
      {"hooker", hook, 1}, {"canceller", cancel, 1});

/* The context's own deadline ends the wait like a cancel. */
static void wait_to_deadline(struct ckf_stress_run *run, void *state)
{
    struct ckf_context *context;
    (void)state;
    expect(run, ckf_context_create(&context, NULL, ckf_deadline_after_ns(FAR_NS)) == CKF_OK);
    expect(run, ckf_context_wait(context, CKF_FOREVER) == CKF_OK);
    expect(run, ckf_context_status(context) == CKF_TIMED_OUT);
    ckf_context_release(context);
}

SCENE(context_wait_to_deadline, "order-wait-to-deadline", ATOMIC_ONLY, NULL, NULL,
      {"waiter", wait_to_deadline, 1});

static int write_plain(struct ckf_context *context, void *state)
{
    (void)context;
    ((struct state *)state)->plain = 1;
    return 0;
}

static void run_group(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    struct ckf_group *group;
    int first_error;
    expect(run, ckf_group_create(&group, NULL) == CKF_OK);
    expect(run, ckf_group_go(group, write_plain, s, "writer") == CKF_OK);
    expect(run, ckf_group_wait(group, CKF_FOREVER, &first_error) == CKF_OK && s->plain == 1);
    ckf_group_destroy(group);
}

SCENE(memory_before_wait, "order-memory-before-wait", ATOMIC_ONLY, NULL, NULL,
      {"owner", run_group, 1});

/* One task at a time: the second waits for the first, or finds that it has just ended, or that the context
 * has. */

static void make_narrow_group(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    const struct ckf_group_options options = {.limit = 1};
    expect(run, ckf_group_create(&s->group, &options) == CKF_OK);
}

static int do_nothing(struct ckf_context *context, void *arg)
{
    (void)context;
    (void)arg;
    return 0;
}

static void start_two(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    expect(run, ckf_group_go(s->group, do_nothing, NULL, "first") == CKF_OK);
    expect(run, ckf_group_go(s->group, do_nothing, NULL, "second") == CKF_OK);
    expect(run, ckf_group_wait(s->group, CKF_FOREVER, NULL) == CKF_OK);
}

static void start_if_not_cancelled(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    for (int i = 0; i < 2; i++) {
        enum ckf_status status = ckf_group_go(s->group, do_nothing, NULL, "task");
        expect(run, status == CKF_OK || status == CKF_CANCELED);
    }
    expect(run, ckf_group_wait(s->group, CKF_FOREVER, NULL) == CKF_OK);
}

static void cancel_group(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_context_cancel(ckf_group_context(((struct state *)state)->group), 1);
}

static void destroy_group(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_group_destroy(((struct state *)state)->group);
}

SCENE(one_after_the_other, "order-one-after-the-other", ATOMIC_ONLY, make_narrow_group,
      destroy_group, {"owner", start_two, 1});
SCENE(slot_meets_cancel, "order-slot-meets-cancel", ATOMIC_ONLY, make_narrow_group, destroy_group,
      {"owner", start_if_not_cancelled, 1}, {"canceller", cancel_group, 1});

static void make_pool(struct ckf_stress_run *run, void *state)
{
    struct ckf_pool_options options = {.variant = variant_of(run), .size = 16, .max_idle = 1};
    expect(run, ckf_pool_create(&((struct state *)state)->pool, &options) == CKF_OK);
}

static void use_object(struct ckf_stress_run *run, void *state)
{
    struct state *s = state;
    for (int i = 0; i < 2; i++) {
        int *object = ckf_pool_get(s->pool);
        expect(run, object != NULL && *object == 0);
        if (object != NULL) {
            *object = 1;
            ckf_pool_put(s->pool, object);
        }
    }
}

static void destroy_pool(struct ckf_stress_run *run, void *state)
{
    (void)run;
    ckf_pool_destroy(((struct state *)state)->pool);
}

SCENE(memory_through_pool, "order-memory-through-pool", BOTH, make_pool, destroy_pool,
      {"user", use_object, 2});
