/* filter/teddy.c - asks of thirty-two places at once which patterns may stand there.
 *
 * Patterns are dealt out to eight buckets, a bit each. For the first byte of their prints there are two
 * tables, by its lower and by its upper half, that say which buckets have such a byte; likewise for
 * the second and so on. A shuffle looks up thirty-two bytes in a table, and what is left after all
 * tables were and-ed are the places where some pattern of a bucket may be, and which bucket.
 *
 * (Teddy, of Wang et al., "Hyperscan", NSDI 2019, by way of Rust's aho-corasick crate. They recognize
 * patterns by their first bytes; here it is those that are rarest in texts, as in filter/needle.c.)
 */
#include "filter/teddy.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "filter/frequency.h"
#include "filter/search.h"

enum {
    CHOSEN_FROM = 256, /* places of a pattern: one of any length is prepared in no time */
    HALF = 16          /* values of half of a byte */
};

/* --- building --- */

bool ckf_teddy_takes(uint32_t count)
{
#if defined(__x86_64__)
    return count <= CKF_TEDDY_PATTERNS && __builtin_cpu_supports("avx2") != 0;
#else
    (void)count;
    return false;
#endif
}

/* The place whose bytes are rarest together, as far as one can know. */
static uint32_t choose_offset(const struct ckf_pattern *pattern, unsigned width)
{
    size_t end = pattern->len < CHOSEN_FROM ? pattern->len : CHOSEN_FROM;
    double weights[CHOSEN_FROM], lowest = 0;
    uint32_t best = 0;
    for (size_t i = 0; i < end; i++) {
        weights[i] = ckf_frequency_weight(pattern->bytes[i]);
        if (i + 1 < width)
            continue;
        double price = 1;
        for (unsigned before = 0; before < width; before++)
            price *= weights[i - before];
        if (i + 1 == width || price < lowest) {
            lowest = price;
            best = (uint32_t)(i + 1 - width);
        }
    }
    return best;
}

static bool is_letter(unsigned char byte)
{
    return byte >= 'a' && byte <= 'z';
}

static struct ckf_teddy_print print_of(const struct ckf_teddy *teddy, uint32_t rank)
{
    const struct ckf_pattern *pattern = &teddy->patterns[rank];
    struct ckf_teddy_print print = {.rank = rank, .offset = choose_offset(pattern, teddy->width)};
    unsigned char bytes[CKF_TEDDY_WIDTH] = {0}, raised[CKF_TEDDY_WIDTH] = {0};
    for (unsigned i = 0; i < teddy->width; i++) {
        bytes[i] = pattern->bytes[print.offset + i];
        raised[i] = teddy->folds[rank] && is_letter(bytes[i]) ? 0x20 : 0;
    }
    print.word = ckf_read_word(bytes);
    print.raised = ckf_read_word(raised);
    return print;
}

/* Prints that begin alike are in one bucket, where they cost no more than one of them. */
static unsigned choose_bucket(const struct ckf_teddy_print *prints, const unsigned *buckets,
                              uint32_t before)
{
    unsigned sizes[CKF_TEDDY_BUCKETS] = {0}, smallest = 0;
    for (uint32_t i = 0; i < before; i++) {
        if (prints[i].word == prints[before].word && prints[i].raised == prints[before].raised)
            return buckets[i];
        sizes[buckets[i]]++;
    }
    for (unsigned bucket = 1; bucket < CKF_TEDDY_BUCKETS; bucket++)
        if (sizes[bucket] < sizes[smallest])
            smallest = bucket;
    return smallest;
}

static void mark(struct ckf_teddy *teddy, unsigned place, unsigned char byte, unsigned char bucket)
{
    for (int half = 0; half < CKF_TEDDY_VECTOR; half += HALF) {
        teddy->masks[place].low[half + byte % HALF] |= bucket;
        teddy->masks[place].high[half + byte / HALF] |= bucket;
    }
}

static void mark_print(struct ckf_teddy *teddy, const struct ckf_teddy_print *print,
                       unsigned bucket)
{
    unsigned char bytes[CKF_TEDDY_WIDTH], raised[CKF_TEDDY_WIDTH];
    memcpy(bytes, &print->word, sizeof bytes);
    memcpy(raised, &print->raised, sizeof raised);
    for (unsigned i = 0; i < teddy->width; i++) {
        mark(teddy, i, bytes[i], (unsigned char)(1u << bucket));
        mark(teddy, i, bytes[i] & (unsigned char)~raised[i], (unsigned char)(1u << bucket));
    }
}

void ckf_teddy_build(struct ckf_teddy *teddy, const struct ckf_pattern *patterns, const bool *folds,
                     const uint32_t *ranks, uint32_t count, size_t min_len)
{
    *teddy = (struct ckf_teddy){
        .patterns = patterns,
        .folds = folds,
        .count = count,
        .best = count > 0 ? ranks[0] : CKF_NO_RANK,
        .width = min_len < CKF_TEDDY_WIDTH ? (unsigned)min_len : CKF_TEDDY_WIDTH,
    };
    struct ckf_teddy_print prints[CKF_TEDDY_PATTERNS];
    unsigned buckets[CKF_TEDDY_PATTERNS];
    for (uint32_t i = 0; i < count; i++) {
        prints[i] = print_of(teddy, ranks[i]);
        buckets[i] = choose_bucket(prints, buckets, i);
        mark_print(teddy, &prints[i], buckets[i]);
    }
    uint32_t used = 0;
    for (unsigned bucket = 0; bucket < CKF_TEDDY_BUCKETS; bucket++) {
        teddy->starts[bucket] = used;
        for (uint32_t i = 0; i < count; i++)
            if (buckets[i] == bucket)
                teddy->prints[used++] = prints[i];
    }
    teddy->starts[CKF_TEDDY_BUCKETS] = used;
}

/* --- finding --- */

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

/* Looked at before what they hit is compared: a branch for a few places is a wrong guess as often as
 * not. */
enum { VECTORS = 4 };

/* Some patterns of a bucket may be there. False: there is nothing more to find, or it costs too much. */
static bool compare_bucket(const struct ckf_teddy *teddy, struct ckf_search *search, size_t place,
                           unsigned bucket)
{
    const struct ckf_teddy_print *print = &teddy->prints[teddy->starts[bucket]];
    const struct ckf_teddy_print *end = &teddy->prints[teddy->starts[bucket + 1]];
    for (; print < end && print->rank < search->found; print++) {
        size_t cost = 1;
        if (teddy->width < CKF_TEDDY_WIDTH ||
            (ckf_read_word(search->data + place) | print->raised) == print->word) {
            const struct ckf_pattern *pattern = &teddy->patterns[print->rank];
            cost += ckf_search_cost(pattern);
            if (ckf_search_meets(search, pattern, teddy->folds[print->rank], place, print->offset))
                search->found = print->rank;
        }
        if (!ckf_search_spend(search, cost))
            return false;
    }
    return search->found != teddy->best;
}

static bool compare(const struct ckf_teddy *teddy, struct ckf_search *search, size_t place,
                    unsigned buckets)
{
    for (; buckets != 0; buckets &= buckets - 1)
        if (!compare_bucket(teddy, search, place, (unsigned)__builtin_ctz(buckets)))
            return false;
    return true;
}

AVX2 static inline __m256i load(const unsigned char *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

/* For each place from `data` on, the buckets of which a pattern may stand there; `data` has width - 1
 * bytes more than the vector. */
AVX2 static inline __attribute__((always_inline)) __m256i buckets_at(const struct ckf_teddy *teddy,
                                                                     const unsigned char *data,
                                                                     unsigned width)
{
    const __m256i half = _mm256_set1_epi8(HALF - 1);
    __m256i left = _mm256_set1_epi8(-1);
    for (unsigned i = 0; i < width; i++) {
        __m256i bytes = load(data + i);
        __m256i low = _mm256_and_si256(bytes, half);
        __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
        left = _mm256_and_si256(left, _mm256_shuffle_epi8(load(teddy->masks[i].low), low));
        left = _mm256_and_si256(left, _mm256_shuffle_epi8(load(teddy->masks[i].high), high));
    }
    return left;
}

/* Where some bucket is left, a bit each. */
AVX2 static inline uint32_t places_of(__m256i buckets)
{
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(buckets, _mm256_setzero_si256()));
}

/* What vectors have hit, as yet not compared. */
struct sightings {
    unsigned char buckets[VECTORS][CKF_TEDDY_VECTOR];
    size_t starts[VECTORS]; /* their first places */
    uint32_t hits[VECTORS];
    unsigned count;
    uint32_t any;
};

/* Looks at the vector of places from `start` on, where `from` reads; `wanted` are a bit each. */
AVX2 static inline __attribute__((always_inline)) void look(const struct ckf_teddy *teddy,
                                                            struct sightings *seen,
                                                            const unsigned char *from, size_t start,
                                                            uint32_t wanted, unsigned width)
{
    __m256i found = buckets_at(teddy, from, width);
    unsigned i = seen->count++;
    _mm256_storeu_si256((__m256i *)(void *)seen->buckets[i], found);
    seen->starts[i] = start;
    seen->hits[i] = places_of(found) & wanted;
    seen->any |= seen->hits[i];
}

/* False: enough. */
static bool compare_all(const struct ckf_teddy *teddy, struct ckf_search *search,
                        const struct sightings *seen)
{
    for (unsigned i = 0; i < seen->count; i++)
        for (uint32_t hits = seen->hits[i]; hits != 0; hits &= hits - 1) {
            unsigned at = (unsigned)__builtin_ctz(hits);
            if (!compare(teddy, search, seen->starts[i] + at, seen->buckets[i][at]))
                return false;
        }
    return true;
}

/* Fewer places than a vector has. What is read in one go must not go beyond the record. */
AVX2 static inline __attribute__((always_inline)) void scan_few(const struct ckf_teddy *teddy,
                                                                struct ckf_search *search,
                                                                size_t places, unsigned width)
{
    struct sightings seen;
    unsigned char copy[CKF_TEDDY_VECTOR + CKF_TEDDY_WIDTH] = {0};
    seen.count = seen.any = 0;
    memcpy(copy, search->data, search->len);
    look(teddy, &seen, copy, 0, (UINT32_C(1) << places) - 1, width);
    if (seen.any != 0)
        compare_all(teddy, search, &seen);
}

/* Vector by vector; the last one begins before the others' end. */
AVX2 static inline __attribute__((always_inline)) void scan(const struct ckf_teddy *teddy,
                                                            struct ckf_search *search,
                                                            unsigned width)
{
    const size_t places = search->len - width + 1;
    if (places < CKF_TEDDY_VECTOR) {
        scan_few(teddy, search, places, width);
        return;
    }
    const size_t last = places - CKF_TEDDY_VECTOR;
    for (size_t place = 0; place < places;) {
        struct sightings seen;
        seen.count = seen.any = 0;
        for (; seen.count < VECTORS && place <= last; place += CKF_TEDDY_VECTOR)
            look(teddy, &seen, search->data + place, place, UINT32_MAX, width);
        if (seen.count < VECTORS && place < places) {
            look(teddy, &seen, search->data + last, last, UINT32_MAX << (place - last), width);
            place = places;
        }
        if (seen.any != 0 && !compare_all(teddy, search, &seen))
            return;
    }
}

AVX2 static void scan_words(const struct ckf_teddy *teddy, struct ckf_search *search)
{
    scan(teddy, search, CKF_TEDDY_WIDTH);
}

AVX2 static void scan_short(const struct ckf_teddy *teddy, struct ckf_search *search)
{
    scan(teddy, search, teddy->width);
}

bool ckf_teddy_find(const struct ckf_teddy *teddy, const unsigned char *data, size_t len,
                    uint32_t *found)
{
    if (teddy->count == 0 || teddy->best >= *found || len < teddy->width)
        return true;
    struct ckf_search search = ckf_search_of(data, len, *found);
    if (teddy->width == CKF_TEDDY_WIDTH)
        scan_words(teddy, &search);
    else
        scan_short(teddy, &search);
    *found = search.found;
    return search.budget > 0;
}

#else

bool ckf_teddy_find(const struct ckf_teddy *teddy, const unsigned char *data, size_t len,
                    uint32_t *found)
{
    (void)teddy, (void)data, (void)len, (void)found;
    return false; /* ckf_teddy_takes nothing: the automaton would be asked */
}

#endif
