/* filter/automaton.h - many substrings in one pass: built once, then only read. */
#ifndef CKF_FILTER_AUTOMATON_H
#define CKF_FILTER_AUTOMATON_H

#include "filter/trie.h"

/* All zeros is an automaton without patterns. */
struct ckf_automaton {
    struct ckf_trie
        trie;       /* its ranks: lowest of all patterns that end there; its labels: classes */
    uint32_t *fail; /* by state: where its longest proper suffix leads */
    uint32_t *next; /* by state below `dense` and class: the state that follows, encoded */
    uint32_t dense; /* states that have a row in next */
    uint32_t dense_cells; /* dense * classes */
    uint32_t classes;
    uint32_t best;               /* the lowest rank there is */
    unsigned char class_of[256]; /* bytes that no pattern tells apart share a class */
};

/* ranks: count of them, sorted and unique (ckf_sort_patterns). False without memory. */
bool ckf_automaton_build(struct ckf_automaton *automaton, const struct ckf_pattern *patterns,
                         const uint32_t *ranks, uint32_t count, bool folds);
void ckf_automaton_destroy(struct ckf_automaton *automaton);
size_t ckf_automaton_bytes(const struct ckf_automaton *automaton);

/* The lowest rank whose pattern the data contains, if it is below limit; else limit. */
uint32_t ckf_automaton_find(const struct ckf_automaton *automaton, const unsigned char *data,
                            size_t len, uint32_t limit);

#endif
