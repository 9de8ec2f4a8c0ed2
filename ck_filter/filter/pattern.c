/* filter/pattern.c - multikey quicksort (Bentley, Sedgewick, "Fast algorithms for sorting and
 * searching strings", SODA 1997), which looks at each byte about once.
 *
 * The largest of the three parts is sorted by the loop and the others by recursion, so the stack
 * stays below log2(count) frames whatever the patterns are. The pivot is random: an unlucky order
 * cannot be prepared.
 */
#include "filter/pattern.h"

#include <string.h>

#include "base/random.h"

/* The byte at that depth; -1 where the pattern ends. */
static inline int key_at(const struct ckf_pattern *pattern, size_t depth)
{
    return depth < pattern->len ? pattern->bytes[depth] : -1;
}

static inline void swap(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

struct part {
    uint32_t *ranks;
    uint32_t count;
    size_t depth; /* bytes in which all of them agree */
};

/* Parts the ranks in three: less than the pivot's byte, equal, greater. */
static int partition(const struct ckf_pattern *patterns, const struct part *whole,
                     struct part parts[3])
{
    uint32_t *ranks = whole->ranks, low = 0, next = 0, high = whole->count;
    int pivot = key_at(&patterns[ranks[ckf_random_below(whole->count)]], whole->depth);
    while (next < high) {
        int key = key_at(&patterns[ranks[next]], whole->depth);
        if (key < pivot)
            swap(&ranks[low++], &ranks[next++]);
        else if (key > pivot)
            swap(&ranks[next], &ranks[--high]);
        else
            next++;
    }
    parts[0] = (struct part){ranks, low, whole->depth};
    parts[1] = (struct part){ranks + low, high - low, whole->depth + 1};
    parts[2] = (struct part){ranks + high, whole->count - high, whole->depth};
    return pivot;
}

/* Equal patterns: the lowest rank to the front, which is the only one that stays. */
static void lowest_first(struct part *equal)
{
    for (uint32_t i = 1; i < equal->count; i++)
        if (equal->ranks[i] < equal->ranks[0])
            swap(&equal->ranks[i], &equal->ranks[0]);
}

static void sort(const struct ckf_pattern *patterns, struct part whole)
{
    while (whole.count > 1) {
        struct part parts[3];
        if (partition(patterns, &whole, parts) < 0) {
            lowest_first(&parts[1]);
            parts[1].count = 0;
        }
        int largest = 0;
        for (int i = 1; i < 3; i++)
            if (parts[i].count > parts[largest].count)
                largest = i;
        for (int i = 0; i < 3; i++)
            if (i != largest)
                sort(patterns, parts[i]);
        whole = parts[largest];
    }
}

static bool equal_patterns(const struct ckf_pattern *a, const struct ckf_pattern *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

uint32_t ckf_sort_patterns(const struct ckf_pattern *patterns, uint32_t *ranks, uint32_t count)
{
    sort(patterns, (struct part){ranks, count, 0});
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || !equal_patterns(&patterns[ranks[kept - 1]], &patterns[ranks[i]]))
            ranks[kept++] = ranks[i];
    return kept;
}

size_t ckf_common_prefix(const struct ckf_pattern *a, const struct ckf_pattern *b)
{
    size_t limit = a->len < b->len ? a->len : b->len, len = 0;
    while (len < limit && a->bytes[len] == b->bytes[len])
        len++;
    return len;
}
