/* ck_filter/filter.h - records against rules that are swapped under full load.
 *
 * A filter holds one published ruleset at a time. Any thread evaluates records, any thread
 * publishes; nobody registers. Each verdict says which generation of the rules it comes from, and it
 * is exactly what that ruleset, whole, says to the record.
 *
 *     struct ckf_filter *filter;
 *     struct ckf_filter_options options = {.name = "deny", .default_action = CKF_ACTION_PASS};
 *     if (ckf_filter_create(&filter, &options) != CKF_OK) ...
 *     if (ckf_filter_publish(filter, rules, 0, NULL) != CKF_OK) ...
 *     struct ckf_verdict verdict = ckf_filter_evaluate(filter, (struct ckf_record){line, length});
 *     if (verdict.action == CKF_ACTION_DROP) ...
 *
 * Progress: in the ATOMIC variant an evaluation is wait-free: it takes time in proportion to the
 * record, allocates nothing, and is delayed neither by publishing nor by other evaluations (a
 * thread's first one makes the thread known, which may allocate and lock). In the MUTEX variant it
 * locks a mutex for a few instructions twice. In neither does publishing wait for evaluations: it
 * compiles outside all locks and waits for other publishers only.
 *
 * Memory order: what happened before a publish happens before every evaluation that sees its
 * generation. Of the generations, all threads agree on one order.
 *
 * A forked child may use the filters that it inherits: evaluations that the fork cut off in other
 * threads are counted there wholly or not at all.
 *
 * All functions but destroy may be called by any thread at any time, also from destructors of
 * thread-local data. None is a cancellation point, changes errno, or may be called by a signal handler.
 * A NULL filter aborts, but for destroy.
 */
#ifndef CKF_FILTER_H
#define CKF_FILTER_H

#include <ck_filter/ruleset.h>
#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_filter;

/* Why a verdict is what it is. */
enum ckf_reason {
    CKF_REASON_RULE,       /* rule_id spoke */
    CKF_REASON_DEFAULT,    /* no rule matched: the default action */
    CKF_REASON_NULL_RECORD /* there was no record: the action for those */
};

struct ckf_verdict {
    uint64_t generation; /* of the rules; it was current at some moment of the call */
    uint32_t rule_id;    /* 0 unless reason is CKF_REASON_RULE */
    enum ckf_action action;
    enum ckf_reason reason;
};

/* Bytes of the caller's, looked at during the call only. data NULL is a null record, whatever len
 * is, and never the same as an empty one, {"", 0}, which no rule matches. */
struct ckf_record {
    const void *data;
    size_t len; /* bytes */
};

/* All zeros, and NULL, are the defaults. */
struct ckf_filter_options {
    const char *name; /* copied; may be NULL */
    enum ckf_variant variant;
    enum ckf_action default_action; /* no rule matched */
    enum ckf_action null_action;    /* null records */
    size_t max_retired_bytes; /* of replaced rulesets that evaluations may still use; 0: 256 MiB */
    size_t max_rule_ids;      /* ids ever published, whose hits are kept; 0: 1 Mi */
    uint64_t reserved[4];     /* zero */
};

/* A filter of generation 1: no rules.
 *   CKF_OK         *filter is to be destroyed by the caller
 *   CKF_INVALID    an option is none; *filter is NULL
 *   CKF_NO_MEMORY  *filter is NULL */
CKF_API CKF_MUST_USE enum ckf_status ckf_filter_create(struct ckf_filter **filter,
                                                       const struct ckf_filter_options *options);

/* No call may be in progress or start any more. Waits for nothing: rulesets that were replaced a
 * moment ago are freed some milliseconds later, by a thread of the library. NULL is nothing. */
CKF_API void ckf_filter_destroy(struct ckf_filter *filter);

/* Makes a copy of the ruleset the current one, as the next generation. Compiled, it occupies at most
 * 6 MiB, 350 bytes a rule and 16 bytes for each byte of its patterns; compiling needs at most as much
 * again until it is done, and time in proportion, but for sorting the patterns. (What Hyperscan needs
 * comes on top; ckf_filter_read_compiled tells what a ruleset came to.) Any number of threads may
 * publish; each publish is based on the ruleset that it was given, so a thread that changes what is
 * there passes the generation that it started from and begins anew on CKF_STALE.
 * expected_generation 0: whatever is there. The ruleset may be changed or destroyed as soon as this
 * returns. generation may be NULL.
 *   CKF_OK         *generation is the new one: every evaluation that begins now sees it or a later one
 *   CKF_STALE      expected_generation is not current; *generation is set to the current one
 *   CKF_BUSY       replaced rulesets that evaluations may still use would exceed max_retired_bytes
 *                  (one is always allowed, however large; they go by themselves, some milliseconds
 *                  after the last evaluation that may use them), or ids would exceed max_rule_ids
 *   CKF_NO_MEMORY  or Hyperscan could not compile the rules: it does not tell these apart
 * After every status but CKF_OK the old ruleset goes on, and except for CKF_STALE *generation is
 * untouched. */
CKF_API CKF_MUST_USE enum ckf_status ckf_filter_publish(struct ckf_filter *filter,
                                                        const struct ckf_ruleset *ruleset,
                                                        uint64_t expected_generation,
                                                        uint64_t *generation);

/* The current one: 1, and 1 more with each publish. What a thread sees, here and in verdicts, never
 * goes backwards. */
CKF_API uint64_t ckf_filter_generation(const struct ckf_filter *filter);

/* The verdict on one record, counted once. */
CKF_API struct ckf_verdict ckf_filter_evaluate(struct ckf_filter *filter, struct ckf_record record);

/* The verdicts on count records, in order, all of one generation; cheaper than one by one. While it
 * runs it may hold up the freeing of replaced rulesets (never a publish). count 0 looks at nothing
 * else. */
CKF_API void ckf_filter_evaluate_many(struct ckf_filter *filter, const struct ckf_record *records,
                                      struct ckf_verdict *verdicts, size_t count);

/* false stops. */
typedef bool (*ckf_rule_visit)(uint32_t rule_id, uint64_t hits, void *arg);

/* Visits every rule id ever published, in order of first publication, with the number of records
 * that it decided since then; ids that are not in the current rules are among them, and so are hits
 * of 0. Exact when nobody evaluates. Ids that are published meanwhile may or may not be visited. The
 * visitor may call into the filter (not destroy). Returns CKF_OK, also when stopped. */
CKF_API enum ckf_status ckf_filter_for_each_rule(struct ckf_filter *filter, ckf_rule_visit visit,
                                                 void *arg);

struct ckf_filter_stats {
    uint64_t generation;
    uint64_t evaluated; /* passed + dropped, always; exact when nobody evaluates, and never less
                           than at an earlier look */
    uint64_t passed, dropped;
    uint64_t null_records;                     /* among them */
    uint64_t retired_bytes, retired_snapshots; /* replaced rulesets that are not freed yet */
    uint64_t reserved[8];
};

/* Takes time in proportion to the ids ever published. */
CKF_API void ckf_filter_read_stats(struct ckf_filter *filter, struct ckf_filter_stats *stats);

/* What the current ruleset became when it was compiled. */
struct ckf_compiled {
    uint64_t generation;
    uint64_t bytes;      /* that it occupies: what it adds to retired_bytes when it is replaced */
    uint64_t compile_ns; /* how long compiling took, by the clock */
    enum ckf_backend backend;                  /* of its substrings */
    uint64_t exact, prefix, suffix, substring; /* rules of that kind */
    /* Substring rules by how they are looked for: */
    uint64_t needles;   /* one by one */
    uint64_t teddy;     /* some tens of them, by vectors */
    uint64_t grams;     /* more of them, by hashes of some of their bytes */
    uint64_t hyperscan; /* by Hyperscan */
    uint64_t reserved[8];
};

CKF_API void ckf_filter_read_compiled(struct ckf_filter *filter, struct ckf_compiled *compiled);

CKF_END_DECLS

#endif
