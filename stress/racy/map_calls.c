/* stress/racy/map_calls.c - counters behind a table of pointers under a lock. What is found there is
 * used without the lock, which is sound for adds alone. */
#include "map_calls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct counter {
    _Atomic(uint64_t) value;
    struct counter *older; /* of all that were made: freed with the table */
};

struct table {
    pthread_mutex_t lock;
    struct counter *keys[MAP_MOST_KEYS], *all;
};

static void *create(unsigned max_keys)
{
    (void)max_keys;
    struct table *table = calloc(1, sizeof *table);
    if (table != NULL)
        pthread_mutex_init(&table->lock, NULL);
    return table;
}

static void destroy(void *map)
{
    struct table *table = map;
    for (struct counter *counter = table->all, *older; counter != NULL; counter = older) {
        older = counter->older;
        free(counter);
    }
    pthread_mutex_destroy(&table->lock);
    free(table);
}

static struct counter *make(struct table *table)
{
    struct counter *counter = calloc(1, sizeof *counter);
    if (counter == NULL)
        abort();
    counter->older = table->all;
    table->all = counter;
    return counter;
}

static struct counter *find(struct table *table, unsigned key, bool or_make)
{
    pthread_mutex_lock(&table->lock);
    if (table->keys[key] == NULL && or_make)
        table->keys[key] = make(table);
    struct counter *counter = table->keys[key];
    pthread_mutex_unlock(&table->lock);
    return counter;
}

static enum ckf_status add(void *map, unsigned key)
{
    struct counter *counter = find(map, key, true);
    ckf_stress_pause(NULL);
    atomic_fetch_add(&counter->value, 1);
    return CKF_OK;
}

static enum ckf_status get(void *map, unsigned key, uint64_t *value)
{
    struct counter *counter = find(map, key, false);
    *value = counter != NULL ? atomic_load(&counter->value) : 0;
    return counter != NULL ? CKF_OK : CKF_NOT_FOUND;
}

static enum ckf_status take_in_two_steps(void *map, unsigned key, uint64_t *value)
{
    struct counter *counter = find(map, key, false);
    *value = counter != NULL ? atomic_load(&counter->value) : 0;
    if (counter == NULL)
        return CKF_NOT_FOUND;
    ckf_stress_pause(NULL);
    atomic_store(&counter->value, 0);
    return CKF_OK;
}

static enum ckf_status take(void *map, unsigned key, uint64_t *value)
{
    struct counter *counter = find(map, key, false);
    *value = counter != NULL ? atomic_exchange(&counter->value, 0) : 0;
    return counter != NULL ? CKF_OK : CKF_NOT_FOUND;
}

static enum ckf_status remove_key(void *map, unsigned key, uint64_t *value)
{
    struct table *table = map;
    pthread_mutex_lock(&table->lock);
    struct counter *counter = table->keys[key];
    table->keys[key] = NULL;
    pthread_mutex_unlock(&table->lock);
    *value = counter != NULL ? atomic_load(&counter->value) : 0;
    return counter != NULL ? CKF_OK : CKF_NOT_FOUND;
}

const struct map_calls racy_take_in_two_steps = {.create = create,
                                                 .destroy = destroy,
                                                 .add = add,
                                                 .get = get,
                                                 .take = take_in_two_steps,
                                                 .remove = remove_key};
const struct map_calls racy_early_final_value = {.create = create,
                                                 .destroy = destroy,
                                                 .add = add,
                                                 .get = get,
                                                 .take = take,
                                                 .remove = remove_key};
