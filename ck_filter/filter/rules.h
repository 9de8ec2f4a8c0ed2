/* filter/rules.h - a ruleset as the compiler of matchers and the reader of rules files see it. */
#ifndef CKF_FILTER_RULES_H
#define CKF_FILTER_RULES_H

#include <ck_filter/ruleset.h>

#include "filter/id_index.h"

struct ckf_stored_rule {
    size_t offset; /* of the pattern in the ruleset's bytes */
    size_t len;    /* bytes, at least 1 */
    uint32_t id;
    unsigned line; /* of the rules file it came from; 0: it was added */
    uint8_t match, action;
    bool fold_ascii_case;
};

struct ckf_ruleset {
    struct ckf_stored_rule *rules;
    size_t count, capacity;
    unsigned char *bytes; /* the patterns, one after the other */
    size_t used, room;
    struct ckf_id_index ids; /* id -> place in rules, */
    bool is_indexed;         /* unless ids have only ascended */
    enum ckf_backend backend;
};

/* Where the rule of that id stands, or false. */
bool ckf_ruleset_find_id(const struct ckf_ruleset *ruleset, uint32_t id, size_t *place);

/* Room for `more` bytes after those in use. False without memory; nothing changed then. */
bool ckf_ruleset_reserve_bytes(struct ckf_ruleset *ruleset, size_t more);

/* Takes the next rule->pattern_len bytes of the ruleset, already written there, as the pattern of
 * *rule. Statuses of ckf_ruleset_add. */
enum ckf_status ckf_ruleset_commit(struct ckf_ruleset *ruleset, const struct ckf_rule *rule,
                                   unsigned line);

/* Takes back all rules but the first `count`, whose patterns use the first `used` bytes. */
void ckf_ruleset_truncate(struct ckf_ruleset *ruleset, size_t count, size_t used);

#endif
