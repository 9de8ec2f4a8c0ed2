/* stress/cases/tasks.c - contexts, groups and pools of the library behind the tables of the cases. */
#include "tasks.h"

#include <string.h>

#include <ck_filter/channel.h>
#include <ck_filter/context.h>
#include <ck_filter/group.h>
#include <ck_filter/pool.h>

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
        .is_done = context_is_done, .work = (work_function)                                        \
    }

const struct context_operations mutex_context = LIBRARY_CONTEXT(work_on_mutex);
const struct context_operations atomic_context = LIBRARY_CONTEXT(work_on_atomic);

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
    struct ckf_pool_options options = {
        .name = "stress", .variant = variant, .size = POOLED_SIZE, .reset = wipe, .max_idle = 4};
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
