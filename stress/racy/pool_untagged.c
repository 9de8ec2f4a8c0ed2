/* stress/racy/pool_untagged.c - a stack of idle objects whose head is a bare pointer. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <ck_filter/stress.h>

#include "tasks.h"

struct object {
    unsigned char bytes[POOLED_SIZE];
    _Atomic(struct object *) below;
    struct object *made_before; /* so that all can be freed at the end */
};

struct pool {
    _Atomic(struct object *) idle;
    _Atomic(struct object *) made;
};

static void *create(void)
{
    return calloc(1, sizeof(struct pool));
}

static void destroy(void *arg)
{
    struct pool *pool = arg;
    struct object *object = atomic_load(&pool->made);
    while (object != NULL) {
        struct object *next = object->made_before;
        free(object);
        object = next;
    }
    free(pool);
}

static struct object *make(struct pool *pool)
{
    struct object *object = calloc(1, sizeof *object);
    if (object == NULL)
        abort();
    object->made_before = atomic_load(&pool->made);
    while (!atomic_compare_exchange_weak(&pool->made, &object->made_before, object))
        ;
    return object;
}

static unsigned char *get(void *arg)
{
    struct pool *pool = arg;
    struct object *first = atomic_load(&pool->idle);
    while (first != NULL) {
        struct object *below = atomic_load(&first->below);
        ckf_stress_pause(NULL); /* its time slice may end anywhere */
        if (atomic_compare_exchange_strong(&pool->idle, &first, below))
            return first->bytes;
    }
    return make(pool)->bytes;
}

static void put(void *arg, unsigned char *bytes)
{
    struct pool *pool = arg;
    struct object *object = (struct object *)(void *)bytes;
    memset(object->bytes, 0, sizeof object->bytes);
    struct object *first = atomic_load(&pool->idle);
    do
        atomic_store(&object->below, first);
    while (!atomic_compare_exchange_strong(&pool->idle, &first, object));
}

const struct pool_operations racy_untagged_pool = {create, destroy, get, put};
