/* stress/cases/tasks.c - contexts, groups and pools of the library behind the tables of the cases. */
#include "tasks.h"

#include <stdlib.h>
#include <string.h>

#include <ck_filter/channel.h>
#include <ck_filter/context.h>
#include <ck_filter/group.h>
#include <ck_filter/pool.h>
#include <ck_filter/stress.h>

/* --- contexts --- */

static void *create_context(void)
{
    struct ckf_context *context;
    return ckf_context_create(&context, NULL, CKF_FOREVER) == CKF_OK ? context : NULL;
}

static void *derive_context(void *parent)
{
    struct ckf_context *context;
    return ckf_context_create(&context, parent, CKF_FOREVER) == CKF_OK ? context : NULL;
}

static void *retain_context(void *context)
{
    return ckf_context_retain(context);
}

static void release_context(void *context)
{
    ckf_context_release(context);
}

static void cancel_context(void *context)
{
    ckf_context_cancel(context, 0);
}

static bool context_is_done(void *context)
{
    return ckf_context_status(context) != CKF_OK;
}

static void *create_context_until(int64_t ns)
{
    struct ckf_context *context;
    return ckf_context_create(&context, NULL, ckf_deadline_after_ns(ns)) == CKF_OK ? context : NULL;
}

static void cancel_context_with(void *context, int *note, int value)
{
    *note = value;
    ckf_context_cancel(context, value);
}

static enum ckf_status look_at_context(void *context)
{
    return ckf_context_status(context);
}

static void wait_for_context(void *context)
{
    if (ckf_context_wait(context, CKF_FOREVER) != CKF_OK)
        abort();
}

/* Work is a wait for an element that never comes. */
static enum ckf_status work_on(enum ckf_variant variant, void *context, int64_t ns)
{
    struct ckf_channel *channel;
    struct ckf_channel_options options = {.variant = variant, .capacity = 1};
    if (ckf_channel_create(&channel, &options) != CKF_OK)
        return CKF_NO_MEMORY;
    enum ckf_status status =
        ckf_channel_recv_until(channel, NULL, ckf_deadline_after_ns(ns), context);
    ckf_channel_destroy(channel);
    return status;
}

static enum ckf_status work_on_mutex(void *context, int64_t ns)
{
    return work_on(CKF_VARIANT_MUTEX, context, ns);
}

static enum ckf_status work_on_atomic(void *context, int64_t ns)
{
    return work_on(CKF_VARIANT_ATOMIC, context, ns);
}

#define LIBRARY_CONTEXT(work_function)                                                             \
    {                                                                                              \
        .create = create_context, .derive = derive_context, .retain = retain_context,              \
        .release_retained = release_context, .release = release_context, .cancel = cancel_context, \
        .is_done = context_is_done, .create_until = create_context_until,                          \
        .cancel_with = cancel_context_with, .look = look_at_context, .wait = wait_for_context,     \
        .work = (work_function)                                                                    \
    }

const struct context_operations mutex_context = LIBRARY_CONTEXT(work_on_mutex);
const struct context_operations atomic_context = LIBRARY_CONTEXT(work_on_atomic);

/* --- clean-up --- */

/* The handler works under `work`, which its client may cancel; the clean-up hangs on `lifetime`, which
 * nobody cancels: it runs when the last of those who hold it lets go. */
struct request {
    struct ckf_context *work, *lifetime;
    struct request_resource *resource;
    unsigned cleanups;
};

static void clean_up(void *arg)
{
    struct request *request = arg;
    request->cleanups++; /* plain, like the work: the last release sees the others */
    ckf_stress_free(request->resource);
}

static void *begin_request(struct request_resource *resource)
{
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL)
        abort();
    request->resource = resource;
    if (ckf_context_create(&request->work, NULL, CKF_FOREVER) != CKF_OK ||
        ckf_context_create(&request->lifetime, NULL, CKF_FOREVER) != CKF_OK ||
        ckf_context_on_done(request->lifetime, clean_up, request, NULL) != CKF_OK)
        abort();
    ckf_context_retain(request->lifetime); /* the client's */
    return request;
}

static void end_request(void *request)
{
    ckf_context_release(((struct request *)request)->lifetime);
}

static void hang_up(void *request)
{
    struct request *r = request;
    ckf_context_cancel(r->work, 0);
    ckf_context_release(r->lifetime);
}

static void nothing_to_do(void *request)
{
    (void)request;
}

static unsigned count_cleanups(void *request)
{
    return ((struct request *)request)->cleanups;
}

static void forget_request(void *request)
{
    ckf_context_release(((struct request *)request)->work);
    free(request);
}

#define LIBRARY_CLEANUP                                                                            \
    {                                                                                              \
        begin_request, end_request, hang_up, nothing_to_do, count_cleanups, forget_request         \
    }

const struct cleanup_operations mutex_cleanup = LIBRARY_CLEANUP, atomic_cleanup = LIBRARY_CLEANUP;

/* --- hooks --- */

struct hooked {
    struct ckf_context *context;
    struct ckf_hook *hook;
};

static void count_run(void *visit)
{
    ((struct hook_visit *)visit)->runs++;
}

static void *hook_visit(struct hook_visit *visit)
{
    struct hooked *hooked = ckf_stress_alloc(sizeof *hooked);
    if (hooked == NULL || ckf_context_create(&hooked->context, NULL, CKF_FOREVER) != CKF_OK ||
        ckf_context_on_done(hooked->context, count_run, visit, &hooked->hook) != CKF_OK)
        abort();
    return hooked;
}

static void cancel_hooked(void *hooked)
{
    ckf_context_cancel(((struct hooked *)hooked)->context, 0);
}

static bool stop_hook(void *hooked)
{
    return ckf_hook_stop(((struct hooked *)hooked)->hook);
}

static void end_hooked(void *hooked)
{
    ckf_context_release(((struct hooked *)hooked)->context);
}

const struct hook_operations mutex_hook = {hook_visit, cancel_hooked, stop_hook, end_hooked},
                             atomic_hook = {hook_visit, cancel_hooked, stop_hook, end_hooked};

/* --- groups --- */

static void *create_group(void)
{
    struct ckf_group *group;
    struct ckf_group_options options = {.name = "stress"};
    return ckf_group_create(&group, &options) == CKF_OK ? group : NULL;
}

static void destroy_group(void *group)
{
    ckf_group_destroy(group);
}

static bool go(void *group, int (*task)(struct ckf_context *context, void *arg), void *arg)
{
    return ckf_group_go(group, task, arg, "stress task") == CKF_OK;
}

static int wait_for_group(void *group)
{
    int first_error = 0;
    return ckf_group_wait(group, CKF_FOREVER, &first_error) == CKF_OK ? first_error : -1;
}

#define LIBRARY_GROUP(context_table)                                                               \
    {                                                                                              \
        .context = (context_table), .create = create_group, .destroy = destroy_group, .go = go,    \
        .wait = wait_for_group                                                                     \
    }

const struct group_operations mutex_group = LIBRARY_GROUP(&mutex_context);
const struct group_operations atomic_group = LIBRARY_GROUP(&atomic_context);

/* --- pools --- */

static void wipe(void *object, void *arg)
{
    (void)arg;
    memset(object, 0, POOLED_SIZE);
}

static void *create_pool(enum ckf_variant variant)
{
    struct ckf_pool *pool;
    struct ckf_pool_options options = {.name = "stress",
                                       .variant = variant,
                                       .size = POOLED_SIZE,
                                       .reset = wipe,
                                       .max_idle = POOL_MAX_IDLE};
    return ckf_pool_create(&pool, &options) == CKF_OK ? pool : NULL;
}

static void *create_mutex_pool(void)
{
    return create_pool(CKF_VARIANT_MUTEX);
}

static void *create_atomic_pool(void)
{
    return create_pool(CKF_VARIANT_ATOMIC);
}

static void destroy_pool(void *pool)
{
    ckf_pool_destroy(pool);
}

static unsigned char *get_object(void *pool)
{
    return ckf_pool_get(pool);
}

static void put_object(void *pool, unsigned char *object)
{
    ckf_pool_put(pool, object);
}

const struct pool_operations mutex_pool = {create_mutex_pool, destroy_pool, get_object, put_object};
const struct pool_operations atomic_pool = {create_atomic_pool, destroy_pool, get_object,
                                            put_object};
