/* stress/cases/filter_history.c - the filter of the library behind the table of the histories. */
#include "filter_history.h"

#include <stdlib.h>
#include <string.h>

#include <ck_filter/filter.h>

#include "filters.h"

static void *create(enum ckf_variant variant)
{
    struct ckf_filter *filter;
    struct ckf_filter_options options = {.name = "stress", .variant = variant};
    return ckf_filter_create(&filter, &options) == CKF_OK ? filter : NULL;
}

static void *create_mutex(void)
{
    return create(CKF_VARIANT_MUTEX);
}

static void *create_atomic(void)
{
    return create(CKF_VARIANT_ATOMIC);
}

static void destroy(void *filter)
{
    ckf_filter_destroy(filter);
}

static enum ckf_status publish(void *filter, uint64_t denied, uint64_t expected,
                               uint64_t *generation)
{
    struct ckf_ruleset *rules;
    if (ckf_ruleset_create(&rules) != CKF_OK)
        abort();
    for (unsigned word = 0; word < MOST_WORDS; word++) {
        struct ckf_rule rule = {.id = word + 1,
                                .match = CKF_MATCH_EXACT,
                                .action = CKF_ACTION_DROP,
                                .pattern = word_text(word),
                                .pattern_len = strlen(word_text(word))};
        if ((denied >> word & 1) != 0 && ckf_ruleset_add(rules, &rule) != CKF_OK)
            abort();
    }
    enum ckf_status status = ckf_filter_publish(filter, rules, expected, generation);
    ckf_ruleset_destroy(rules);
    return status;
}

static uint64_t evaluate(void *filter, uint64_t words, uint64_t *dropped)
{
    struct ckf_record records[MOST_WORDS];
    struct ckf_verdict verdicts[MOST_WORDS];
    size_t count = 0;
    for (unsigned word = 0; word < MOST_WORDS; word++)
        if ((words >> word & 1) != 0)
            records[count++] = (struct ckf_record){word_text(word), strlen(word_text(word))};
    if (count == 1)
        verdicts[0] = ckf_filter_evaluate(filter, records[0]);
    else
        ckf_filter_evaluate_many(filter, records, verdicts, count);
    *dropped = 0;
    count = 0;
    for (unsigned word = 0; word < MOST_WORDS; word++)
        if ((words >> word & 1) != 0 && verdicts[count++].action == CKF_ACTION_DROP)
            *dropped |= UINT64_C(1) << word;
    return verdicts[0].generation;
}

static uint64_t generation(void *filter)
{
    return ckf_filter_generation(filter);
}

const struct filter_calls mutex_filter_calls = {create_mutex, destroy, publish, evaluate,
                                                generation};
const struct filter_calls atomic_filter_calls = {create_atomic, destroy, publish, evaluate,
                                                 generation};
