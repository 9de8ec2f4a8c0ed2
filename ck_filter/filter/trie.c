/* filter/trie.c - building and walking.
 *
 * Building: a node stands for the range of sorted patterns that begin with its path. The nodes
 * themselves, in breadth-first order, are the queue; their ranges are kept while building. How many
 * nodes there will be follows from the common prefixes of neighbours, so all is allocated at once.
 */
#include "filter/trie.h"

#include <string.h>

#include "base/memory.h"
#include "filter/fold.h"

struct range {
    uint32_t first, last; /* sorted patterns first to last - 1 */
};

/* Depth of the deepest node on the path of sorted pattern i. */
static size_t deepest(const struct ckf_pattern *patterns, const uint32_t *ranks, uint32_t count,
                      uint32_t i, size_t shared_before, enum ckf_trie_shape shape)
{
    const struct ckf_pattern *pattern = &patterns[ranks[i]];
    size_t shared = shared_before;
    if (shape == CKF_TRIE_FULL)
        return pattern->len;
    if (i + 1 < count) {
        size_t after = ckf_common_prefix(pattern, &patterns[ranks[i + 1]]);
        shared = after > shared ? after : shared;
    }
    if (count == 1)
        return 0; /* the root is the leaf */
    return shared < pattern->len ? shared + 1 : pattern->len;
}

static size_t count_nodes(const struct ckf_pattern *patterns, const uint32_t *ranks, uint32_t count,
                          enum ckf_trie_shape shape)
{
    size_t nodes = 1, shared = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            shared = ckf_common_prefix(&patterns[ranks[i - 1]], &patterns[ranks[i]]);
        nodes += deepest(patterns, ranks, count, i, shared, shape) - shared;
    }
    return nodes;
}

static bool allocate(struct ckf_trie *trie, struct range **ranges, size_t nodes)
{
    if (nodes >= CKF_NO_RANK)
        return false;
    trie->nodes = (uint32_t)nodes;
    trie->first_child = ckf_alloc_array(nodes + 1, sizeof *trie->first_child);
    trie->rank = ckf_alloc_array(nodes, sizeof *trie->rank);
    trie->label = ckf_alloc_array(nodes, 1);
    *ranges = ckf_alloc_array(nodes, sizeof **ranges);
    return trie->first_child != NULL && trie->rank != NULL && trie->label != NULL &&
           *ranges != NULL;
}

/* Appends one child for each byte that follows at this depth. Returns the number of nodes then. */
static uint32_t add_children(struct ckf_trie *trie, struct range *ranges, const uint32_t *ranks,
                             struct range range, size_t depth, uint32_t nodes)
{
    while (range.first < range.last) {
        unsigned char byte = trie->patterns[ranks[range.first]].bytes[depth];
        uint32_t end = range.first + 1;
        while (end < range.last && trie->patterns[ranks[end]].bytes[depth] == byte)
            end++;
        trie->label[nodes] = byte;
        ranges[nodes++] = (struct range){range.first, end};
        range.first = end;
    }
    return nodes;
}

static void fill(struct ckf_trie *trie, struct range *ranges, const uint32_t *ranks, uint32_t count,
                 enum ckf_trie_shape shape)
{
    uint32_t nodes = 1, level_end = 1;
    size_t depth = 0;
    ranges[0] = (struct range){0, count};
    for (uint32_t node = 0; node < nodes; node++) {
        if (node == level_end) {
            level_end = nodes;
            depth++;
        }
        struct range range = ranges[node];
        bool leaf = shape == CKF_TRIE_LEAVES && range.last - range.first == 1;
        bool ends_here = trie->patterns[ranks[range.first]].len == depth;
        trie->rank[node] = leaf || ends_here ? ranks[range.first] : CKF_NO_RANK;
        trie->first_child[node] = nodes;
        if (ends_here)
            range.first++;
        if (!leaf)
            nodes = add_children(trie, ranges, ranks, range, depth, nodes);
    }
    trie->first_child[nodes] = nodes;
}

bool ckf_trie_build(struct ckf_trie *trie, const struct ckf_pattern *patterns,
                    const uint32_t *ranks, uint32_t count, enum ckf_trie_shape shape)
{
    *trie = (struct ckf_trie){.patterns = patterns};
    if (count == 0)
        return true;
    struct range *ranges = NULL;
    bool fits = allocate(trie, &ranges, count_nodes(patterns, ranks, count, shape));
    if (fits)
        fill(trie, ranges, ranks, count, shape);
    ckf_free(ranges);
    return fits;
}

void ckf_trie_destroy(struct ckf_trie *trie)
{
    ckf_free(trie->first_child);
    ckf_free(trie->rank);
    ckf_free(trie->label);
}

size_t ckf_trie_bytes(const struct ckf_trie *trie)
{
    return (size_t)trie->nodes *
           (sizeof *trie->first_child + sizeof *trie->rank + sizeof *trie->label);
}

static inline unsigned char byte_at(const unsigned char *data, size_t len, size_t depth, bool folds,
                                    bool backwards)
{
    unsigned char byte = backwards ? data[len - 1 - depth] : data[depth];
    return folds ? ckf_fold_byte(byte) : byte;
}

/* The child that byte leads to, or 0. */
static inline uint32_t child_of(const struct ckf_trie *trie, uint32_t node, unsigned char byte)
{
    uint32_t first = trie->first_child[node];
    size_t count = trie->first_child[node + 1] - first;
    const unsigned char *found = memchr(trie->label + first, byte, count);
    return found == NULL ? 0 : (uint32_t)(found - trie->label);
}

/* Whether the rest of a leaf's pattern, from depth on, follows in the data. */
static inline bool rest_follows(const struct ckf_pattern *pattern, size_t depth,
                                const unsigned char *data, size_t len, bool folds, bool backwards)
{
    if (pattern->len > len)
        return false;
    for (; depth < pattern->len; depth++)
        if (pattern->bytes[depth] != byte_at(data, len, depth, folds, backwards))
            return false;
    return true;
}

static inline uint32_t walk(const struct ckf_trie *trie, const unsigned char *data, size_t len,
                            bool folds, bool backwards)
{
    uint32_t node = 0, found = CKF_NO_RANK;
    for (size_t depth = 0;; depth++) {
        uint32_t rank = trie->rank[node];
        if (trie->first_child[node] == trie->first_child[node + 1])
            return rest_follows(&trie->patterns[rank], depth, data, len, folds, backwards) ? rank
                                                                                           : found;
        if (rank != CKF_NO_RANK)
            found = rank; /* longer than the one before, so of a lower rank */
        if (depth == len)
            return found;
        node = child_of(trie, node, byte_at(data, len, depth, folds, backwards));
        if (node == 0)
            return found;
    }
}

/* One loop for each way to read, without a test a byte. */
uint32_t ckf_trie_find(const struct ckf_trie *trie, const unsigned char *data, size_t len,
                       bool folds, bool backwards)
{
    if (trie->nodes == 0)
        return CKF_NO_RANK;
    if (backwards)
        return folds ? walk(trie, data, len, true, true) : walk(trie, data, len, false, true);
    return folds ? walk(trie, data, len, true, false) : walk(trie, data, len, false, false);
}
