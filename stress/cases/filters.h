/* stress/cases/filters.h - what the filter cases ask of a filter, and the library's two answers.
 *
 * Rules deny words: word n is "w<n>". A racy twin fills in what its case uses.
 */
#ifndef STRESS_CASES_FILTERS_H
#define STRESS_CASES_FILTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_WORDS = 10 /* words 0 .. 9 */, MANY_RULES = 64 };

struct filter_operations {
    void *(*create)(void);
    void (*destroy)(void *filter);
    /* Adds "deny word n" to whatever rules there are; without memory it does not, and no generation begins. */
    void (*deny)(void *filter, unsigned word);
    /* Replaces all rules: "deny word 0" and "deny word n". */
    void (*republish)(void *filter, unsigned word);
    /* Replaces all rules: "deny a, pass b", or flipped "pass a, deny b". */
    void (*replace)(void *filter, bool flipped);
    /* Adds "deny this word, whatever its case". */
    void (*deny_folded)(void *filter, const char *word);
    /* Adds a rule with an empty pattern; false if the filter refuses it. */
    bool (*deny_empty)(void *filter);
    /* Judges records together; a NULL record is a null record. */
    void (*judge)(void *filter, const char *const records[], bool dropped[], size_t count);
    /* A filter in which one replaced ruleset may wait for readers, and no more. */
    void *(*create_bounded)(void);
    /* As replace, but may refuse at the bound. */
    void (*try_replace)(void *filter, bool flipped);
    /* Replaced rulesets that wait for readers. */
    uint64_t (*retired)(void *filter);
    uint64_t (*generation)(void *filter);
    /* Reads the configuration (the word to deny) and makes it the rules. */
    void (*reload)(void *filter, unsigned (*configuration)(void *arg), void *arg);
    /* The same with a configuration that is bad in its second rule. */
    void (*reload_bad)(void *filter);
    /* NULL, or: waits until a reader has used the rules; false: it gave up. */
    bool (*wait_until_used)(void *filter);
    /* Writes 1 to *prepared and has the record judged, as one of a batch or by itself. */
    void (*prepare_and_judge)(void *filter, int *prepared, const char *record, bool batch);
    /* Replaces all rules by so many, MANY_RULES at the most. */
    void (*deny_many)(void *filter, uint32_t rules);
    /* False if a rule is listed that has no id. */
    bool (*lists_only_named)(void *filter);
    /* How many records the rule on word n has dropped. */
    uint64_t (*hits)(void *filter, unsigned word);
};

extern const struct filter_operations mutex_filter, atomic_filter;

/* "w3" for 3; good until the next program. */
const char *word_text(unsigned word);

/* Judges one record by itself. */
bool is_dropped(const struct filter_operations *operations, void *filter, const char *record);

#endif
