/* filter/snapshot.c - compiling a ruleset into a snapshot, and its end.
 *
 * A snapshot refers to nothing of the ruleset. It is written until it is published and then only
 * read (but for the three fields at its end), until it was replaced and its last reader has gone.
 */
#include "filter/snapshot.h"

#include "base/memory.h"

/* Fills in all of it, or fails and leaves at most outcomes to be freed. */
static bool compile(struct ckf_snapshot *snapshot, const struct ckf_ruleset *ruleset)
{
    uint32_t *order = ckf_alloc_array(ruleset->count, sizeof *order);
    snapshot->outcomes = ckf_alloc_array(ruleset->count, sizeof *snapshot->outcomes);
    bool compiled = order != NULL && snapshot->outcomes != NULL &&
                    ckf_matcher_compile(&snapshot->matcher, ruleset, order);
    for (size_t rank = 0; compiled && rank < ruleset->count; rank++) {
        const struct ckf_stored_rule *rule = &ruleset->rules[order[rank]];
        snapshot->outcomes[rank] = (struct ckf_outcome){.id = rule->id, .action = rule->action};
    }
    ckf_free(order);
    return compiled;
}

struct ckf_snapshot *ckf_snapshot_create(struct ckf_filter *filter,
                                         const struct ckf_ruleset *ruleset)
{
    struct ckf_snapshot *snapshot = ckf_alloc(sizeof *snapshot);
    if (snapshot == NULL)
        return NULL;
    snapshot->filter = filter;
    if (ruleset != NULL && !compile(snapshot, ruleset)) {
        ckf_free(snapshot->outcomes);
        ckf_free(snapshot);
        return NULL;
    }
    snapshot->bytes = sizeof *snapshot + ckf_matcher_bytes(&snapshot->matcher) +
                      snapshot->matcher.count * sizeof *snapshot->outcomes;
    return snapshot;
}

void ckf_snapshot_destroy(struct ckf_snapshot *snapshot)
{
    ckf_matcher_destroy(&snapshot->matcher);
    ckf_free(snapshot->outcomes);
    ckf_free(snapshot);
}
