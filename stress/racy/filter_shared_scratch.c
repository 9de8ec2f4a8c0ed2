/* stress/racy/filter_shared_scratch.c - the filter lowers each record in its one work buffer: two
 * threads judge whatever record was written there last. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "filters.h"

enum { SCRATCH_SIZE = 64 };

struct folding {
    const char *word;
    char scratch[SCRATCH_SIZE];
};

static void *create(void)
{
    return calloc(1, sizeof(struct folding));
}

static void deny_folded(void *filter, const char *word)
{
    ((struct folding *)filter)->word = word;
}

static void lower(struct folding *filter, const char *record)
{
    size_t i = 0;
    for (; record[i] != '\0' && i + 1 < SCRATCH_SIZE; i++)
        filter->scratch[i] = (char)tolower((unsigned char)record[i]);
    filter->scratch[i] = '\0';
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    struct folding *folding = filter;
    for (size_t i = 0; i < count; i++) {
        lower(folding, records[i]);
        dropped[i] = strcmp(folding->scratch, folding->word) == 0;
    }
}

const struct filter_operations racy_shared_scratch_filter = {
    .create = create, .destroy = free, .deny_folded = deny_folded, .judge = judge};
