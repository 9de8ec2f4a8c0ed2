/* stress/racy/filter_growing_list.c - `blacklist = append(blacklist, word)` while others walk it:
 * the walk goes on in the array that append has freed. */
#include <stdlib.h>
#include <string.h>

#include <ck_filter/stress.h>

#include "filters.h"

struct list {
    size_t count, capacity;
    const char **words;
};

static void *create(void)
{
    struct list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return NULL;
    list->capacity = 1;
    list->words = ckf_stress_alloc(sizeof *list->words);
    return list;
}

static void destroy(void *filter)
{
    struct list *list = filter;
    ckf_stress_free(list->words);
    free(list);
}

static void deny(void *filter, unsigned word)
{
    struct list *list = filter;
    if (list->count == list->capacity) {
        const char **longer = ckf_stress_alloc(2 * list->capacity * sizeof *longer);
        if (longer == NULL)
            abort();
        memcpy(longer, list->words, list->count * sizeof *longer);
        ckf_stress_free(list->words);
        list->words = longer;
        list->capacity *= 2;
    }
    list->words[list->count++] = word_text(word);
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    const struct list *list = filter;
    for (size_t i = 0; i < count; i++) {
        const char **words = list->words;
        dropped[i] = false;
        for (size_t w = 0; w < list->count && !dropped[i]; w++)
            dropped[i] = strcmp(words[w], records[i]) == 0;
    }
}

const struct filter_operations racy_growing_list_filter = {
    .create = create, .destroy = destroy, .deny = deny, .judge = judge};
