/* stress/racy/filter_thread_local.c - the filter counts in thread-local memory, which is fast, and
 * which nobody else can see. */
#include <stdlib.h>
#include <string.h>

#include "filters.h"

static _Thread_local struct {
    const void *filter;
    uint64_t hits[MOST_WORDS];
} mine;

struct words {
    uint64_t denied;
};

static void *create(void)
{
    return calloc(1, sizeof(struct words));
}

static void deny(void *filter, unsigned word)
{
    ((struct words *)filter)->denied |= UINT64_C(1) << word;
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    const struct words *words = filter;
    if (mine.filter != filter) {
        memset(&mine, 0, sizeof mine);
        mine.filter = filter;
    }
    for (size_t i = 0; i < count; i++) {
        int word = records[i][1] - '0';
        dropped[i] = words->denied >> word & 1;
        mine.hits[word] += dropped[i];
    }
}

static uint64_t hits(void *filter, unsigned word)
{
    return mine.filter == filter ? mine.hits[word] : 0;
}

const struct filter_operations racy_thread_local_filter = {
    .create = create, .destroy = free, .deny = deny, .judge = judge, .hits = hits};
