/* filter/snapshot.c - compiling a ruleset into a snapshot, and its end.
 *
 * A snapshot refers to nothing of the ruleset. It is written until it is published and then only
 * read (but for the three fields at its end), until it was replaced and its last reader has gone.
 */
#include "filter/snapshot.h"

#include "base/clock.h"
#include "base/memory.h"

/* Fills in all of it, or fails and leaves at most outcomes to be freed. */
static bool compile(struct ckf_snapshot *snapshot, const struct ckf_ruleset *ruleset,
                    const struct ckf_fold_key *key)
{
    uint32_t *order = ckf_alloc_array_untouched(ruleset->count, sizeof *order);
    snapshot->outcomes = ckf_alloc_array_untouched(ruleset->count, sizeof *snapshot->outcomes);
    bool compiled = order != NULL && snapshot->outcomes != NULL &&
                    ckf_matcher_compile(&snapshot->matcher, ruleset, key, order);
    for (size_t rank = 0; compiled && rank < ruleset->count; rank++) {
        const struct ckf_stored_rule *rule = &ruleset->rules[order[rank]];
        snapshot->outcomes[rank] =
            (struct ckf_outcome){.id = rule->id, .action = rule->action, .reason = CKF_REASON_RULE};
    }
    ckf_free(order);
    return compiled;
}

struct ckf_snapshot *ckf_snapshot_create(struct ckf_filter *filter,
                                         const struct ckf_ruleset *ruleset,
                                         const struct ckf_fold_key *key)
{
    int64_t since_ns = ckf_now_ns();
    struct ckf_snapshot *snapshot = ckf_alloc(sizeof *snapshot);
    if (snapshot == NULL)
        return NULL;
    snapshot->filter = filter;
    snapshot->backend = ruleset != NULL ? ruleset->backend : CKF_BACKEND_OWN;
    if (ruleset != NULL && !compile(snapshot, ruleset, key)) {
        ckf_free(snapshot->outcomes);
        ckf_free(snapshot);
        return NULL;
    }
    snapshot->bytes = sizeof *snapshot + ckf_matcher_bytes(&snapshot->matcher) +
                      snapshot->matcher.count * sizeof *snapshot->outcomes;
    snapshot->compile_ns = ckf_now_ns() - since_ns;
    return snapshot;
}

void ckf_snapshot_destroy(struct ckf_snapshot *snapshot)
{
    ckf_matcher_destroy(&snapshot->matcher);
    ckf_free(snapshot->outcomes);
    ckf_free(snapshot);
}

void ckf_snapshot_describe(const struct ckf_snapshot *snapshot, struct ckf_compiled *compiled)
{
    *compiled = (struct ckf_compiled){.generation = snapshot->generation,
                                      .bytes = snapshot->bytes,
                                      .compile_ns = (uint64_t)snapshot->compile_ns,
                                      .backend = snapshot->backend};
    ckf_matcher_describe(&snapshot->matcher, compiled);
}

void ckf_snapshot_settle(struct ckf_snapshot *snapshot)
{
    ckf_matcher_settle(&snapshot->matcher, snapshot->outcomes);
}

static const struct ckf_exact_block *find_folded(const struct ckf_exact *set,
                                                 const struct ckf_exact_look *look,
                                                 struct ckf_record record)
{
    struct ckf_exact_look own;
    if (look == NULL) {
        own = ckf_exact_look(set, record.data, record.len, true);
        look = &own;
    }
    return ckf_exact_find(set, *look, record.data, record.len, true);
}

const struct ckf_outcome *ckf_snapshot_find_more(const struct ckf_snapshot *snapshot,
                                                 const struct ckf_exact_block *block,
                                                 const struct ckf_exact_look *folded,
                                                 struct ckf_record record)
{
    const struct ckf_matcher *matcher = &snapshot->matcher;
    const struct ckf_exact_block *other = find_folded(&matcher->exact[1], folded, record);
    if (other != NULL && (block == NULL || other->rank < block->rank))
        block = other;
    if (block != NULL)
        return &block->outcome;
    uint32_t rank = CKF_NO_RANK;
    if (matcher->has_others)
        rank = ckf_matcher_find_other(matcher, record.data, record.len);
    return rank != CKF_NO_RANK ? &snapshot->outcomes[rank] : NULL;
}
