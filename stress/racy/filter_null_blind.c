/* stress/racy/filter_null_blind.c - a record that is null is read all the same, and an empty pattern
 * is "contained" in everything. */
#include <stdlib.h>
#include <string.h>

#include "filters.h"

struct substring {
    const char *pattern; /* NULL: no rule */
};

static void *create(void)
{
    return calloc(1, sizeof(struct substring));
}

static bool deny_empty(void *filter)
{
    ((struct substring *)filter)->pattern = "";
    return true;
}

static void deny_folded(void *filter, const char *word)
{
    ((struct substring *)filter)->pattern = word;
}

static bool contains(const char *text, const char *pattern)
{
    size_t length = strlen(pattern);
    for (;; text++) {
        if (strncmp(text, pattern, length) == 0)
            return true;
        if (*text == '\0')
            return false;
    }
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    const struct substring *substring = filter;
    for (size_t i = 0; i < count; i++)
        dropped[i] = substring->pattern != NULL && contains(records[i], substring->pattern);
}

const struct filter_operations racy_null_blind_filter = {.create = create,
                                                         .destroy = free,
                                                         .deny_folded = deny_folded,
                                                         .deny_empty = deny_empty,
                                                         .judge = judge};
