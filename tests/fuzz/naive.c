/* fuzz/naive.c - holding the filter against the naive matcher. */
#include "naive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void finding(const char *sentence)
{
    fprintf(stderr, "finding: %s\n", sentence);
    abort();
}

/* The MUTEX variant frees what it replaces at once; the matchers are those of both. */
struct ckf_filter *filter_of(const struct ckf_ruleset *ruleset)
{
    struct ckf_filter *filter;
    struct ckf_filter_options options = {.variant = CKF_VARIANT_MUTEX};
    if (ckf_filter_create(&filter, &options) != CKF_OK ||
        ckf_filter_publish(filter, ruleset, 0, NULL) != CKF_OK)
        finding("a ruleset that was accepted cannot be published");
    return filter;
}

void check_verdict(struct ckf_filter *filter, const struct ckf_rule *rules, size_t count,
                   const void *data, size_t len)
{
    /* A copy of its own, so that AddressSanitizer sees who reads beyond the record. */
    unsigned char *record = malloc(len > 0 ? len : 1);
    if (record == NULL)
        abort();
    if (len > 0)
        memcpy(record, data, len);
    struct ckf_verdict verdict = ckf_filter_evaluate(filter, (struct ckf_record){record, len});
    const struct ckf_rule *rule = naive_find(rules, count, record, len);
    if (verdict.rule_id != (rule != NULL ? rule->id : 0))
        finding("another rule speaks than naively");
    if (verdict.action != (rule != NULL ? rule->action : CKF_ACTION_PASS))
        finding("the right rule speaks with the wrong action");
    if (verdict.reason != (rule != NULL ? CKF_REASON_RULE : CKF_REASON_DEFAULT))
        finding("the right rule speaks for the wrong reason");
    free(record);
}
