/* hyperscan.c - Hyperscan's literal matcher, block mode, a call a record: stops at the first match. */
#include <hs.h>
#include <stdlib.h>

#include "cases/filter_roles.h"
#include "peers/peers.h"

struct matcher {
    hs_database_t *database;
    hs_scratch_t *scratch; /* one thread */
};

static void destroy(void *argument)
{
    struct matcher *matcher = argument;
    hs_free_scratch(matcher->scratch);
    hs_free_database(matcher->database);
    free(matcher);
}

static bool compile(struct matcher *matcher, const struct filter_corpus *corpus)
{
    size_t count = corpus->pattern_count;
    const char **texts = calloc(count, sizeof(*texts));
    size_t *lengths = calloc(count, sizeof(*lengths));
    unsigned *flags = calloc(count, sizeof(*flags)), *ids = calloc(count, sizeof(*ids));
    hs_compile_error_t *error = NULL;
    bool made = texts != NULL && lengths != NULL && flags != NULL && ids != NULL;
    for (size_t i = 0; made && i < count; i++) {
        texts[i] = corpus->patterns[i].data;
        lengths[i] = corpus->patterns[i].len;
        flags[i] = HS_FLAG_SINGLEMATCH;
        ids[i] = (unsigned)i;
    }
    made = made &&
           hs_compile_lit_multi(texts, flags, ids, lengths, (unsigned)count, HS_MODE_BLOCK, NULL,
                                &matcher->database, &error) == HS_SUCCESS &&
           hs_alloc_scratch(matcher->database, &matcher->scratch) == HS_SUCCESS;
    hs_free_compile_error(error);
    free(texts);
    free(lengths);
    free(flags);
    free(ids);
    return made;
}

static void *create(const struct filter_corpus *corpus)
{
    struct matcher *matcher = calloc(1, sizeof(*matcher));
    if (matcher != NULL && !compile(matcher, corpus)) {
        destroy(matcher);
        return NULL;
    }
    return matcher;
}

static int found(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                 void *argument)
{
    (void)id;
    (void)from;
    (void)to;
    (void)flags;
    *(bool *)argument = true;
    return 1;
}

static bool evaluate(void *argument, struct ckf_record record)
{
    struct matcher *matcher = argument;
    bool matched = false;
    hs_scan(matcher->database, record.data, (unsigned)record.len, 0, matcher->scratch, found,
            &matched);
    return matched;
}

static size_t evaluate_many(void *matcher, const struct ckf_record *records, size_t count)
{
    size_t matched = 0;
    for (size_t i = 0; i < count; i++)
        matched += evaluate(matcher, records[i]);
    return matched;
}

static void batches(struct bench_run *run, void *state)
{
    filter_batches(run, state, filter_no_enter, filter_no_leave, evaluate_many);
}

static const bench_body bodies[FILTER_ROLES] = {[FILTER_BATCHES] = batches};
static const struct filter_face face = {.create = create, .destroy = destroy};

const struct bench_contestant peer_hyperscan = {
    .name = "hyperscan",
    .label = "Hyperscan, literals, a call a record",
    .note = "says that something matches, not which rule speaks; needs SSSE3",
    .bodies = bodies,
    .face = &face};
