/* filter/ruleset.c - the builder: rules in the order they came, patterns in one block of bytes.
 *
 * Roles:     one thread at a time builds or reads it; publishing only reads.
 * Invariant: bytes below `used` belong to rules; what lies above is room, which a caller may fill
 *            before it commits a rule. No id stands there twice. While ids ascend, the rules are in order
 *            of id and need no index; the first that is out of order makes one of all.
 * Failure:   room is made first, and only then is anything changed, so a failed call leaves the
 *            rules as they were.
 */
#include "filter/rules.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "filter/hyperscan.h"

enum { MIN_RULES = 16, MIN_BYTES = 256 };

enum ckf_status ckf_ruleset_create(struct ckf_ruleset **ruleset)
{
    CKF_REQUIRE(ruleset != NULL, "needs a place for the ruleset");
    *ruleset = ckf_alloc(sizeof **ruleset);
    return *ruleset == NULL ? CKF_NO_MEMORY : CKF_OK;
}

void ckf_ruleset_destroy(struct ckf_ruleset *ruleset)
{
    if (ruleset == NULL)
        return;
    ckf_free(ruleset->rules);
    ckf_free(ruleset->bytes);
    ckf_id_index_destroy(&ruleset->ids);
    ckf_free(ruleset);
}

/* A larger copy of a block: at least `wanted` items, twice the old size if that is more. NULL
 * without memory; the old block is freed only on success. */
static void *grow(void *block, size_t in_use, size_t *capacity, size_t wanted, size_t size)
{
    size_t larger = *capacity > SIZE_MAX / 2 ? SIZE_MAX : *capacity * 2;
    if (larger < wanted)
        larger = wanted;
    void *copy = ckf_alloc_array_untouched(larger, size);
    if (copy == NULL)
        return NULL;
    if (in_use > 0)
        memcpy(copy, block, in_use * size);
    ckf_free(block);
    *capacity = larger;
    return copy;
}

bool ckf_ruleset_reserve_bytes(struct ckf_ruleset *ruleset, size_t more)
{
    if (more <= ruleset->room - ruleset->used)
        return true;
    if (more > SIZE_MAX - ruleset->used)
        return false;
    size_t wanted = ruleset->used + more;
    /* The whole block is copied: what lies above `used` may be a pattern in the making. */
    unsigned char *bytes = grow(ruleset->bytes, ruleset->room, &ruleset->room,
                                wanted < MIN_BYTES ? MIN_BYTES : wanted, 1);
    if (bytes == NULL)
        return false;
    ruleset->bytes = bytes;
    return true;
}

bool ckf_ruleset_find_id(const struct ckf_ruleset *ruleset, uint32_t id, size_t *place)
{
    uint32_t found = 0;
    if (ruleset->is_indexed) {
        bool is_there = ckf_id_index_find(&ruleset->ids, id, &found);
        *place = found;
        return is_there;
    }
    size_t low = 0, high = ruleset->count;
    if (high > 0 && ruleset->rules[high - 1].id < id)
        return false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ruleset->rules[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low;
    return low < ruleset->count && ruleset->rules[low].id == id;
}

static void index_ids(struct ckf_ruleset *ruleset)
{
    for (size_t i = 0; i < ruleset->count; i++)
        ckf_id_index_insert(&ruleset->ids, ruleset->rules[i].id, (uint32_t)i);
}

/* For one that is not there yet. */
static bool reserve_id(struct ckf_ruleset *ruleset, uint32_t id)
{
    if (ruleset->is_indexed)
        return ckf_id_index_reserve(&ruleset->ids, 1);
    if (ruleset->count == 0 || ruleset->rules[ruleset->count - 1].id < id)
        return true;
    if (!ckf_id_index_reserve(&ruleset->ids, ruleset->count + 1))
        return false;
    index_ids(ruleset);
    ruleset->is_indexed = true;
    return true;
}

static bool reserve_rule(struct ckf_ruleset *ruleset)
{
    if (ruleset->count == ruleset->capacity) {
        size_t wanted = ruleset->count < MIN_RULES ? MIN_RULES : ruleset->count + 1;
        struct ckf_stored_rule *rules = grow(ruleset->rules, ruleset->count, &ruleset->capacity,
                                             wanted, sizeof *ruleset->rules);
        if (rules == NULL)
            return false;
        ruleset->rules = rules;
    }
    return true;
}

static bool is_valid(const struct ckf_ruleset *ruleset, const struct ckf_rule *rule)
{
    size_t place;
    return rule->id != 0 && rule->pattern_len != 0 &&
           (unsigned)rule->match <= CKF_MATCH_SUBSTRING &&
           (unsigned)rule->action <= CKF_ACTION_DROP &&
           !ckf_ruleset_find_id(ruleset, rule->id, &place);
}

/* The bytes are there, and the rule is valid. */
static enum ckf_status append(struct ckf_ruleset *ruleset, const struct ckf_rule *rule,
                              unsigned line)
{
    if (!reserve_rule(ruleset) || !reserve_id(ruleset, rule->id))
        return CKF_NO_MEMORY;
    if (ruleset->is_indexed)
        ckf_id_index_insert(&ruleset->ids, rule->id, (uint32_t)ruleset->count);
    ruleset->rules[ruleset->count++] = (struct ckf_stored_rule){
        .offset = ruleset->used,
        .len = rule->pattern_len,
        .id = rule->id,
        .line = line,
        .match = (uint8_t)rule->match,
        .action = (uint8_t)rule->action,
        .fold_ascii_case = rule->fold_ascii_case,
    };
    ruleset->used += rule->pattern_len;
    return CKF_OK;
}

enum ckf_status ckf_ruleset_commit(struct ckf_ruleset *ruleset, const struct ckf_rule *rule,
                                   unsigned line)
{
    return is_valid(ruleset, rule) ? append(ruleset, rule, line) : CKF_INVALID;
}

enum ckf_status ckf_ruleset_add(struct ckf_ruleset *ruleset, const struct ckf_rule *rule)
{
    CKF_REQUIRE(ruleset != NULL, "needs a ruleset");
    CKF_REQUIRE(rule != NULL, "needs a rule");
    if (rule->pattern == NULL || !is_valid(ruleset, rule))
        return CKF_INVALID;
    if (!ckf_ruleset_reserve_bytes(ruleset, rule->pattern_len))
        return CKF_NO_MEMORY;
    memcpy(ruleset->bytes + ruleset->used, rule->pattern, rule->pattern_len);
    return append(ruleset, rule, 0);
}

enum ckf_status ckf_ruleset_set_backend(struct ckf_ruleset *ruleset, enum ckf_backend backend)
{
    CKF_REQUIRE(ruleset != NULL, "needs a ruleset");
    if ((unsigned)backend > CKF_BACKEND_HYPERSCAN)
        return CKF_INVALID;
    if (backend == CKF_BACKEND_HYPERSCAN && !ckf_hyperscan_is_there())
        return CKF_UNSUPPORTED;
    ruleset->backend = backend;
    return CKF_OK;
}

void ckf_ruleset_truncate(struct ckf_ruleset *ruleset, size_t count, size_t used)
{
    ruleset->count = count;
    ruleset->used = used;
    ckf_id_index_clear(&ruleset->ids);
    if (ruleset->is_indexed)
        index_ids(ruleset);
}
