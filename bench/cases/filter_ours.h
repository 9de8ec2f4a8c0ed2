/* filter_ours.h - ck_filter's filters as the bench's workloads see them: both variants' faces.
 *
 * In a header, so that each workload's loop has the calls inlined. A ruleset is built anew for each
 * our_publish, as it would be from a changed file.
 */
#ifndef CKF_BENCH_FILTER_OURS_H
#define CKF_BENCH_FILTER_OURS_H

#include <ck_filter/filter.h>

#include <time.h>

#include "cases/filter_bodies.h"

static struct ckf_ruleset *ruleset_of(const struct filter_corpus *corpus)
{
    struct ckf_ruleset *ruleset;
    if (ckf_ruleset_create(&ruleset) != CKF_OK)
        return NULL;
    for (size_t i = 0; i < corpus->pattern_count; i++) {
        struct ckf_rule rule = {.id = (uint32_t)(i + 1),
                                .match = corpus->match,
                                .action = CKF_ACTION_DROP,
                                .pattern = corpus->patterns[i].data,
                                .pattern_len = corpus->patterns[i].len};
        if (ckf_ruleset_add(ruleset, &rule) != CKF_OK) {
            ckf_ruleset_destroy(ruleset);
            return NULL;
        }
    }
    return ruleset;
}

static bool our_publish_on(struct ckf_filter *filter, const struct filter_corpus *corpus,
                           enum ckf_backend backend)
{
    struct ckf_ruleset *ruleset = ruleset_of(corpus);
    if (ruleset == NULL)
        return false;
    const struct timespec pause = {0, 1000000};
    uint64_t generation;
    enum ckf_status status = ckf_ruleset_set_backend(ruleset, backend);
    if (status == CKF_OK)
        while ((status = ckf_filter_publish(filter, ruleset, 0, &generation)) == CKF_BUSY)
            nanosleep(&pause,
                      NULL); /* evaluations may still use the rules before: others wait always */
    ckf_ruleset_destroy(ruleset);
    return status == CKF_OK;
}

static bool our_publish(void *filter, const struct filter_corpus *corpus)
{
    return our_publish_on(filter, corpus, CKF_BACKEND_OWN);
}

static void *our_create_on(const struct filter_corpus *corpus, enum ckf_variant variant,
                           enum ckf_backend backend)
{
    struct ckf_filter *filter;
    struct ckf_filter_options options = {.variant = variant};
    if (ckf_filter_create(&filter, &options) != CKF_OK)
        return NULL;
    if (our_publish_on(filter, corpus, backend))
        return filter;
    ckf_filter_destroy(filter);
    return NULL;
}

static void *our_create_atomic(const struct filter_corpus *corpus)
{
    return our_create_on(corpus, CKF_VARIANT_ATOMIC, CKF_BACKEND_OWN);
}

static void *our_create_mutex(const struct filter_corpus *corpus)
{
    return our_create_on(corpus, CKF_VARIANT_MUTEX, CKF_BACKEND_OWN);
}

static void our_destroy(void *filter)
{
    ckf_filter_destroy(filter);
}

static bool our_evaluate(void *filter, struct ckf_record record)
{
    return ckf_filter_evaluate(filter, record).action == CKF_ACTION_DROP;
}

static size_t our_evaluate_many(void *filter, const struct ckf_record *records, size_t count)
{
    struct ckf_verdict verdicts[FILTER_BATCH];
    size_t dropped = 0;
    ckf_filter_evaluate_many(filter, records, verdicts, count);
    for (size_t i = 0; i < count; i++)
        dropped += verdicts[i].action == CKF_ACTION_DROP;
    return dropped;
}

static void our_counts(void *filter, uint64_t *evaluated, uint64_t *dropped)
{
    struct ckf_filter_stats stats;
    ckf_filter_read_stats(filter, &stats);
    *evaluated = stats.evaluated;
    *dropped = stats.dropped;
}

#define CKF_FACE(maker)                                                                            \
    {                                                                                              \
        .create = maker, .destroy = our_destroy, .evaluate = our_evaluate,                         \
        .evaluate_many = our_evaluate_many, .publish = our_publish, .counts = our_counts           \
    }

static const struct filter_face atomic_face = CKF_FACE(our_create_atomic);
static const struct filter_face mutex_face = CKF_FACE(our_create_mutex);

#endif
