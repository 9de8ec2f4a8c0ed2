/* stress/cases/filters.c - the filter of the library behind the table of the cases. */
#include "filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ck_filter/filter.h>
#include <ck_filter/ruleset.h>

enum {
    FIRST_WORD_ID = 1,
    FLIP_ID = 100,
    FOLDED_ID = 200,
    EMPTY_ID = 300,
    MANY_ID = 400,
    BATCH = 16
};

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

/* So small a bound that it lets the one ruleset wait that may always wait. */
static void *create_bounded(enum ckf_variant variant)
{
    struct ckf_filter *filter;
    struct ckf_filter_options options = {
        .name = "stress", .variant = variant, .max_retired_bytes = 1};
    return ckf_filter_create(&filter, &options) == CKF_OK ? filter : NULL;
}

static void *create_bounded_mutex(void)
{
    return create_bounded(CKF_VARIANT_MUTEX);
}

static void *create_bounded_atomic(void)
{
    return create_bounded(CKF_VARIANT_ATOMIC);
}

static void destroy(void *filter)
{
    ckf_filter_destroy(filter);
}

static struct ckf_ruleset *new_ruleset(void)
{
    struct ckf_ruleset *rules;
    if (ckf_ruleset_create(&rules) != CKF_OK)
        abort();
    return rules;
}

static enum ckf_status add_rule(struct ckf_ruleset *rules, uint32_t id, enum ckf_action action,
                                const char *pattern, bool fold)
{
    struct ckf_rule rule = {.id = id,
                            .match = CKF_MATCH_EXACT,
                            .action = action,
                            .pattern = pattern,
                            .pattern_len = strlen(pattern),
                            .fold_ascii_case = fold};
    return ckf_ruleset_add(rules, &rule);
}

static void must_add_rule(struct ckf_ruleset *rules, uint32_t id, enum ckf_action action,
                          const char *pattern, bool fold)
{
    if (add_rule(rules, id, action, pattern, fold) != CKF_OK)
        abort();
}

/* Publishes, again while the bound on retired rulesets is reached, and takes the rules back. Without memory,
 * nothing is published. */
static enum ckf_status publish(void *filter, struct ckf_ruleset *rules, uint64_t expected)
{
    uint64_t generation;
    enum ckf_status status;
    do
        status = ckf_filter_publish(filter, rules, expected, &generation);
    while (status == CKF_BUSY);
    ckf_ruleset_destroy(rules);
    if (status != CKF_OK && status != CKF_STALE && status != CKF_NO_MEMORY)
        abort();
    return status;
}

/* The generation that answers, and a ruleset with the words that it denies and another one. NULL without
 * memory. */
static struct ckf_ruleset *denied_now_and(void *filter, unsigned another, uint64_t *generation)
{
    struct ckf_record records[MOST_WORDS];
    struct ckf_verdict verdicts[MOST_WORDS];
    for (unsigned word = 0; word < MOST_WORDS; word++)
        records[word] = (struct ckf_record){word_text(word), strlen(word_text(word))};
    ckf_filter_evaluate_many(filter, records, verdicts, MOST_WORDS);
    *generation = verdicts[0].generation;
    struct ckf_ruleset *rules;
    if (ckf_ruleset_create(&rules) != CKF_OK)
        return NULL;
    for (unsigned word = 0; word < MOST_WORDS; word++) {
        if ((verdicts[word].action == CKF_ACTION_DROP || word == another) &&
            add_rule(rules, FIRST_WORD_ID + word, CKF_ACTION_DROP, word_text(word), false) !=
                CKF_OK) {
            ckf_ruleset_destroy(rules);
            return NULL;
        }
    }
    return rules;
}

static void deny(void *filter, unsigned word)
{
    enum ckf_status status;
    do {
        uint64_t generation;
        struct ckf_ruleset *rules = denied_now_and(filter, word, &generation);
        if (rules == NULL)
            return;
        status = publish(filter, rules, generation);
    } while (status == CKF_STALE);
}

static void republish(void *filter, unsigned word)
{
    struct ckf_ruleset *rules = new_ruleset();
    must_add_rule(rules, FIRST_WORD_ID, CKF_ACTION_DROP, word_text(0), false);
    must_add_rule(rules, FIRST_WORD_ID + word, CKF_ACTION_DROP, word_text(word), false);
    publish(filter, rules, 0);
}

static struct ckf_ruleset *flip_rules(bool flipped)
{
    struct ckf_ruleset *rules = new_ruleset();
    must_add_rule(rules, FLIP_ID, flipped ? CKF_ACTION_PASS : CKF_ACTION_DROP, "a", false);
    must_add_rule(rules, FLIP_ID + 1, flipped ? CKF_ACTION_DROP : CKF_ACTION_PASS, "b", false);
    return rules;
}

static void replace(void *filter, bool flipped)
{
    publish(filter, flip_rules(flipped), 0);
}

static void try_replace(void *filter, bool flipped)
{
    struct ckf_ruleset *rules = flip_rules(flipped);
    enum ckf_status status = ckf_filter_publish(filter, rules, 0, NULL);
    ckf_ruleset_destroy(rules);
    if (status != CKF_OK && status != CKF_BUSY)
        abort();
}

static uint64_t retired(void *filter)
{
    struct ckf_filter_stats stats;
    ckf_filter_read_stats(filter, &stats);
    return stats.retired_snapshots;
}

static uint64_t generation(void *filter)
{
    return ckf_filter_generation(filter);
}

/* The configuration is read after the generation that it will replace: who is overtaken reads again. */
static void reload(void *filter, unsigned (*configuration)(void *arg), void *arg)
{
    enum ckf_status status;
    do {
        uint64_t now = ckf_filter_generation(filter);
        unsigned word = configuration(arg);
        struct ckf_ruleset *rules = new_ruleset();
        must_add_rule(rules, FIRST_WORD_ID + word, CKF_ACTION_DROP, word_text(word), false);
        status = publish(filter, rules, now);
    } while (status == CKF_STALE);
}

static void reload_bad(void *filter)
{
    struct ckf_ruleset *rules = new_ruleset();
    must_add_rule(rules, FIRST_WORD_ID + 1, CKF_ACTION_DROP, word_text(1), false);
    if (add_rule(rules, FIRST_WORD_ID + 1, CKF_ACTION_DROP, word_text(2), false) == CKF_OK)
        publish(filter, rules, 0);
    else
        ckf_ruleset_destroy(rules); /* a second rule of that id: nothing is published */
}

static void prepare_and_judge(void *filter, int *prepared, const char *record, bool batch)
{
    const struct ckf_record judged = {record, strlen(record)};
    struct ckf_verdict verdict;
    *prepared = 1;
    if (batch)
        ckf_filter_evaluate_many(filter, &judged, &verdict, 1);
    else
        (void)ckf_filter_evaluate(filter, judged);
}

static void deny_many(void *filter, uint32_t count)
{
    struct ckf_ruleset *rules = new_ruleset();
    for (uint32_t i = 0; i < count; i++) {
        char text[16];
        snprintf(text, sizeof text, "m%u", i);
        must_add_rule(rules, MANY_ID + i, CKF_ACTION_DROP, text, false);
    }
    publish(filter, rules, 0);
}

static bool has_name(uint32_t id, uint64_t hits, void *all_named)
{
    (void)hits;
    *(bool *)all_named = id == FIRST_WORD_ID || (id >= MANY_ID && id < MANY_ID + MANY_RULES);
    return *(bool *)all_named;
}

static bool lists_only_named(void *filter)
{
    bool all_named = true;
    ckf_filter_for_each_rule(filter, has_name, &all_named);
    return all_named;
}

static void deny_folded(void *filter, const char *word)
{
    struct ckf_ruleset *rules = new_ruleset();
    must_add_rule(rules, FOLDED_ID, CKF_ACTION_DROP, word, true);
    publish(filter, rules, 0);
}

static bool deny_empty(void *filter)
{
    struct ckf_ruleset *rules = new_ruleset();
    bool refused = add_rule(rules, EMPTY_ID, CKF_ACTION_DROP, "", false) != CKF_OK;
    publish(filter, rules, 0);
    return !refused;
}

static void judge(void *filter, const char *const records[], bool dropped[], size_t count)
{
    struct ckf_record batch[BATCH] = {{NULL, 0}};
    struct ckf_verdict verdicts[BATCH];
    if (count > BATCH)
        abort(); /* the cases judge less */
    for (size_t i = 0; i < count; i++)
        batch[i] = (struct ckf_record){records[i], records[i] == NULL ? 0 : strlen(records[i])};
    ckf_filter_evaluate_many(filter, batch, verdicts, count);
    for (size_t i = 0; i < count; i++)
        dropped[i] = verdicts[i].action == CKF_ACTION_DROP;
}

struct wanted_rule {
    uint32_t id;
    uint64_t hits;
};

static bool pick_rule(uint32_t id, uint64_t hits, void *arg)
{
    struct wanted_rule *wanted = arg;
    if (id == wanted->id)
        wanted->hits = hits;
    return true;
}

static uint64_t hits(void *filter, unsigned word)
{
    struct wanted_rule wanted = {.id = FIRST_WORD_ID + word};
    ckf_filter_for_each_rule(filter, pick_rule, &wanted);
    return wanted.hits;
}

#define LIBRARY_FILTER(create_function, create_bounded_function)                                   \
    {                                                                                              \
        .create = (create_function), .create_bounded = (create_bounded_function),                  \
        .try_replace = try_replace, .retired = retired, .generation = generation,                  \
        .reload = reload, .reload_bad = reload_bad, .prepare_and_judge = prepare_and_judge,        \
        .deny_many = deny_many, .lists_only_named = lists_only_named, .destroy = destroy,          \
        .deny = deny, .republish = republish, .replace = replace, .deny_folded = deny_folded,      \
        .deny_empty = deny_empty, .judge = judge, .hits = hits                                     \
    }

const struct filter_operations mutex_filter = LIBRARY_FILTER(create_mutex, create_bounded_mutex);
const struct filter_operations atomic_filter = LIBRARY_FILTER(create_atomic, create_bounded_atomic);

const char *word_text(unsigned word)
{
    static const char *const texts[MOST_WORDS] = {"w0", "w1", "w2", "w3", "w4",
                                                  "w5", "w6", "w7", "w8", "w9"};
    return texts[word];
}

bool is_dropped(const struct filter_operations *operations, void *filter, const char *record)
{
    bool dropped;
    operations->judge(filter, &record, &dropped, 1);
    return dropped;
}
