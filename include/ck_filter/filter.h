/* ck_filter/filter.h - records against rules that are swapped under full load. */
#ifndef CKF_FILTER_H
#define CKF_FILTER_H

#include <ck_filter/ruleset.h>
#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_filter;

enum ckf_reason { CKF_REASON_RULE, CKF_REASON_DEFAULT, CKF_REASON_NULL_RECORD };
struct ckf_verdict {
    uint64_t generation;
    uint32_t rule_id;
    enum ckf_action action;
    enum ckf_reason reason;
};
struct ckf_record {
    const void *data;
    size_t len;
}; /* data NULL: a null record, never the same as empty */

struct ckf_filter_options {
    const char *name;
    enum ckf_variant variant;
    enum ckf_action default_action; /* no rule matched */
    enum ckf_action null_action;    /* null records */
    size_t max_retired_bytes;       /* 0: 256 MiB */
    size_t
        max_rule_ids; /* ids ever published, whose hits are kept; 0: 1 Mi; beyond it publish is CKF_BUSY */
    uint64_t reserved[4];
};
CKF_API enum ckf_status ckf_filter_create(
    struct ckf_filter **, const struct ckf_filter_options *); /* generation 1: no rules */
CKF_API void ckf_filter_destroy(struct ckf_filter *);
/* expected_generation 0: whatever is there. CKF_STALE sets *generation to the current one. The ruleset may be changed or
   destroyed as soon as this returns. */
CKF_API enum ckf_status ckf_filter_publish(struct ckf_filter *, const struct ckf_ruleset *,
                                           uint64_t expected_generation, uint64_t *generation);
CKF_API uint64_t ckf_filter_generation(const struct ckf_filter *);
CKF_API struct ckf_verdict ckf_filter_evaluate(struct ckf_filter *, struct ckf_record);
CKF_API void ckf_filter_evaluate_many(struct ckf_filter *, const struct ckf_record *,
                                      struct ckf_verdict *, size_t count);
typedef bool (*ckf_rule_visit)(uint32_t rule_id, uint64_t hits, void *arg);
CKF_API enum ckf_status ckf_filter_for_each_rule(struct ckf_filter *, ckf_rule_visit, void *arg);
struct ckf_filter_stats {
    uint64_t generation, evaluated, passed, dropped, null_records, retired_bytes, retired_snapshots;
    uint64_t reserved[8];
};
CKF_API void ckf_filter_read_stats(struct ckf_filter *, struct ckf_filter_stats *);

CKF_END_DECLS

#endif
