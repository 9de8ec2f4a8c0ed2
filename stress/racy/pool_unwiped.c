/* stress/racy/pool_unwiped.c - a pool that hands out what it got back, as it got it back. */
#include <pthread.h>
#include <stdlib.h>

#include "tasks.h"

enum { MOST_IDLE = 4 };

struct pool {
    pthread_mutex_t lock;
    unsigned idle;
    unsigned char *objects[MOST_IDLE];
};

static void *create(void)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool != NULL)
        pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

static void destroy(void *arg)
{
    struct pool *pool = arg;
    while (pool->idle > 0)
        free(pool->objects[--pool->idle]);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static unsigned char *get(void *arg)
{
    struct pool *pool = arg;
    unsigned char *object = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->idle > 0)
        object = pool->objects[--pool->idle];
    pthread_mutex_unlock(&pool->lock);
    return object != NULL ? object : calloc(1, POOLED_SIZE);
}

static void put(void *arg, unsigned char *object)
{
    struct pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    if (pool->idle < MOST_IDLE) {
        pool->objects[pool->idle++] = object;
        object = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    free(object);
}

const struct pool_operations racy_unwiped_pool = {create, destroy, get, put};
