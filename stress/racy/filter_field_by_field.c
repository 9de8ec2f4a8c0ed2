/* stress/racy/filter_field_by_field.c - a ruleset is replaced one field after the other. Each store
 * is atomic; the ruleset is not. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "filters.h"

struct fields {
    atomic_bool drop_a, drop_b;
};

static void *create(void)
{
    return calloc(1, sizeof(struct fields));
}

static void replace(void *filter, bool flipped)
{
    struct fields *fields = filter;
    atomic_store(&fields->drop_a, !flipped);
    atomic_store(&fields->drop_b, flipped);
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    struct fields *fields = filter;
    for (size_t i = 0; i < count; i++)
        dropped[i] = strcmp(records[i], "a") == 0 ? atomic_load(&fields->drop_a)
                                                  : atomic_load(&fields->drop_b);
}

const struct filter_operations racy_field_by_field_filter = {
    .create = create, .destroy = free, .replace = replace, .judge = judge};
