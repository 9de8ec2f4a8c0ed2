/* stress/cases/filters.h - what the filter cases ask of a filter, and the library's two answers.
 *
 * Rules deny words: word n is "w<n>". A racy twin fills in what its case uses.
 */
#ifndef STRESS_CASES_FILTERS_H
#define STRESS_CASES_FILTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_WORDS = 10 }; /* words 0 .. 9 */

struct filter_operations {
    void *(*create)(void);
    void (*destroy)(void *filter);
    /* Adds "deny word n" to whatever rules there are. */
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
    /* How many records the rule on word n has dropped. */
    uint64_t (*hits)(void *filter, unsigned word);
};

extern const struct filter_operations mutex_filter, atomic_filter;

/* "w3" for 3; good until the next program. */
const char *word_text(unsigned word);

/* Judges one record by itself. */
bool is_dropped(const struct filter_operations *operations, void *filter, const char *record);

#endif
