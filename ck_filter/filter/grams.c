/* filter/grams.c - probes a record at every stride-th place, and compares only where a probe hits.
 *
 * Each pattern gives `stride` grams of `width` bytes that begin at neighbouring places, so wherever it
 * occurs, one of the places that are probed is the beginning of one of them. A probe is a
 * multiplication and a look at a bitmap that stays in the nearest caches, and probes do not wait for
 * each other, as the steps of an automaton do. Which of its grams a pattern gives is chosen so that
 * they are rare in texts and not those of other patterns.
 *
 * (Sampling every so many places: Karp, Rabin, "Efficient randomized pattern-matching algorithms",
 * IBM J. Res. Dev. 31(2), 1987, and Wu, Manber, "A fast algorithm for multi-pattern searching", TR
 * 94-17, 1994; filtering by hashed grams with a stride before anything is compared: the FDR matcher of
 * Wang et al., "Hyperscan", NSDI 2019.)
 */
#include "filter/grams.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/memory.h"
#include "filter/frequency.h"
#include "filter/search.h"

enum {
    WORD = 4,        /* bytes of the widest gram that is read as it is */
    MAX_WIDTH = 8,   /* of one that is two words, which overlap */
    GOOD_STRIDE = 4, /* before grams get wider than a word */
    MAX_STRIDE = 8,
    MAX_GRAMS = 1 << 22, /* beyond it, smaller strides: memory */
    BITS_A_GRAM = 64,    /* a probe that should miss hits one time in so many */
    MIN_MARK_BITS = 9,   /* log2 */
    MAX_MARK_BITS = 22,  /* log2: half a megabyte */
    CHOSEN_FROM = 256,   /* places of a pattern: one of any length is prepared in no time */
    NEAR_STRIDE = 4,     /* words of half of the probes lie within sixteen bytes */
    PROBES = CKF_GRAMS_PROBES
};

#define HASH_FACTOR UINT32_C(0x9e3779b1) /* 2^32 over the golden ratio */
#define MIX_FACTOR  UINT32_C(0x85ebca6b) /* any odd number that has many bits */

static inline uint32_t hash_of(uint32_t bytes)
{
    return bytes * HASH_FACTOR;
}

static inline uint32_t mark_of(const struct ckf_grams *g, uint32_t hash)
{
    return hash >> (32 - g->mark_bits);
}

static inline uint32_t bucket_of(const struct ckf_grams *g, uint32_t hash)
{
    return hash >> (32 - g->bucket_bits);
}

/* Grams of more than a word: their last word is mixed into the first. */
static inline uint32_t mix(uint32_t first, uint32_t last)
{
    return first ^ last * MIX_FACTOR;
}

static inline uint32_t read_gram(const struct ckf_grams *g, const unsigned char *place,
                                 unsigned width)
{
    switch (width) {
    case 1:
        return *place | g->raised;
    case 2:
        return ((uint32_t)place[1] << 8 | place[0]) | g->raised;
    case 3:
        return ((uint32_t)place[2] << 16 | (uint32_t)place[1] << 8 | place[0]) | g->raised;
    case WORD:
        return ckf_read_word(place) | g->raised;
    default:
        return mix(ckf_read_word(place) | g->raised,
                   ckf_read_word(place + width - WORD) | g->raised);
    }
}

/* --- building --- */

/* Of all bytes, because they are asked for often. */
struct weights {
    double of[256];
};

static void weigh(struct weights *weights)
{
    for (unsigned byte = 0; byte < 256; byte++)
        weights->of[byte] = ckf_frequency_weight((unsigned char)byte);
}

/* How often a probe may meet the gram, and how many others are in its bucket already. */
static double price(const struct ckf_grams *g, const struct weights *weights,
                    const struct ckf_pattern *pattern, size_t offset)
{
    double price =
        1 + g->starts[bucket_of(g, hash_of(read_gram(g, pattern->bytes + offset, g->width)))];
    for (unsigned i = 0; i < g->width; i++)
        price *= weights->of[pattern->bytes[offset + i]];
    return price;
}

/* The first of the `stride` neighbouring places whose grams cost least together. */
static size_t choose_places(const struct ckf_grams *g, const struct weights *weights,
                            const struct ckf_pattern *pattern)
{
    size_t places = pattern->len - g->width + 1;
    if (places > CHOSEN_FROM)
        places = CHOSEN_FROM;
    double prices[CHOSEN_FROM], sum = 0, lowest = 0;
    size_t best = 0;
    for (size_t i = 0; i < places; i++) {
        prices[i] = price(g, weights, pattern, i);
        sum += prices[i];
        if (i + 1 < g->stride)
            continue;
        if (i + 1 > g->stride)
            sum -= prices[i - g->stride];
        if (i + 1 == g->stride || sum < lowest) {
            lowest = sum;
            best = i + 1 - g->stride;
        }
    }
    return best;
}

static unsigned log2_above(size_t number)
{
    unsigned bits = 0;
    while ((size_t)1 << bits < number)
        bits++;
    return bits;
}

static bool has_vectors(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") != 0;
#else
    return false;
#endif
}

/* Probes should be as far apart as GOOD_STRIDE; then they should be sure; then farther apart. */
static void choose_shape(struct ckf_grams *g, uint32_t patterns, size_t min_len)
{
    g->width = min_len < WORD ? (unsigned)min_len : WORD;
    while (g->width >= WORD && g->width < MAX_WIDTH && min_len - g->width >= GOOD_STRIDE)
        g->width++;
    size_t stride = min_len - g->width + 1;
    g->stride = stride < MAX_STRIDE ? (unsigned)stride : MAX_STRIDE;
    while (g->stride > 1 && (uint64_t)patterns * g->stride > MAX_GRAMS)
        g->stride /= 2;
    g->count = patterns * g->stride;
    g->mark_bits = log2_above((size_t)g->count * BITS_A_GRAM);
    if (g->mark_bits < MIN_MARK_BITS)
        g->mark_bits = MIN_MARK_BITS;
    if (g->mark_bits > MAX_MARK_BITS)
        g->mark_bits = MAX_MARK_BITS;
    g->vectors = g->width >= WORD && has_vectors();
    g->bucket_bits = log2_above((size_t)g->count * 2);
}

static void prepare_vectors(struct ckf_grams *g)
{
    for (unsigned probe = 0; probe < PROBES; probe++) {
        g->steps[probe] = probe * g->stride;
        for (unsigned byte = 0; byte < WORD; byte++)
            g->order[probe * WORD + byte] =
                (unsigned char)(probe % (PROBES / 2) * g->stride + byte);
    }
}

static bool allocate(struct ckf_grams *g)
{
    g->marks = ckf_alloc_array(((size_t)1 << g->mark_bits) / 32, sizeof *g->marks);
    g->starts = ckf_alloc_array(((size_t)1 << g->bucket_bits) + 1, sizeof *g->starts);
    g->grams = ckf_alloc_array(g->count, sizeof *g->grams);
    return g->marks != NULL && g->starts != NULL && g->grams != NULL;
}

/* Beside it if there is room, within it if there is not. */
static void add_more(const struct ckf_grams *g, struct ckf_gram *gram)
{
    const struct ckf_pattern *pattern = &g->patterns[gram->rank];
    size_t offset = gram->offset, more = offset;
    if (g->width < WORD)
        return;
    if (offset + g->width + WORD <= pattern->len)
        more = offset + g->width;
    else if (offset >= WORD)
        more = offset - WORD;
    else if (pattern->len - WORD > offset)
        more = pattern->len - WORD;
    else
        more = 0;
    gram->more_offset = (uint16_t)more;
    gram->more = ckf_read_word(pattern->bytes + more) | g->raised;
}

/* Fills `unsorted` in order of rank, marks each gram, and counts buckets in starts. */
static void collect(struct ckf_grams *g, const uint32_t *ranks, uint32_t patterns,
                    struct ckf_gram *unsorted)
{
    struct weights weights;
    weigh(&weights);
    for (uint32_t i = 0; i < patterns; i++) {
        const struct ckf_pattern *pattern = &g->patterns[ranks[i]];
        size_t first = choose_places(g, &weights, pattern);
        for (unsigned step = 0; step < g->stride; step++) {
            uint32_t bytes = read_gram(g, pattern->bytes + first + step, g->width);
            uint32_t hash = hash_of(bytes);
            uint32_t mark = mark_of(g, hash);
            g->marks[mark / 32] |= UINT32_C(1) << mark % 32;
            g->starts[bucket_of(g, hash)]++;
            *unsorted = (struct ckf_gram){
                .bytes = bytes, .rank = ranks[i], .offset = (uint16_t)(first + step)};
            add_more(g, unsorted++);
        }
    }
}

/* A counting sort, from the back, so that ranks stay in order within a bucket. */
static void deal_out(struct ckf_grams *g, const struct ckf_gram *unsorted)
{
    uint32_t buckets = UINT32_C(1) << g->bucket_bits, end = 0;
    for (uint32_t bucket = 0; bucket < buckets; bucket++)
        g->starts[bucket] = end += g->starts[bucket];
    g->starts[buckets] = end;
    for (uint32_t i = g->count; i-- > 0;)
        g->grams[--g->starts[bucket_of(g, hash_of(unsorted[i].bytes))]] = unsorted[i];
}

bool ckf_grams_build(struct ckf_grams *g, const struct ckf_pattern *patterns, const bool *folds,
                     const uint32_t *ranks, uint32_t count, size_t min_len)
{
    *g = (struct ckf_grams){.patterns = patterns, .folds = folds, .best = CKF_NO_RANK};
    if (count == 0)
        return true;
    choose_shape(g, count, min_len);
    prepare_vectors(g);
    for (uint32_t i = 0; i < count; i++)
        if (folds[ranks[i]])
            g->raised = UINT32_C(0x20202020) >> (g->width < WORD ? WORD - g->width : 0) * 8;
    struct ckf_gram *unsorted = ckf_alloc_array(g->count, sizeof *unsorted);
    bool fits = unsorted != NULL && allocate(g);
    if (fits) {
        collect(g, ranks, count, unsorted);
        deal_out(g, unsorted);
        g->best = ranks[0];
    }
    ckf_free(unsorted);
    return fits;
}

void ckf_grams_destroy(struct ckf_grams *g)
{
    ckf_free(g->marks);
    ckf_free(g->starts);
    ckf_free(g->grams);
}

size_t ckf_grams_bytes(const struct ckf_grams *g)
{
    if (g->count == 0)
        return 0;
    return ((size_t)1 << g->mark_bits) / 8 +
           (((size_t)1 << g->bucket_bits) + 1) * sizeof *g->starts + g->count * sizeof *g->grams;
}

/* --- finding --- */

/* Whether the word beside the gram is there as well. */
static inline bool has_more(const struct ckf_grams *g, const struct ckf_gram *gram,
                            const struct ckf_search *search, size_t place)
{
    if (place < gram->offset)
        return false;
    size_t more = place - gram->offset + gram->more_offset;
    return g->width < WORD || (more + WORD <= search->len &&
                               (ckf_read_word(search->data + more) | g->raised) == gram->more);
}

/* A probe hit. False: there is nothing more to find, or it costs too much. */
static bool compare(const struct ckf_grams *g, struct ckf_search *search, size_t place)
{
    uint32_t bytes = read_gram(g, search->data + place, g->width);
    uint32_t bucket = bucket_of(g, hash_of(bytes));
    const struct ckf_gram *gram = &g->grams[g->starts[bucket]];
    const struct ckf_gram *end = &g->grams[g->starts[bucket + 1]];
    for (; gram < end && gram->rank < search->found; gram++) {
        size_t cost = 1;
        if (gram->bytes == bytes && has_more(g, gram, search, place)) {
            const struct ckf_pattern *pattern = &g->patterns[gram->rank];
            cost += ckf_search_cost(pattern);
            if (ckf_search_meets(search, pattern, g->folds[gram->rank], place, gram->offset))
                search->found = gram->rank;
        }
        if (!ckf_search_spend(search, cost))
            return false;
    }
    return search->found != g->best;
}

static inline unsigned probe(const struct ckf_grams *g, const unsigned char *place, unsigned width)
{
    uint32_t mark = mark_of(g, hash_of(read_gram(g, place, width)));
    return g->marks[mark / 32] >> mark % 32 & 1;
}

/* Compares where bit i, for the i-th probe from `place` on, is set. False: enough. */
static inline bool compare_hits(const struct ckf_grams *g, struct ckf_search *search, size_t place,
                                uint64_t hits)
{
    for (; hits != 0; hits &= hits - 1)
        if (!compare(g, search, place + (size_t)__builtin_ctzll(hits) * g->stride))
            return false;
    return true;
}

static inline __attribute__((always_inline)) void scan(const struct ckf_grams *g,
                                                       struct ckf_search *search, unsigned width)
{
    const size_t stride = g->stride, last = search->len - width;
    size_t place = 0;
    for (; place + (PROBES - 1) * stride <= last; place += PROBES * stride) {
        unsigned hits = 0;
        for (unsigned i = 0; i < PROBES; i++)
            hits |= probe(g, search->data + place + i * stride, width) << i;
        if (!compare_hits(g, search, place, hits))
            return;
    }
    for (; place <= last; place += stride)
        if (probe(g, search->data + place, width) && !compare(g, search, place))
            return;
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

/* Eight probes at once: bit i for the i-th of the grams. */
AVX2 static inline unsigned probe_grams(const struct ckf_grams *g, __m256i grams)
{
    __m256i hashes = _mm256_mullo_epi32(grams, _mm256_set1_epi32((int)HASH_FACTOR));
    __m256i marks = _mm256_srl_epi32(hashes, _mm_cvtsi32_si128(32 - (int)g->mark_bits));
    __m256i found =
        _mm256_i32gather_epi32((const int *)(const void *)g->marks, _mm256_srli_epi32(marks, 5), 4);
    __m256i to_top = _mm256_andnot_si256(marks, _mm256_set1_epi32(31));
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sllv_epi32(found, to_top)));
}

/* Where the eight probes read, as vectors. */
struct reach {
    __m256i order, steps, raised;
};

AVX2 static inline struct reach reach_of(const struct ckf_grams *g)
{
    return (struct reach){
        .order = _mm256_loadu_si256((const __m256i *)(const void *)g->order),
        .steps = _mm256_loadu_si256((const __m256i *)(const void *)g->steps),
        .raised = _mm256_set1_epi32((int)g->raised),
    };
}

/* Words that are near enough to each other to be read in two halves. */
AVX2 static inline __m256i near_words(const struct reach *reach, const unsigned char *place,
                                      size_t stride)
{
    const __m128i *low = (const __m128i *)(const void *)place;
    const __m128i *high = (const __m128i *)(const void *)(place + 4 * stride);
    __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(low)),
                                            _mm_loadu_si128(high), 1);
    return _mm256_or_si256(_mm256_shuffle_epi8(bytes, reach->order), reach->raised);
}

/* Words one by one, and no others than those asked for. */
AVX2 static inline __m256i far_words(const struct reach *reach, const unsigned char *place,
                                     __m256i wanted)
{
    const int *words = (const int *)(const void *)place;
    return _mm256_or_si256(
        _mm256_mask_i32gather_epi32(_mm256_setzero_si256(), words, reach->steps, wanted, 1),
        reach->raised);
}

AVX2 static inline __m256i mix_words(__m256i first, __m256i last)
{
    return _mm256_xor_si256(first, _mm256_mullo_epi32(last, _mm256_set1_epi32((int)MIX_FACTOR)));
}

/* The grams at `place` and seven strides on, read in one go. */
AVX2 static inline unsigned probe_near(const struct ckf_grams *g, const struct reach *reach,
                                       const unsigned char *place)
{
    __m256i grams = near_words(reach, place, g->stride);
    if (g->width > WORD)
        grams = mix_words(grams, near_words(reach, place + g->width - WORD, g->stride));
    return probe_grams(g, grams);
}

/* The same, but none beyond `left` bytes from there. */
AVX2 static inline unsigned probe_far(const struct ckf_grams *g, const struct reach *reach,
                                      const unsigned char *place, size_t left)
{
    __m256i limit = _mm256_set1_epi32(left < INT32_MAX ? (int)left : INT32_MAX);
    __m256i wanted =
        _mm256_xor_si256(_mm256_cmpgt_epi32(reach->steps, limit), _mm256_set1_epi32(-1));
    __m256i grams = far_words(reach, place, wanted);
    if (g->width > WORD)
        grams = mix_words(grams, far_words(reach, place + g->width - WORD, wanted));
    return probe_grams(g, grams) & (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(wanted));
}

/* How much must be left for reading in one go. */
static inline size_t near_bytes(const struct ckf_grams *g)
{
    return g->stride > NEAR_STRIDE ? SIZE_MAX / 2 : g->width - WORD + 4 * g->stride + 16;
}

/* Where less is left: the eight that end with the record, of which the first have been probed; if these do
 * not reach back so far, one by one. */
AVX2 static inline unsigned probe_end(const struct ckf_grams *g, const struct reach *reach,
                                      const struct ckf_search *search, size_t place)
{
    const size_t last = search->len - g->width, missing = place + near_bytes(g) - search->len;
    const unsigned back = ((unsigned)missing + g->stride - 1) / g->stride;
    if (g->stride <= NEAR_STRIDE && back < PROBES && back * g->stride <= place &&
        last - place < (PROBES - back) * g->stride)
        return probe_near(g, reach, search->data + place - back * g->stride) >> back;
    return probe_far(g, reach, search->data + place, last - place);
}

/* As scan(), for grams of a word and more. What many probes hit is looked at together, because a branch for
 * a few of them is a wrong guess as often as not. */
AVX2 static void scan_vectors(const struct ckf_grams *g, struct ckf_search *search)
{
    const struct reach reach = reach_of(g);
    const size_t last = search->len - g->width, step = PROBES * g->stride, read = near_bytes(g);
    for (size_t place = 0; place <= last;) {
        const size_t first = place;
        uint64_t hits = 0;
        for (unsigned bit = 0; bit < 64 && place <= last; bit += PROBES, place += step) {
            unsigned found = place + read <= search->len
                                 ? probe_near(g, &reach, search->data + place)
                                 : probe_end(g, &reach, search, place);
            hits |= (uint64_t)found << bit;
        }
        if (!compare_hits(g, search, first, hits))
            return;
    }
}

#else

static void scan_vectors(const struct ckf_grams *g, struct ckf_search *search)
{
    scan(g, search, g->width);
}

#endif

bool ckf_grams_find(const struct ckf_grams *g, const unsigned char *data, size_t len,
                    uint32_t *found)
{
    if (g->count == 0 || g->best >= *found || len < g->width)
        return true;
    struct ckf_search search = ckf_search_of(data, len, *found);
    if (g->vectors)
        scan_vectors(g, &search);
    else if (g->width > WORD)
        scan(g, &search, g->width);
    else if (g->width == WORD)
        scan(g, &search, WORD);
    else if (g->width == 3)
        scan(g, &search, 3);
    else if (g->width == 2)
        scan(g, &search, 2);
    else
        scan(g, &search, 1);
    *found = search.found;
    return search.budget > 0;
}
