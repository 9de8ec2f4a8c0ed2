/* filter/automaton.c - Aho, Corasick, "Efficient string matching", CACM 18(6), 1975.
 *
 * States are the nodes of a trie over all patterns, numbered breadth first. The first of them, which
 * are the ones near the root where records spend their time, have a row that names the following
 * state for every class of bytes; the rest follow their children and failure links. How many rows
 * there are is bounded by DENSE_BYTES, so memory stays near 13 bytes a pattern byte plus that.
 *
 * A state is held encoded, so that the loop over a record neither multiplies nor looks up what
 * matches at each step: where its row begins, or dense_cells and more for one without a row; and a
 * bit that says whether any pattern ends there.
 */
#include "filter/automaton.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "filter/fold.h"

enum { DENSE_BYTES = 2 << 20 };

#define MATCHES    (UINT32_C(1) << 31)
#define MAX_STATES (UINT32_C(1) << 30)

static inline uint32_t encode(const struct ckf_automaton *a, uint32_t state)
{
    uint32_t place = state < a->dense ? state * a->classes : a->dense_cells + (state - a->dense);
    return place | (a->trie.rank[state] != CKF_NO_RANK ? MATCHES : 0);
}

static inline uint32_t decode(const struct ckf_automaton *a, uint32_t encoded)
{
    uint32_t place = encoded & ~MATCHES;
    return place < a->dense_cells ? place / a->classes : a->dense + (place - a->dense_cells);
}

static inline uint32_t child_of(const struct ckf_trie *trie, uint32_t state, unsigned char class)
{
    uint32_t first = trie->first_child[state], end = trie->first_child[state + 1];
    for (uint32_t child = first; child < end; child++)
        if (trie->label[child] == class)
            return child;
    return 0;
}

/* The encoded state that follows one without a row. */
static uint32_t follow(const struct ckf_automaton *a, uint32_t state, unsigned char class)
{
    while (state >= a->dense) {
        uint32_t child = child_of(&a->trie, state, class);
        if (child != 0)
            return encode(a, child);
        state = a->fail[state];
    }
    return a->next[state * a->classes + class];
}

static void classify(struct ckf_automaton *a, bool folds)
{
    bool used[256] = {false};
    unsigned distinct = 0;
    for (uint32_t node = 1; node < a->trie.nodes; node++)
        used[a->trie.label[node]] = true;
    for (unsigned byte = 0; byte < 256; byte++)
        distinct += used[byte];
    unsigned class = distinct < 256; /* class 0: all bytes that no pattern has */
    for (unsigned byte = 0; byte < 256; byte++)
        a->class_of[byte] = (unsigned char)(used[byte] ? class ++ : 0);
    for (unsigned byte = 'A'; folds && byte <= 'Z'; byte++)
        a->class_of[byte] = a->class_of[ckf_fold_byte((unsigned char)byte)];
    a->classes = class;
    for (uint32_t node = 1; node < a->trie.nodes; node++)
        a->trie.label[node] = a->class_of[a->trie.label[node]];
}

static bool allocate(struct ckf_automaton *a)
{
    uint32_t rows = DENSE_BYTES / (a->classes * (uint32_t)sizeof *a->next);
    a->dense = a->trie.nodes < rows ? a->trie.nodes : rows;
    a->dense_cells = a->dense * a->classes;
    a->fail = ckf_alloc_array(a->trie.nodes, sizeof *a->fail);
    a->next = ckf_alloc_array(a->dense_cells, sizeof *a->next);
    return a->fail != NULL && a->next != NULL;
}

/* Links one state's children, whose suffixes are all shorter and therefore done. */
static void link_children(struct ckf_automaton *a, uint32_t state)
{
    struct ckf_trie *trie = &a->trie;
    for (uint32_t child = trie->first_child[state]; child < trie->first_child[state + 1]; child++) {
        uint32_t suffix = 0;
        if (state != 0)
            suffix = decode(a, follow(a, a->fail[state], trie->label[child]));
        a->fail[child] = suffix;
        trie->rank[child] = ckf_lower_rank(trie->rank[child], trie->rank[suffix]);
    }
}

/* A row is that of the failure state, except where the state has a child of its own. */
static void fill_row(struct ckf_automaton *a, uint32_t state)
{
    uint32_t *row = a->next + (size_t)state * a->classes;
    if (state != 0)
        memcpy(row, a->next + (size_t)a->fail[state] * a->classes, a->classes * sizeof *row);
    for (uint32_t child = a->trie.first_child[state]; child < a->trie.first_child[state + 1];
         child++)
        row[a->trie.label[child]] = encode(a, child);
}

static void fill(struct ckf_automaton *a)
{
    for (uint32_t state = 0; state < a->trie.nodes; state++) {
        link_children(a, state);
        if (state < a->dense)
            fill_row(a, state);
    }
}

bool ckf_automaton_build(struct ckf_automaton *a, const struct ckf_pattern *patterns,
                         const uint32_t *ranks, uint32_t count, bool folds)
{
    *a = (struct ckf_automaton){.best = CKF_NO_RANK};
    if (count == 0)
        return true;
    if (!ckf_trie_build(&a->trie, patterns, ranks, count, CKF_TRIE_FULL) ||
        a->trie.nodes > MAX_STATES)
        return false;
    for (uint32_t i = 0; i < count; i++)
        a->best = ckf_lower_rank(a->best, ranks[i]);
    classify(a, folds);
    if (!allocate(a))
        return false;
    fill(a);
    return true;
}

void ckf_automaton_destroy(struct ckf_automaton *a)
{
    ckf_trie_destroy(&a->trie);
    ckf_free(a->fail);
    ckf_free(a->next);
}

size_t ckf_automaton_bytes(const struct ckf_automaton *a)
{
    return ckf_trie_bytes(&a->trie) + a->trie.nodes * sizeof *a->fail +
           a->dense_cells * sizeof *a->next;
}

uint32_t ckf_automaton_find(const struct ckf_automaton *a, const unsigned char *data, size_t len,
                            uint32_t limit)
{
    if (a->trie.nodes == 0 || a->best >= limit)
        return limit;
    uint32_t found = limit, at = 0;
    for (const unsigned char *end = data + len; data < end; data++) {
        unsigned char class = a->class_of[*data];
        if (CKF_LIKELY(at < a->dense_cells))
            at = a->next[at + class];
        else
            at = follow(a, decode(a, at), class);
        if (CKF_UNLIKELY(at & MATCHES)) {
            at &= ~MATCHES;
            found = ckf_lower_rank(found, a->trie.rank[decode(a, at)]);
            if (found == a->best)
                break;
        }
    }
    return found;
}
