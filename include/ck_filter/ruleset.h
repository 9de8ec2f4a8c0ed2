/* ck_filter/ruleset.h - rules that a filter can be given. */
#ifndef CKF_RULESET_H
#define CKF_RULESET_H

#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_ruleset;

enum ckf_match { CKF_MATCH_EXACT, CKF_MATCH_PREFIX, CKF_MATCH_SUFFIX, CKF_MATCH_SUBSTRING };
enum ckf_action { CKF_ACTION_PASS = 0, CKF_ACTION_DROP = 1 };
struct ckf_rule {
    uint32_t id;
    enum ckf_match match;
    enum ckf_action action;
    const void *pattern;
    size_t pattern_len;
    bool fold_ascii_case;
};
struct ckf_load_error {
    unsigned line, column;
    char message[120];
};
CKF_API enum ckf_status ckf_ruleset_create(
    struct ckf_ruleset **); /* a ruleset belongs to one thread at a time */
CKF_API void ckf_ruleset_destroy(struct ckf_ruleset *);
CKF_API enum ckf_status ckf_ruleset_add(
    struct ckf_ruleset *, const struct ckf_rule *); /* a second rule of an id: CKF_INVALID */
CKF_API enum ckf_status ckf_ruleset_load(struct ckf_ruleset *, const char *path,
                                         struct ckf_load_error *); /* all or nothing */

CKF_END_DECLS

#endif
