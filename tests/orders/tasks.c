/* tests/orders/tasks.c - contexts, groups and pools. */
#include "scene.h"

struct state {
    struct ckf_channel *channel;
    struct ckf_context *context;
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
