/* filter/trie.h - a tree over the bytes of sorted patterns: built once, then only read.
 *
 * Nodes are numbered breadth first, so the children of a node are neighbours and a node needs to
 * know the first of them only. Used as it is for prefixes and (back to front) suffixes, where a
 * node that only one pattern reaches is a leaf and the rest of that pattern is compared at once; and
 * without such leaves as the skeleton of the substring automaton.
 */
#ifndef CKF_FILTER_TRIE_H
#define CKF_FILTER_TRIE_H

#include "filter/pattern.h"

/* All zeros is a trie without patterns. */
struct ckf_trie {
    const struct ckf_pattern *patterns; /* by rank; not its own */
    uint32_t nodes;                     /* 0: no patterns */
    uint32_t *first_child;              /* nodes + 1: those of n end where those of n + 1 begin */
    uint32_t *rank;       /* of the pattern that ends here or, in a leaf, passes here */
    unsigned char *label; /* the byte that leads here; sorted among siblings */
};

enum ckf_trie_shape { CKF_TRIE_LEAVES, CKF_TRIE_FULL };

/* ranks: count of them, sorted and unique (ckf_sort_patterns). False without memory. */
bool ckf_trie_build(struct ckf_trie *trie, const struct ckf_pattern *patterns,
                    const uint32_t *ranks, uint32_t count, enum ckf_trie_shape shape);
void ckf_trie_destroy(struct ckf_trie *trie);
size_t ckf_trie_bytes(const struct ckf_trie *trie);

/* The lowest rank whose pattern begins (ends, with `backwards`) the data, folded if the patterns
 * are; CKF_NO_RANK if none does. Takes time in proportion to the data at most. */
uint32_t ckf_trie_find(const struct ckf_trie *trie, const unsigned char *data, size_t len,
                       bool folds, bool backwards);

#endif
