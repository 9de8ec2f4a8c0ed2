/* ck_filter/ruleset.h - rules that a filter can be given.
 *
 * A ruleset is a builder: add rules or load them from files, then publish the whole to any number
 * of filters (<ck_filter/filter.h>). Publishing copies, so a ruleset can be changed, published again
 * or destroyed at any time. It belongs to one thread at a time.
 *
 *     struct ckf_ruleset *rules;
 *     if (ckf_ruleset_create(&rules) != CKF_OK) ...
 *     struct ckf_rule rule = {.id = 7, .match = CKF_MATCH_PREFIX, .action = CKF_ACTION_DROP,
 *                             .pattern = "debug:", .pattern_len = 6};
 *     if (ckf_ruleset_add(rules, &rule) != CKF_OK) ...
 *
 * Which rule speaks when several match: exact before prefix before suffix before substring; within
 * a kind the longest pattern; then the lowest id. Whether a rule folds case plays no part in that.
 *
 * No function is a cancellation point or changes errno. A NULL ruleset or rule aborts, but for destroy.
 */
#ifndef CKF_RULESET_H
#define CKF_RULESET_H

#include <ck_filter/status.h>

CKF_BEGIN_DECLS

struct ckf_ruleset;

/* How a pattern is held against a record. */
enum ckf_match {
    CKF_MATCH_EXACT,    /* the record is the pattern */
    CKF_MATCH_PREFIX,   /* it begins with it */
    CKF_MATCH_SUFFIX,   /* it ends with it */
    CKF_MATCH_SUBSTRING /* it contains it */
};

enum ckf_action { CKF_ACTION_PASS = 0, CKF_ACTION_DROP = 1 };

struct ckf_rule {
    uint32_t id; /* 1 to 2^32 - 1: names the rule in verdicts, and owns its hits for good */
    enum ckf_match match;
    enum ckf_action action;
    const void *pattern;  /* any bytes, NULs allowed; copied */
    size_t pattern_len;   /* bytes, at least 1: nothing matches everything by accident */
    bool fold_ascii_case; /* A to Z equal a to z, in pattern and record; other bytes stand for
                             themselves, and the locale is never asked */
};

/* What looks for substrings. Verdicts do not depend on it. */
enum ckf_backend {
    CKF_BACKEND_OWN = 0,      /* the library's own matchers */
    CKF_BACKEND_HYPERSCAN = 1 /* Hyperscan, or Vectorscan, if the library was built with it */
};

/* What is wrong with a rules file, and where. */
struct ckf_load_error {
    unsigned line;     /* from 1; 0: not in a line (the file could not be opened or read) */
    unsigned column;   /* from 1, in bytes, a tab counts one; a byte order mark does not count */
    char message[120]; /* without line and column; UTF-8 free of control characters */
};

/* An empty ruleset.
 *   CKF_OK         *ruleset is to be destroyed by the caller
 *   CKF_NO_MEMORY  *ruleset is NULL */
CKF_API CKF_MUST_USE enum ckf_status ckf_ruleset_create(struct ckf_ruleset **ruleset);

/* Filters that it was published to are not affected. NULL is nothing. */
CKF_API void ckf_ruleset_destroy(struct ckf_ruleset *ruleset);

/* Adds a copy of a rule. Two rules with one pattern are fine: the lower id speaks.
 *   CKF_OK
 *   CKF_INVALID    id 0 or one that the ruleset has; an empty or NULL pattern; a match or an action
 *                  that is none: nothing was added
 *   CKF_NO_MEMORY  nothing was added */
CKF_API CKF_MUST_USE enum ckf_status ckf_ruleset_add(struct ckf_ruleset *ruleset,
                                                     const struct ckf_rule *rule);

/* Adds all rules of a file, or none. One rule a line:
 *
 *     ID pass|drop exact|prefix|suffix|substring[/i] PATTERN
 *
 * Fields are parted by blanks (spaces and tabs), which may also stand before the id. ID is decimal.
 * "/i" folds ASCII case. The pattern is the rest of the line, blanks at its end included; in it
 * \\ is a backslash, \n a line feed, \t a tab, \r a carriage return, \s a space (for one at the
 * start) and \xHH the byte of that hexadecimal number. A line that starts with # is a comment;
 * lines of blanks are nothing; lines may end in CRLF, and the last one need not end. A UTF-8 byte
 * order mark at the start of the file is skipped. Bytes from 0x80 up stand for themselves. Control
 * bytes other than tab are errors, in comments too, and so is a CR without its LF.
 *
 * The place of an error is the start of the field that is wrong, the backslash of the escape, the
 * control byte, or the end of the line where something is missing.
 *
 * The path is opened and read to its end; a pipe will do. *error may be NULL; otherwise it is
 * always written (all zero after CKF_OK).
 *   CKF_OK
 *   CKF_INVALID    something in the file is wrong, an id is taken, or path is NULL
 *   CKF_IO         it cannot be opened or read; the reason is in the message
 *   CKF_NO_MEMORY
 * After every status but CKF_OK the ruleset is as it was. */
CKF_API CKF_MUST_USE enum ckf_status ckf_ruleset_load(struct ckf_ruleset *ruleset, const char *path,
                                                      struct ckf_load_error *error);

/* Has substrings looked for by that back end, in filters to which the ruleset is published from now on;
 * a fresh ruleset has CKF_BACKEND_OWN. Rulesets of one filter may differ in it. Hyperscan takes its
 * memory from an allocator of its own, which is the program's to choose (hs_set_allocator), and decides
 * alone how much of it and of time its compiler needs. Patterns of more than 8000 bytes, and records of
 * 4 GiB and more, are a matter of the library's matchers all the same.
 *   CKF_OK
 *   CKF_INVALID      it is none
 *   CKF_UNSUPPORTED  the library was built without it (-Dhyperscan=enabled), or this processor cannot run
 *                    it: nothing was changed */
CKF_API CKF_MUST_USE enum ckf_status ckf_ruleset_set_backend(struct ckf_ruleset *ruleset,
                                                             enum ckf_backend backend);

CKF_END_DECLS

#endif
