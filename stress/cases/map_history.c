/* stress/cases/map_history.c - goes through scripts of map calls and records them. */
#include "map_history.h"

#include <ck_filter/counter_map.h>

/* --- The library -------------------------------------------------------------------------------- */

static void *create(enum ckf_variant variant, unsigned max_keys)
{
    struct ckf_counter_map *map;
    struct ckf_counter_map_options options = {
        .name = "stress", .variant = variant, .max_keys = max_keys};
    return ckf_counter_map_create(&map, &options) == CKF_OK ? map : NULL;
}

static void *create_mutex(unsigned max_keys)
{
    return create(CKF_VARIANT_MUTEX, max_keys);
}

static void *create_atomic(unsigned max_keys)
{
    return create(CKF_VARIANT_ATOMIC, max_keys);
}

static void destroy(void *map)
{
    ckf_counter_map_destroy(map);
}

static enum ckf_status add(void *map, unsigned key)
{
    return ckf_counter_map_add_u64(map, key, 1);
}

static enum ckf_status get(void *map, unsigned key, uint64_t *value)
{
    uint64_t wide = key;
    return ckf_counter_map_get(map, &wide, sizeof wide, value);
}

static enum ckf_status take(void *map, unsigned key, uint64_t *value)
{
    uint64_t wide = key;
    return ckf_counter_map_take(map, &wide, sizeof wide, value);
}

static enum ckf_status remove_key(void *map, unsigned key, uint64_t *value)
{
    uint64_t wide = key;
    return ckf_counter_map_remove(map, &wide, sizeof wide, value);
}

static uint64_t total(void *map)
{
    return ckf_counter_map_total(map);
}

static uint64_t overflow(void *map)
{
    return ckf_counter_map_overflow(map);
}

#define LIBRARY_MAP(create_function)                                                               \
    {                                                                                              \
        .create = (create_function), .destroy = destroy, .add = add, .get = get, .take = take,     \
        .remove = remove_key, .total = total, .overflow = overflow                                 \
    }

const struct map_calls mutex_map_calls = LIBRARY_MAP(create_mutex);
const struct map_calls atomic_map_calls = LIBRARY_MAP(create_atomic);

/* --- Recording ---------------------------------------------------------------------------------- */

static void record(struct ckf_stress_run *run, const struct map_history *history,
                   enum map_code code, unsigned key)
{
    const struct map_calls *calls = ckf_stress_operations(run);
    bool apart = history->scene->apart;
    uint64_t value = 0;
    enum ckf_status status = CKF_OK;
    ckf_stress_call(run, code, apart ? key : 0, apart ? 0 : key, 0);
    switch (code) {
    case MAP_ADD:
        status = calls->add(history->map, key);
        break;
    case MAP_GET:
        status = calls->get(history->map, key, &value);
        break;
    case MAP_TAKE:
        status = calls->take(history->map, key, &value);
        break;
    case MAP_REMOVE:
        status = calls->remove(history->map, key, &value);
        break;
    case MAP_TOTAL:
        value = calls->total(history->map);
        break;
    case MAP_OVERFLOW:
        value = calls->overflow(history->map);
        break;
    }
    ckf_stress_return(run, status, value);
}

void map_history_setup(struct ckf_stress_run *run, struct map_history *history,
                       const struct map_scene *scene)
{
    const struct map_calls *calls = ckf_stress_operations(run);
    history->scene = scene;
    history->map = calls->create(scene->bound.max_keys);
    for (unsigned key = 0; key < scene->at_once; key++)
        record(run, history, MAP_ADD, key);
}

void map_history_caller(struct ckf_stress_run *run, void *state)
{
    const struct map_history *history = state;
    const struct map_call *script = history->scene->scripts[ckf_stress_copy(run)];
    for (unsigned i = 0; i < MAP_CALLS && script[i].is_call; i++)
        record(run, history, script[i].code, script[i].key);
}

void map_history_drain(struct ckf_stress_run *run, void *state)
{
    const struct map_history *history = state;
    if (!history->scene->apart) {
        record(run, history, MAP_TOTAL, 0);
        record(run, history, MAP_OVERFLOW, 0);
    }
    for (unsigned key = 0; key < MAP_MOST_KEYS; key++)
        record(run, history, MAP_REMOVE, key);
}

void map_history_teardown(struct ckf_stress_run *run, void *state)
{
    const struct map_calls *calls = ckf_stress_operations(run);
    calls->destroy(((struct map_history *)state)->map);
}
