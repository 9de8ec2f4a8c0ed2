/* stress/cases/maps.c - the counter map of the library behind the table of the cases. */
#include "maps.h"

#include <stdlib.h>
#include <string.h>

#include <ck_filter/counter_map.h>

static void *create(enum ckf_variant variant)
{
    struct ckf_counter_map *map;
    struct ckf_counter_map_options options = {.name = "stress", .variant = variant};
    return ckf_counter_map_create(&map, &options) == CKF_OK ? map : NULL;
}

static void *create_mutex(void)
{
    return create(CKF_VARIANT_MUTEX);
}

static void *create_atomic(void)
{
    return create(CKF_VARIANT_ATOMIC);
}

static void destroy(void *map)
{
    ckf_counter_map_destroy(map);
}

static void add(void *map, const char *key, uint64_t n)
{
    ckf_counter_map_add(map, key, strlen(key), n);
}

static uint64_t get(void *map, const char *key)
{
    uint64_t value = 0;
    return ckf_counter_map_get(map, key, strlen(key), &value) == CKF_OK ? value : 0;
}

static uint64_t take(void *map, const char *key)
{
    uint64_t value = 0;
    return ckf_counter_map_take(map, key, strlen(key), &value) == CKF_OK ? value : 0;
}

static uint64_t remove_key(void *map, const char *key)
{
    uint64_t value = 0;
    return ckf_counter_map_remove(map, key, strlen(key), &value) == CKF_OK ? value : 0;
}

struct visitor {
    void (*visit)(const char *key, uint64_t value, void *arg);
    void *arg;
};

static bool visit_terminated(const void *key, size_t key_len, uint64_t value, void *arg)
{
    const struct visitor *visitor = arg;
    char terminated[32];
    if (key_len >= sizeof terminated)
        abort(); /* the cases use short keys */
    memcpy(terminated, key, key_len);
    terminated[key_len] = '\0';
    visitor->visit(terminated, value, visitor->arg);
    return true;
}

static void for_each(void *map, void (*visit)(const char *key, uint64_t value, void *arg),
                     void *arg)
{
    struct visitor visitor = {visit, arg};
    ckf_counter_map_for_each(map, visit_terminated, &visitor);
}

static uint64_t overflow(void *map)
{
    return ckf_counter_map_overflow(map);
}

const struct map_operations mutex_map = {create_mutex, destroy,    add,      get,
                                         take,         remove_key, for_each, overflow};
const struct map_operations atomic_map = {create_atomic, destroy,    add,      get,
                                          take,          remove_key, for_each, overflow};

struct sum {
    uint64_t total;
    size_t keys;
};

static void add_up(const char *key, uint64_t value, void *arg)
{
    (void)key;
    struct sum *sum = arg;
    sum->total += value;
    sum->keys++;
}

uint64_t map_sum(const struct map_operations *operations, void *map, size_t *keys)
{
    struct sum sum = {0, 0};
    operations->for_each(map, add_up, &sum);
    *keys = sum.keys;
    return sum.total;
}

const char *numbered_key(char *buffer, unsigned number)
{
    char digits[10];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buffer[0] = 'k';
    for (int i = 0; i < count; i++)
        buffer[1 + i] = digits[count - 1 - i];
    buffer[1 + count] = '\0';
    return buffer;
}
